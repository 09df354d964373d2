import t from 'tap'
import { parseConfig } from '../../../src/config.ts'
import { limitsOf, llmLimits } from '../../../src/gateway/llm/limits.ts'

t.test('what the configuration says by default is what holds without one', t => {
  const configured = limitsOf(parseConfig({}).limits)
  t.match(llmLimits, configured)
  t.match(configured, { queuedMax: 256, streamsMax: 1_024, bodyBytesMax: 16 * 1024 * 1024 })
  t.end()
})
