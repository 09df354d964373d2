import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { soak } from '../fixtures/proof/soak.ts'
import { skipWithoutRedis, startRedisServer } from '../fixtures/redis.ts'
import { runningGateway } from '../fixtures/running-gateway.ts'

t.test(
  'a gateway under mixed load, with Redis harmed, leaves no rejection unhandled and Node silent',
  { skip: skipWithoutRedis },
  async t => {
    t.setTimeout(120_000)
    const redis = await startRedisServer(t)
    const warnings = `${redis.folder}/warnings`
    const { url, child } = await runningGateway(t, {
      REDIS_URL: redis.url,
      NODE_REDIRECT_WARNINGS: warnings,
      TOOLGATE_LOG_LEVEL: 'fatal',
    })
    const load = { seconds: 3, clients: 8, warmSeconds: 0.5, settleMs: 0 }
    const { wrong, calls, answered, left } = await soak(url, load, redis)
    t.same(wrong.slice(0, 5), [])
    t.equal(answered + left, calls, `${calls} calls, ${answered} answered, ${left} left early`)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    // A rejection that nobody handles ends it with another code.
    t.same(await ended, [0, null])
    t.equal(await readFile(warnings, 'utf8').catch(() => ''), '')
  },
)
