import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { createGuard, type Lookup } from '../../../src/gateway/http/guard.ts'
import { download } from '../../../src/gateway/http/download.ts'
import { until } from '../../fixtures/until.ts'
import { corpusAddresses, refusedToOperators, refusedUrls } from '../../fixtures/ssrf-corpus.ts'

const withFamily = (address: string) => ({ address, family: address.includes(':') ? 6 : 4 })

/** Resolves from a table and keeps count. */
function tableLookup(table: Record<string, string[]>) {
  const asked: string[] = []
  const lookup: Lookup = async hostname => {
    asked.push(hostname)
    return (table[hostname.toLowerCase().replace(/\.$/, '')] ?? []).map(withFamily)
  }
  return { lookup, asked }
}

/** Counts every connection that undici makes while a test runs. */
function countConnections(t: Test): () => number {
  let connections = 0
  const count = () => {
    connections += 1
  }
  subscribe('undici:client:connected', count)
  t.teardown(() => unsubscribe('undici:client:connected', count))
  return () => connections
}

async function listen(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const signal = new AbortController().signal
const drain = async () => 'taken'

t.test('every spelling of the corpus is refused and no connection is made', async t => {
  const { lookup } = tableLookup(corpusAddresses)
  const guard = createGuard({ lookup })
  t.teardown(guard.close)
  const connections = countConnections(t)
  const all = Object.entries(refusedUrls)
  t.ok(all.flatMap(([, urls]) => urls).length >= 150, 'the corpus is large')
  for (const [trick, urls] of all)
    for (const url of urls)
      await t.rejects(
        download(url, { guard, signal }, drain),
        { code: 'TG_URL_REFUSED', status: 400 },
        `${trick}: ${url.slice(0, 80)}`,
      )
  t.equal(connections(), 0)
})

t.test('the dispatcher refuses by itself, whoever uses it', async t => {
  const { lookup } = tableLookup(corpusAddresses)
  const { dispatcher, close } = createGuard({ lookup })
  t.teardown(close)
  for (const url of ['https://127.0.0.1/', 'http://example.com/', 'https://private.example.com/'])
    await t.rejects(request(url, { dispatcher }), { code: 'TG_URL_REFUSED' }, url)
})

t.test('link-local and metadata addresses are refused to operators too', async t => {
  const { lookup } = tableLookup(corpusAddresses)
  const hosts = refusedToOperators.map(url => new URL(url).host)
  const guards = {
    operator: createGuard({ lookup, privateAllowed: true }),
    allowed: createGuard({ lookup, allowedHosts: hosts.map(host => `${host}:80`) }),
  }
  const connections = countConnections(t)
  for (const [name, guard] of Object.entries(guards)) {
    t.teardown(guard.close)
    for (const url of refusedToOperators)
      await t.rejects(
        download(url, { guard, signal }, drain),
        { code: 'TG_URL_REFUSED' },
        `${name}: ${url}`,
      )
  }
  t.equal(connections(), 0)
})

t.test('public URLs pass', async t => {
  const guard = createGuard()
  t.teardown(guard.close)
  for (const url of [
    'https://files.example.com/a.png?size=2#top',
    'https://files.example.com:8443/',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://münchen.example/',
    'https://图片.example/',
  ])
    t.equal(guard.check(url).href, new URL(url).href)
})

t.test('an allowed host:port may be private and plain http, and only that port', async t => {
  const host = await listen(t, (_, response) => response.end('hello'))
  const guard = createGuard({ allowedHosts: [host] })
  t.teardown(guard.close)
  const text = await download(
    `http://${host}/a.txt`,
    { guard, signal },
    async ({ stream, name }) => {
      const chunks = await stream.toArray()
      return `${name}: ${Buffer.concat(chunks).toString()}`
    },
  )
  t.equal(text, 'a.txt: hello')
  t.throws(() => guard.check('http://127.0.0.1:1/'), { code: 'TG_URL_REFUSED' })
  t.throws(() => guard.check(`http://localhost:${host.split(':')[1]}/`), { code: 'TG_URL_REFUSED' })
})

t.test('allowed origins and operators may be private, in any spelling', async t => {
  const settings = createGuard({ allowedOrigins: ['http://10.0.0.5:9000', 'https://gpu.lan'] })
  t.equal(settings.check('http://10.0.0.5:9000/v1').port, '9000')
  t.equal(settings.check('https://gpu.lan/v1').hostname, 'gpu.lan')
  t.throws(() => settings.check('https://10.0.0.5/'), { code: 'TG_URL_REFUSED' })
  const operator = createGuard({ privateAllowed: true })
  for (const url of [
    'http://127.0.0.1:23333',
    'http://0.0.0.0:23333',
    'http://redis:80',
    'http://[::1]:1',
  ])
    t.ok(operator.check(url), url)
  for (const url of ['ftp://gpu.lan/', 'http://user@gpu.lan/', 'http://224.0.0.1/', 'nonsense'])
    t.throws(() => operator.check(url), { code: 'TG_URL_REFUSED' }, url)
})

t.test('a name is resolved once for a connection: rebinding it changes nothing', async t => {
  const host = await listen(t, (_, response) => response.end('first'))
  const port = host.split(':')[1]
  const answers = [['127.0.0.1'], ['169.254.169.254']]
  let asked = 0
  const lookup: Lookup = async () => (answers[asked++] ?? ['169.254.169.254']).map(withFamily)
  const guard = createGuard({ allowedHosts: [`rebinding.example.com:${port}`], lookup })
  t.teardown(guard.close)
  const url = `http://rebinding.example.com:${port}/`
  const { body } = await request(url, { dispatcher: guard.dispatcher, reset: true })
  t.equal(await body.text(), 'first')
  t.equal(asked, 1, 'checked and connected to the same answer')
  await t.rejects(request(url, { dispatcher: guard.dispatcher }), { code: 'TG_URL_REFUSED' })
  t.equal(asked, 2, 'a new connection is checked anew')
})

t.test('a redirect is checked like the URL that led to it', async t => {
  let location = ''
  const host = await listen(t, (_, response) => response.writeHead(302, { location }).end())
  const guard = createGuard({ allowedHosts: [host], lookup: tableLookup(corpusAddresses).lookup })
  t.teardown(guard.close)
  for (const target of [
    'http://127.0.0.1:1/',
    'https://127.0.0.1/',
    '//169.254.169.254/latest/meta-data/',
    'https://[::ffff:127.0.0.1]/',
    'https://metadata.example.com/',
    'https://user@files.example.com/',
    'file:///etc/passwd',
    'http://files.example.com/',
  ]) {
    location = target
    await t.rejects(
      download(`http://${host}/`, { guard, signal }, drain),
      { code: 'TG_URL_REFUSED' },
      target,
    )
  }
})

t.test('redirects are followed, and not without end', async t => {
  const host = await listen(t, (incoming, response) => {
    const hops = Number(incoming.url?.slice(1))
    if (hops === 0) response.end('there')
    else response.writeHead(307, { location: `/${hops - 1}` }).end()
  })
  const guard = createGuard({ allowedHosts: [host] })
  t.teardown(guard.close)
  const read = (hops: number) =>
    download(`http://${host}/${hops}`, { guard, signal }, async ({ stream }) =>
      Buffer.concat(await stream.toArray()).toString(),
    )
  t.equal(await read(3), 'there')
  await t.rejects(read(4), { code: 'TG_UPSTREAM_FAILED', message: /more than 3 redirects/ })
})

t.test('an error shows neither password nor query', async t => {
  const guard = createGuard()
  t.teardown(guard.close)
  t.throws(() => guard.check('https://u:hunter2@127.0.0.1/?key=hunter2'), {
    message: 'the URL "https://127.0.0.1/" is refused: it has a user name or password',
  })
  // A parser of URLs takes all of these for the one above.
  for (const start of [
    'https:',
    'https:/',
    'https:\\\\',
    'https:/\\',
    ' ht\ntps:/\t/',
    'https:///',
  ])
    t.throws(
      () => guard.check(`${start}u:hunter2@127.0.0.1/?key=hunter2`),
      { code: 'TG_URL_REFUSED', message: /^(?!.*hunter2).*127\.0\.0\.1.* user name/s },
      JSON.stringify(start),
    )
})

t.test('a name without an address and a refused connection are told apart', async t => {
  const lookup: Lookup = async hostname => {
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' })
  }
  const guard = createGuard({ lookup, allowedHosts: ['127.0.0.1:1'] })
  t.teardown(guard.close)
  await t.rejects(download('https://gone.example.com/', { guard, signal }, drain), {
    code: 'TG_UPSTREAM_UNREACHABLE',
    message: 'gone.example.com cannot be reached: ENOTFOUND',
  })
  await t.rejects(download('http://127.0.0.1:1/', { guard, signal }, drain), {
    code: 'TG_UPSTREAM_UNREACHABLE',
    message: '127.0.0.1:1 cannot be reached: ECONNREFUSED',
  })
  const mute = createGuard({ lookup: async () => [] })
  t.teardown(mute.close)
  await t.rejects(download('https://mute.example.com/', { guard: mute, signal }, drain), {
    code: 'TG_UPSTREAM_UNREACHABLE',
  })
})

t.test(
  'a download that drips without end stops at its time limit and frees the socket',
  async t => {
    let dripping = 0
    const host = await listen(t, (_, response) => {
      dripping += 1
      const timer = setInterval(() => response.write('drip'), 5)
      response.on('close', () => {
        clearInterval(timer)
        dripping -= 1
      })
    })
    const guard = createGuard({ allowedHosts: [host] })
    t.teardown(() => guard.close())
    const limits = { ms: 300 }
    await t.rejects(
      download(`http://${host}/`, { guard, signal, limits }, ({ stream }) => stream.toArray()),
      { code: 'TG_DEADLINE', status: 504, message: new RegExp(host) },
    )
    await until('the socket is free', () => dripping === 0)
  },
)
