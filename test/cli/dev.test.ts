import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dialects } from '../../src/registry/views/dialects.ts'
import { profiles } from '../../src/registry/views/profiles.ts'
import { project } from '../fixtures/running-gateway.ts'
import { until } from '../fixtures/until.ts'

const toolFile = (name: string, more: string, answer: string) => `import Type from 'typebox'
import { defineTool } from 'toolgate'
import { word } from './_words.ts'
export default defineTool({
  name: '${name}',
  title: 'Greeting',
  description: 'Greets somebody.',
  input: Type.Object({ who: Type.String({ description: 'Whom to greet' }) }),
  output: Type.Object({ said: Type.String({ description: 'The greeting' }) }),
  cache: { ttlMs: 600_000 },
  ${more}
  run: async ({ who }) => ({ said: \`${answer} \${word} \${who}\` }),
})
`

/** `npm run dev` without npm, over a folder of tools; ends with the test. */
async function startDev(t: Test, tools: string) {
  const { scripts } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  const [, ...args] = (scripts.dev as string).split(' ')
  const child = spawn(process.execPath, args, {
    cwd: project,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      TOOLGATE_AGENTLEGO_PORT: 'off',
      TOOLGATE_TOOLS: tools,
      TOOLGATE_FILES: join(tools, 'files'),
    },
  })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return undefined
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    return ended
  }
  t.teardown(stop)
  let said = ''
  const listen = (chunk: Buffer) => void (said += chunk.toString())
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const urlOf = () => /reference +(http:\S+)\/docs/.exec(said)?.[1]
  await until('the gateway listens', () => urlOf() !== undefined)
  return { url: urlOf() ?? '', said: () => said, stop }
}

/** The events of the registry as they come. */
async function eventsOf(t: Test, url: string) {
  const leave = new AbortController()
  t.teardown(() => leave.abort())
  const { body } = await fetch(`${url}/registry/events`, { signal: leave.signal })
  let text = ''
  const read = async () => {
    for await (const chunk of body ?? []) text += Buffer.from(chunk).toString()
  }
  read().catch(() => undefined)
  const names = () =>
    [...text.matchAll(/^event: tool\.(\w+)\n.*\ndata: \{"name":"(\w+)"/gm)].map(
      ([, event, name]) => `${event} ${name}`,
    )
  return names
}

t.test('a file in the folder is a tool on every face at once, as often as it changes', async t => {
  const folder = t.testdir({ '_words.ts': `export const word = 'dear'\n` })
  const dev = await startDev(t, folder)
  const events = await eventsOf(t, dev.url)
  const say = async (name: string, who: string) => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ who })
    const answer = await fetch(`${dev.url}/tools/${name}`, { method: 'POST', headers, body })
    return answer.ok ? (await answer.json()).said : answer.status
  }
  const here = (name: string) => join(folder, name)

  await writeFile(here('greet.ts'), toolFile('greet', '', 'Hello'))
  await until('the tool is there', () => events().includes('added greet'))
  t.equal(await say('greet', 'Li'), 'Hello dear Li')
  const documents = Object.keys(profiles).map(name =>
    name === 'core' ? '/openapi.json' : `/openapi/${name}.json`,
  )
  const pages = [...documents, ...Object.keys(dialects).map(name => `/registry/${name}`)]
  for (const path of [
    ...pages,
    '/registry',
    '/registry/tools/greet',
    '/registry/search?q=greeting',
  ])
    t.match(await (await fetch(`${dev.url}${path}`)).text(), /\bgreet\b/, path)

  const worker = `runsOn: 'worker', module: import.meta.url,`
  await writeFile(here('heavy.ts'), toolFile('heavy', worker, 'Heavy'))
  await until('another is there', () => events().includes('added heavy'))
  t.equal(await say('heavy', 'Li'), 'Heavy dear Li', 'in a thread too it imports what it needs')

  await writeFile(here('greet.ts'), toolFile('greet', '', 'Good day'))
  await until('it changed', () => events().includes('changed greet'))
  t.equal(await say('greet', 'Li'), 'Good day dear Li', 'new code never gives an old answer')
  t.same(events(), ['added greet', 'added heavy', 'changed greet'], 'the other did not change')

  await writeFile(here('_words.ts'), `export const word = 'good'\n`)
  await until(
    'what they import changed',
    async () => (await say('greet', 'Li')) !== 'Good day dear Li',
  )
  t.equal(await say('greet', 'Li'), 'Good day good Li')
  t.equal(await say('heavy', 'Li'), 'Heavy good Li')

  for (const broken of ['export default 5 +', `export default { name: 'by_hand' }`]) {
    const before = dev.said().length
    await writeFile(here('broken.ts'), broken)
    await until('the log names the file', () => dev.said().slice(before).includes('broken.ts: '))
    t.equal(await say('greet', 'Li'), 'Good day good Li', 'what was there works on')
  }
  await Promise.all([rm(here('broken.ts')), rm(here('heavy.ts'))])
  await until('it is gone', () => events().includes('removed heavy'))
  t.equal(await say('heavy', 'Li'), 404)
  t.same(await dev.stop(), [0, null], 'it ends as it should')
})
