import t from 'tap'
import { redisName, redisPlace } from '../../../src/gateway/policies/redis-url.ts'

t.test('an address of one Redis is left as it is', async t => {
  for (const url of ['redis://:p@h:1/2', 'rediss://h', '/run/redis.sock', 'h:6379'])
    t.equal(redisPlace(url), url)
})

t.test('Sentinels are named with the primary that they watch', async t => {
  t.match(redisPlace('redis+sentinel://a:1,b,[::1]:3/main'), {
    sentinels: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26_379 },
      { host: '::1', port: 3 },
    ],
    name: 'main',
    db: 0,
    tls: undefined,
    password: undefined,
  })
  t.match(redisPlace('rediss+sentinel://ann:p%40ss@a/main/3?sentinelPassword=of%20it'), {
    username: 'ann',
    password: 'p@ss',
    db: 3,
    sentinelPassword: 'of it',
    tls: {},
    enableTLSForSentinelMode: true,
  })
  for (const url of ['a', '', '/main', 'a,,b/main', 'a:x/main', 'a:1/main/x', 'a/'])
    t.throws(() => redisPlace(`redis+sentinel://${url}`), { message: /^REDIS_URL: / }, url)
})

t.test('a Redis is named without its password', async t => {
  t.equal(redisName('redis://:secret@h:1/2'), 'redis://h:1/2')
  t.equal(
    redisName('redis+sentinel://u:s@a,b/main?sentinelPassword=s'),
    'redis+sentinel://a,b/main',
  )
  t.equal(redisName('/run/redis.sock'), '/run/redis.sock')
})
