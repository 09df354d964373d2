import t from 'tap'
import { createScrub } from '../../../src/gateway/telemetry/scrub.ts'

t.test('what the configuration keeps secret is in no line', async t => {
  const scrub = createScrub({
    keys: [{ id: 'ann', key: 'of-a-caller' }],
    redisUrl: 'redis://:p%40ssword@redis:6379',
    settings: { QWEATHER_API_KEY: 'weather-key', PLAIN: 'plain text', SHORT_KEY: 'abc' },
    sources: [{ url: 'https://a', headers: { 'x-any': 'header "value"' } }],
  } as object)
  const line = JSON.stringify({
    a: 'weather-key abc plain text of-a-caller',
    b: 'p@ssword p%40ssword',
    c: 'header "value"',
  })
  t.same(JSON.parse(scrub(line)), {
    a: '*** abc plain text of-a-caller',
    b: '*** ***',
    c: '***',
  })
})

t.test('nor the passwords of Sentinels and of what they watch', async t => {
  const redisUrl = 'redis+sentinel://:of-the-master@a:1,b:2/main?sentinelPassword=of%20the%20watch'
  const scrub = createScrub({ redisUrl } as object)
  t.equal(scrub('of-the-master of%20the%20watch of the watch a:1'), '*** *** *** a:1')
})
