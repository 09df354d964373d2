import { spawnSync } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../../../src/config.ts'
import { createLog, gatherLines, logLimits } from '../../../src/gateway/telemetry/log.ts'
import { until } from '../../fixtures/until.ts'

const module = new URL('../../../src/gateway/telemetry/log.ts', import.meta.url).href

/** The lines that a process leaves behind which runs some code, and then ends. */
function linesOfProcess(code: string): string[] {
  const script = `import { gatherLines } from '${module}'; const log = gatherLines(2); ${code}`
  const args = ['--input-type=module', '--eval', script]
  const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return stderr.split('\n').filter(line => /^line \d+$/.test(line))
}

t.test('lines are written together, in order, and soon', async t => {
  const path = join(t.testdir({ log: '' }), 'log')
  const file = openSync(path, 'a')
  const log = gatherLines(file)
  const count = 3 * Math.ceil(logLimits.gatheredBytes / 'line 1\n'.length)
  const wanted = Array.from({ length: count }, (_, index) => `line ${index} 天\n`)
  for (const line of wanted) log.write(line)
  const written = () => readFileSync(path, 'utf8')
  await until('all are there', async () => written().length === wanted.join('').length)
  t.equal(written(), wanted.join(''))
  log.write('the last\n')
  log.flushSync()
  t.match(written(), /the last\n$/)
})

t.test('what waits is written when the process ends, however it ends', async t => {
  const write = (count: number): string =>
    `for (let index = 0; index < ${count}; index++) log.write(\`line \${index}\\n\`);`
  const many = 2 * logLimits.gatheredBytes
  t.equal(linesOfProcess(write(3)).length, 3, 'by itself')
  t.equal(linesOfProcess(`${write(3)} process.exit(1)`).length, 3, 'at once')
  t.equal(linesOfProcess(`${write(3)} throw new Error('it broke')`).length, 3, 'by an error')
  const all = linesOfProcess(`${write(many)} process.exit(0)`)
  t.same(
    all,
    Array.from({ length: many }, (_, index) => `line ${index}`),
    'all of many, in order',
  )
})

t.test('the log keeps its level, and no secret of the configuration', async t => {
  const path = join(t.testdir({ log: '' }), 'log')
  const file = openSync(path, 'a')
  const config = parseConfig({ QWEATHER_API_KEY: 'weather-key' }, { logLevel: 'warn' })
  const log = createLog(config, file)
  log.info('not this')
  log.warn({ err: new Error('with weather-key') }, 'but this')
  log.flush()
  await until('it is there', async () => readFileSync(path, 'utf8') !== '')
  t.match(JSON.parse(readFileSync(path, 'utf8')), { msg: 'but this', err: { message: 'with ***' } })
})
