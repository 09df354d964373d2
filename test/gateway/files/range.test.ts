import t from 'tap'
import { rangeOf } from '../../../src/gateway/files/range.ts'

t.test('a range header asks for one range, the whole, or what is not there', async t => {
  const cases: [string | undefined, ReturnType<typeof rangeOf>][] = [
    [undefined, 'whole'],
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=2-', { start: 2, end: 9 }],
    ['bytes=2-99', { start: 2, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-99', { start: 0, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=0-1,3-4', 'whole'],
    ['lines=0-1', 'whole'],
    ['bytes=a-b', 'whole'],
  ]
  for (const [header, range] of cases) t.same(rangeOf(header, 10), range, header ?? 'none')
})
