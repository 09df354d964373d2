import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { runningGateway } from '../fixtures/running-gateway.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'

const { folder, skip } = sharedFolder('media/')
const filesOf = (part: string): string[] =>
  readdirSync(new URL(part, folder))
    .filter(name => !name.endsWith('.json'))
    .map(name => `${part}${name}`)
const bytesOf = (file: string): Buffer => readFileSync(new URL(file, folder))

/** Two threads with both models in them, and room for one picture of the largest size each. */
const rssMiBMax = 1_000
const callMsMax = 30_000

/** Serves the files to whoever asks; a caller of the gateway may name it. */
async function fileServer(t: Test): Promise<URL> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'image/png')
    response.end(bytesOf((request.url ?? '').slice(1)))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void (server.closeAllConnections(), server.close()))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

type Sent = { status: number; body: { id?: string; error?: { code: string } }; ms: number }

async function post(url: string, body: FormData | Buffer | object): Promise<Sent> {
  const startedAt = performance.now()
  const isJson = !(body instanceof FormData) && !Buffer.isBuffer(body)
  const type = isJson ? 'application/json' : Buffer.isBuffer(body) ? 'image/png' : undefined
  const response = await fetch(url, {
    method: 'POST',
    headers: type ? { 'content-type': type } : {},
    body: isJson ? JSON.stringify(body) : (body as BodyInit),
  })
  const parsed = (await response.json()) as Sent['body']
  return { status: response.status, body: parsed, ms: performance.now() - startedAt }
}

/** Every way in which a caller hands a file over. */
const ways = {
  data: (url, file) =>
    post(url, { image: `data:image/png;base64,${bytesOf(file).toString('base64')}` }),
  form: (url, file) => {
    const form = new FormData()
    form.set('image', new Blob([new Uint8Array(bytesOf(file))], { type: 'image/png' }), 'a.png')
    return post(url, form)
  },
  id: async (url, file) => {
    const stored = await post(new URL('/files', url).href, bytesOf(file))
    return stored.status === 200 ? post(url, { image: stored.body.id }) : stored
  },
  url: (url, file, server) => post(url, { image: new URL(file, server).href }),
} satisfies Record<string, (url: string, file: string, server: URL) => Promise<Sent>>

t.test('no file does harm, whichever way it comes in', { skip, timeout: 110_000 }, async t => {
  const server = await fileServer(t)
  const { url, child } = await runningGateway(t, { TOOLGATE_ALLOWED_HOSTS: server.host })
  const rssMiB = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
  const isLinux = process.platform === 'linux'
  for (const file of [...filesOf('hostile/'), ...filesOf('pdf/')])
    for (const tool of ['ocr', 'detect_objects']) {
      const answers = await Promise.all(
        Object.values(ways).map(send => send(`${url}/tools/${tool}`, file, server)),
      )
      const said = JSON.stringify(answers.map(({ status, body }) => [status, body.error?.code]))
      const what = `${file} to ${tool}: ${said}`
      for (const { status, body, ms } of answers) {
        t.ok(status === 200 || (status >= 400 && status < 500 && body.error?.code), what)
        t.equal(status, answers[0]?.status, 'every way in gives the same')
        t.ok(ms < callMsMax, what)
      }
      t.notMatch(JSON.stringify(answers), 'root:', 'no file of this machine is in an answer')
      if (file.startsWith('pdf/')) t.match(said, /415|422/, what)
      if (isLinux) t.ok(rssMiB() < rssMiBMax, `${what}: ${rssMiB()} MiB`)
    }
  const line = readFileSync(new URL('../fixtures/media/english-line.png', import.meta.url))
  const form = new FormData()
  form.set('image', new Blob([new Uint8Array(line)]), 'line.png')
  const read = await post(`${url}/tools/ocr`, form)
  t.equal(read.status, 200, 'the next call is unharmed')
  t.match(read.body, { lines: [{ text: String }] })
  if (isLinux) t.comment(`${Math.round(rssMiB())} MiB at the end`)
})
