import t from 'tap'
import { createRedact } from '../../../src/gateway/http/redact.ts'

t.test('secret settings vanish in every form they take', async t => {
  const redact = createRedact({
    QWEATHER_PRIVATE_KEY: 'line one\nline "two"',
    SEARCH_TOKEN: 'tok/en+1',
    TOOLGATE_SECRET: 'hush-hush',
    ARXIV_URL: 'https://arxiv.example',
  })
  t.equal(redact('line one\nline "two"'), '***')
  t.equal(redact(JSON.stringify({ key: 'line one\nline "two"' })), '{"key":"***"}')
  t.equal(redact('at tok%2Fen%2B1 and tok/en+1, hush-hush'), 'at *** and ***, ***')
  t.equal(redact('https://arxiv.example'), 'https://arxiv.example')
})

t.test('query parameters that carry keys are emptied whatever they hold', async t => {
  const redact = createRedact({})
  t.equal(redact('/v1?q=a&key=b&ak=c&AppId=d#x'), '/v1?q=a&key=***&ak=***&AppId=d#x')
  t.equal(redact('?token=1;apikey=2 ok'), '?token=***;apikey=*** ok')
})
