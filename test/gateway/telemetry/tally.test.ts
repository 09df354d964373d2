import { Registry } from 'prom-client'
import t from 'tap'
import { createTally, createTiming } from '../../../src/gateway/telemetry/tally.ts'

t.test('a tally reads as a Prometheus counter', async t => {
  const metrics = new Registry()
  const tally = createTally(metrics, { name: 'n_total', help: 'N', labelNames: ['a', 'b'] })
  tally.add('x', 'y')
  tally.add('x', 'y')
  tally.add('x', 'z')
  const text = await metrics.metrics()
  t.match(text, '# TYPE n_total counter')
  t.match(text, 'n_total{a="x",b="y"} 2')
  t.match(text, 'n_total{a="x",b="z"} 1')
  t.equal(await metrics.metrics(), text, 'and reading it changes nothing')
})

t.test('a timing reads as a Prometheus histogram, its buckets cumulative', async t => {
  const metrics = new Registry()
  const timing = createTiming(metrics, {
    name: 's',
    help: 'S',
    labelNames: ['a'],
    buckets: [0.1, 1],
  })
  for (const seconds of [0.05, 0.1, 0.5, 7]) timing.observe(seconds, 'x')
  t.same((await metrics.metrics()).trim().split('\n'), [
    '# HELP s S',
    '# TYPE s histogram',
    's_bucket{a="x",le="0.1"} 2',
    's_bucket{a="x",le="1"} 3',
    's_bucket{a="x",le="+Inf"} 4',
    's_sum{a="x"} 7.65',
    's_count{a="x"} 4',
  ])
})
