import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createTrail, type TrailSink } from '../../../src/gateway/telemetry/trail.ts'
import { fileSink } from '../../../src/gateway/telemetry/trail-sinks.ts'
import { until } from '../../fixtures/until.ts'

/** A disk that is full until it is told otherwise, and then takes a few bytes at a time. */
function disk() {
  const state = { isFull: false, bytesMax: Number.POSITIVE_INFINITY, text: '', tries: 0 }
  const sink: TrailSink = {
    async write(bytes) {
      state.tries += 1
      if (state.isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
      const part = bytes.subarray(0, state.bytesMax)
      state.text += part.toString()
      return part.length
    },
    close: async () => undefined,
  }
  return { state, sink }
}

const limits = { gatherMs: 1, retryMs: 1 }
const gap = (dropped: number) => `dropped ${dropped}`

t.test(
  'lines are written whole and in order, though the disk takes them piece by piece',
  async t => {
    const { state, sink } = disk()
    state.bytesMax = 5
    const trail = createTrail({ sink, onChange: () => undefined, gap, limits })
    for (let index = 0; index < 100; index++) trail.add(`line ${index}`)
    await trail.close()
    t.same(state.text.split('\n'), [
      ...Array.from({ length: 100 }, (_, index) => `line ${index}`),
      '',
    ])
  },
)

t.test('a full disk holds nobody up: what finds no room is dropped, counted and told', async t => {
  const { state, sink } = disk()
  const changes: unknown[] = []
  const trail = createTrail({
    sink,
    onChange: error => changes.push(error),
    gap,
    limits: { ...limits, waitingBytesMax: 100 },
  })
  state.isFull = true
  for (let index = 0; index < 20; index++) trail.add('123456789')
  await until('a write was tried twice', () => state.tries >= 2)
  t.equal(trail.dropped(), 10)
  t.match(changes, [{ code: 'ENOSPC' }], 'trouble is told once')
  state.isFull = false
  await until('the rest was written', () => state.text.includes('dropped 10\n'))
  t.equal(state.text, `${'123456789\n'.repeat(10)}dropped 10\n`)
  t.same(changes.slice(1), [undefined], 'and so is its end')
  await trail.close()
})

t.test('a disk that never answers does not hold up the end, and is asked no more', async t => {
  let tries = 0
  const sink: TrailSink = {
    write() {
      tries += 1
      return new Promise<number>(() => undefined)
    },
    close: () => new Promise<void>(() => undefined),
  }
  const onChange = () => undefined
  const trail = createTrail({ sink, onChange, gap, limits: { ...limits, closeMs: 10 } })
  trail.add('line')
  await until('the disk was asked', () => tries === 1)
  await trail.close()
  trail.add('too late')
  t.equal(tries, 1)
})

t.test('a file is put aside before it grows over its bound, and the oldest goes', async t => {
  const folder = t.testdir()
  const path = join(folder, 'deep', 'audit.jsonl')
  const sink = fileSink(path, { fileBytesMax: 1_000, filesMax: 3 })
  const line = (index: number) => `${String(index).padStart(99, '0')}\n`
  for (let index = 0; index < 45; index++) await sink.write(Buffer.from(line(index)))
  await sink.close()
  const names = readdirSync(join(folder, 'deep')).sort()
  t.same(names, ['audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.2'])
  const kept = ['audit.jsonl.2', 'audit.jsonl.1', 'audit.jsonl']
    .map(name => readFileSync(join(folder, 'deep', name), 'utf8'))
    .join('')
  t.equal(kept, Array.from({ length: 25 }, (_, index) => line(index + 20)).join(''))
  t.equal(statSync(path).mode & 0o077, 0, 'for its owner alone')
})

t.test('a file that is there already is gone on with', async t => {
  const path = join(t.testdir({ audit: 'before\n' }), 'audit')
  const sink = fileSink(path, { fileBytesMax: 1_000, filesMax: 3 })
  await sink.write(Buffer.from('after\n'))
  await sink.close()
  t.equal(readFileSync(path, 'utf8'), 'before\nafter\n')
})

t.test('a disk that is really full is an error of the write alone', async t => {
  const sink = fileSink('/dev/full', { fileBytesMax: 1_000, filesMax: 3 })
  await t.rejects(sink.write(Buffer.from('x\n')), { code: 'ENOSPC' })
  await sink.close()
})
