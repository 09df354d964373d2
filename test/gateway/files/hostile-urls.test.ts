import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { onePixel, testApp } from '../../fixtures/app.ts'
import { refusedUrls } from '../../fixtures/ssrf-corpus.ts'

const call = (image: string) => ({
  method: 'POST' as const,
  url: '/tools/mirror',
  payload: { image },
})

t.test('no spelling of a URL reaches inside', async t => {
  const { app } = await testApp(t)
  // Names whose addresses are private need a resolver of the test's own: the guard's tests have one.
  const { 'names whose addresses are not public': _named, ...tricks } = refusedUrls
  for (const [trick, urls] of Object.entries(tricks))
    for (const image of urls) {
      const answer = await app.inject(call(image))
      const { code } = answer.json().error
      t.equal(answer.statusCode, 400, `${trick}: ${image}`)
      t.match(code, /^TG_(URL_REFUSED|ARGUMENT_INVALID)$/, image)
    }
})

async function* endless() {
  for (;;) {
    await wait(1)
    yield Buffer.alloc(65_536, 'a')
  }
}

/** A host that callers may name, and that means no good. */
async function knave(t: Test): Promise<{ url: string; host: string }> {
  const answers: Record<string, string> = {
    '/to-metadata': 'http://169.254.169.254/latest/meta-data/',
    '/to-loopback': 'http://127.0.0.1:6379/',
    '/to-file': 'file:///etc/passwd',
    '/round': '/round',
  }
  const server = createServer((request, response) => {
    const location = answers[request.url ?? '']
    if (location) return response.writeHead(302, { location }).end()
    if (request.url === '/picture') return response.end(onePixel)
    return pipeline(endless(), response, () => undefined)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void (server.closeAllConnections(), server.close()))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { host, url: `http://${host}` }
}

t.test('a host that is allowed leads nowhere else, and no further than the limit', async t => {
  const { host, url } = await knave(t)
  const env = { TOOLGATE_ALLOWED_HOSTS: host }
  const { app } = await testApp(t, { env, file: { limits: { fileBytesMax: 1_048_576 } } })
  t.equal((await app.inject(call(`${url}/picture`))).json().bytes, onePixel.length)
  const ends: [path: string, status: number, code: string][] = [
    ['/to-metadata', 400, 'TG_URL_REFUSED'],
    ['/to-loopback', 400, 'TG_URL_REFUSED'],
    ['/to-file', 400, 'TG_URL_REFUSED'],
    ['/round', 502, 'TG_UPSTREAM_FAILED'],
    ['/endless', 413, 'TG_TOO_LARGE'],
  ]
  for (const [path, status, code] of ends) {
    const answer = await app.inject(call(`${url}${path}`))
    t.equal(answer.statusCode, status, `${path}: ${answer.body}`)
    t.equal(answer.json().error.code, code)
  }
  const elsewhere = await app.inject(call(url.replace('127.0.0.1', 'localhost')))
  t.equal(elsewhere.statusCode, 400, 'only as it was written down')
})
