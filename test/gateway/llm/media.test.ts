import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { llmLimits } from '../../../src/gateway/llm/limits.ts'
import { createMediaGate, type MediaOptions } from '../../../src/gateway/llm/media.ts'

const signal = new AbortController().signal
const messages = (url: string) => [
  { role: 'user', content: [{ type: 'image_url', image_url: { url } }] },
]
const gate = (more: Partial<MediaOptions> = {}) =>
  createMediaGate({
    limits: llmLimits,
    publicOrigin: 'http://gateway.test',
    lookup: async () => ['93.184.216.34'],
    ...more,
  })

t.test('pictures of allowed servers are put into the request, within bounds', async t => {
  const server = createServer((request, response) => {
    if (request.url === '/a.png')
      return response.writeHead(200, { 'content-type': 'image/png' }).end('png')
    if (request.url === '/big.png') return response.end('x'.repeat(5_000))
    response.writeHead(404).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const allowed = gate({ allowedHosts: [host], limits: { ...llmLimits, imageBytesMax: 1_000 } })
  t.match(
    await allowed.check(messages(`http://${host}/a.png`), signal),
    messages('data:image/png;base64,cG5n'),
  )
  await t.rejects(allowed.check(messages(`http://${host}/big.png`), signal), {
    code: 'TG_TOO_LARGE',
  })
  await t.rejects(allowed.check(messages(`http://${host}/none.png`), signal), {
    code: 'TG_UPSTREAM_FAILED',
  })
  await t.rejects(gate().check(messages(`http://${host}/a.png`), signal), {
    code: 'TG_URL_REFUSED',
  })
  await new Promise(resolve => server.close(resolve).closeAllConnections())
  await t.rejects(allowed.check(messages(`http://${host}/a.png`), signal), {
    code: 'TG_UPSTREAM_UNREACHABLE',
  })
})

t.test(
  "a public name that leads to a private address is refused, one that leads nowhere is the node's",
  async t => {
    const url = 'https://pictures.example.com/a.png'
    await t.rejects(
      gate({ lookup: async () => ['93.184.216.34', '10.0.0.1'] }).check(messages(url), signal),
      { code: 'TG_URL_REFUSED' },
    )
    t.equal(
      await gate({ lookup: () => Promise.reject(new Error('ENOTFOUND')) }).check(
        messages(url),
        signal,
      ),
      undefined,
    )
    t.equal(await gate().check([{ role: 'user', content: 'text' }], signal), undefined)
  },
)

t.test('a refusal shows neither password nor query', async t => {
  for (const url of [
    'http://u:hunter2@10.0.0.1/a.png?sig=hunter2',
    'https:\\\\u:hunter2@public.example/a.png?sig=hunter2',
    'ftp://u:hunter2@public.example/a.png?sig=hunter2',
  ])
    await t.rejects(gate().check(messages(url), signal), {
      code: 'TG_URL_REFUSED',
      message: /^(?!.*hunter2).*(10\.0\.0\.1|public\.example)\/a\.png/s,
    })
})

t.test('only so many pictures are taken', async t => {
  const content = Array.from({ length: 3 }, () => ({
    type: 'image_url',
    image_url: 'data:image/png;base64,AA==',
  }))
  await t.rejects(
    gate({ limits: { ...llmLimits, imagesMax: 2 } }).check([{ role: 'user', content }], signal),
    { code: 'TG_TOO_LARGE' },
  )
})

t.test('everything that a part names is looked at, not the first alone', async t => {
  const fine = { image_url: { url: 'https://pictures.example.com/a.png' } }
  const parts = [
    { type: 'video_url', ...fine, video_url: { url: 'file:///etc/passwd' } },
    { type: 'image_data', image_data: '/etc/passwd' },
    { type: 'time_series', time_series: 'file:///etc/passwd' },
    { type: 'image_url', image_url: { data: 'file:///etc/passwd' } },
    { type: 'image_url', image_url: { url: '', data: '/etc/passwd' } },
    { type: 'image_url', image_url: 'http://pictures.example.com\\@10.0.0.1/a.png' },
    { type: 'image_url', image_url: 'http://gateway.test/files/%zz' },
  ]
  for (const part of parts.slice(0, -1)) {
    const asked = [{ role: 'user', content: [part] }]
    await t.rejects(gate().check(asked, signal), { code: 'TG_URL_REFUSED' }, JSON.stringify(part))
    await t.rejects(gate().guard({ messages: asked }), { code: 'TG_URL_REFUSED' })
  }
  const odd = [{ role: 'user', content: [parts.at(-1)] }]
  t.equal(await gate({ readFile: () => t.fail() as never }).check(odd, signal), undefined)
})

t.test('a request that goes on as it came is looked through, in whichever API it is', async t => {
  const source = { type: 'url', url: 'file:///etc/passwd' }
  const refused = [
    { image_data: '/etc/passwd' },
    { image_data: [{ url: 'http://10.0.0.1/a.png' }] },
    { messages: [{ role: 'user', content: [{ type: 'image', source }] }] },
    { messages: [{ content: [{ type: 'tool_result', content: [{ type: 'image', source }] }] }] },
    { input: [{ role: 'user', content: [{ type: 'input_image', image_url: source.url }] }] },
  ]
  for (const body of refused)
    await t.rejects(gate().guard(body), { code: 'TG_URL_REFUSED' }, JSON.stringify(body))
  const use = { type: 'tool_use', name: 'ocr', input: { image: 'f_1', source } }
  await gate().guard({ messages: [{ role: 'assistant', content: [use] }], input: ['a', 'b'] })
  await t.rejects(
    gate({ limits: { ...llmLimits, imagesMax: 1 } }).guard({
      image_data: ['data:image/png;base64,AA==', 'data:image/png;base64,AA=='],
    }),
    { code: 'TG_TOO_LARGE' },
  )
})
