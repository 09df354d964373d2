import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import Type from 'typebox'
import { defineTool } from '../../../src/registry/tool.ts'
import { echo, mirror, onePixel, testApp } from '../../fixtures/app.ts'
import { smallDisk } from '../../fixtures/small-disk.ts'

const drawn = 200_000
/** Makes a picture that is somewhat large. */
const draw = defineTool({
  name: 'draw',
  title: 'Draw',
  description: 'Draws.',
  input: Type.Object({ seed: Type.Integer({ description: 'Which', minimum: 0 }) }),
  output: Type.Object({ picture: Type.String({ description: 'The picture' }) }),
  async run({ seed }, { saveFile }) {
    const bytes = Buffer.concat([onePixel, Buffer.alloc(drawn, seed)])
    return { picture: await saveFile({ bytes, mediaType: 'image/png', name: 'a.png' }) }
  },
})

t.test('a full disk is a 503 for what has to be written, and for nothing else', async t => {
  const disk = await smallDisk(t)
  if (disk === undefined) return t.comment('no disk may be mounted here: nothing was tried')
  const lines: string[] = []
  const write = (chunk: unknown, _encoding: unknown, done: () => void): void => {
    lines.push(String(chunk))
    done()
  }
  const files = join(disk, 'files')
  const { app } = await testApp(t, {
    tools: [echo, mirror, draw],
    env: { TOOLGATE_FILES: files },
    file: { limits: { resultBytesMax: 50_000 } },
    log: pino({ level: 'warn' }, new Writable({ write })),
  })
  const post = (url: string, payload: object | Buffer, type = 'application/json') =>
    app.inject({ method: 'POST', url, payload, headers: { 'content-type': type } })
  const upload = (fill: number, bytes = drawn) =>
    post('/files', Buffer.concat([onePixel, Buffer.alloc(bytes, fill)]), 'image/png')
  const form = (fill: number) => {
    const part = `--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n`
    const bytes = [Buffer.from(part), onePixel, Buffer.alloc(drawn, fill), Buffer.from('\r\n--b--')]
    return post('/files', Buffer.concat(bytes), 'multipart/form-data; boundary=b')
  }

  const before = (await upload(1)).json<{ id: string }>()
  t.match(before.id, /\.png$/)
  const ballast = join(disk, 'ballast')
  await writeFile(ballast, Buffer.alloc(900_000)).catch(() => undefined)
  await writeFile(`${ballast}-2`, Buffer.alloc(900_000)).catch(() => undefined)
  const kept = await readdir(files)

  const picture = { image: `data:image/png;base64,${onePixel.toString('base64')}` }
  const unwritten = {
    'a raw upload': () => upload(2),
    'a form': () => form(3),
    'a file that a tool makes': () => post('/tools/draw', { seed: 4 }),
    'a file that a caller gives inline': () => post('/tools/mirror', picture),
    'an answer that is too large to be sent': () =>
      post('/tools/echo', { text: 'x'.repeat(99_000) }),
  }
  for (const [what, ask] of Object.entries(unwritten)) {
    const answer = await ask()
    t.equal(answer.statusCode, 503, `${what}: ${answer.body.slice(0, 200)}`)
    t.match(answer.json(), { error: { code: 'TG_UNAVAILABLE', hint: /room/ } }, what)
    t.match(answer.json(), { error: { message: /the file store is unavailable: ENOSPC/ } }, what)
    t.notMatch(answer.body, disk, 'no path is told')
  }
  t.same(await readdir(files), kept, 'nothing half written is left')
  t.equal((await post('/tools/echo', { text: 'x' })).statusCode, 200, 'other calls go on')
  t.equal((await app.inject(`/files/${before.id}`)).statusCode, 200, 'what is stored can be read')
  const told = lines.filter(line => line.includes('ENOSPC'))
  t.equal(told.length, Object.keys(unwritten).length, 'each is a line in the log')
  const { body } = await app.inject('/metrics')
  t.match(body, /toolgate_refusals_total\{code="TG_UNAVAILABLE"\} 5/)
  t.match(body, /toolgate_calls_total\{tool="draw",face="rest",outcome="TG_UNAVAILABLE"\} 1/)

  await rm(ballast, { force: true })
  await rm(`${ballast}-2`, { force: true })
  for (const [what, ask] of Object.entries(unwritten))
    t.equal((await ask()).statusCode, 200, `${what}, when there is room again`)
})

t.test('a folder that is gone comes back', async t => {
  const folder = join(t.testdir({}), 'files')
  const { app } = await testApp(t, { env: { TOOLGATE_FILES: folder } })
  const upload = () =>
    app.inject({
      method: 'POST',
      url: '/files',
      payload: onePixel,
      headers: { 'content-type': 'image/png' },
    })
  t.equal((await upload()).statusCode, 200)
  await rm(folder, { recursive: true })
  t.equal((await upload()).statusCode, 200)
  await rm(folder, { recursive: true })
  await writeFile(folder, 'a file')
  t.match((await upload()).json(), { error: { code: 'TG_UNAVAILABLE' } })
  await rm(folder)
  await mkdir(folder)
  t.equal((await upload()).statusCode, 200)
})
