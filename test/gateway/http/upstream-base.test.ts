import t from 'tap'
import { addressOf, createBases, originsOf } from '../../../src/gateway/http/upstream-base.ts'

const settings = {
  ARXIV_URL: 'http://stand-in:9000/arxiv',
  OPEN_METEO_FORECAST_URL: 'http://stand-in:9000/meteo/',
  QWEATHER_HOST: 'abc.qweatherapi.com',
  QWEATHER_API_KEY: 'https://not-an-address.example',
  MODEL_URL: 'file:///models/a.onnx',
  BROKEN_URL: 'http://[',
}

t.test('addresses are told from other settings, and a bare host means https', async t => {
  t.same(originsOf(settings), ['http://stand-in:9000', 'https://abc.qweatherapi.com'])
  t.equal(addressOf('QWEATHER_HOST', 'localhost:8080')?.href, 'https://localhost:8080/')
})

t.test('a request belongs to the longest base it lies under, and is paced by its tool', async t => {
  const baseOf = createBases(settings)
  const tool = { pace: { ARXIV_URL: 3_000 } }
  t.same(baseOf(tool, new URL('http://stand-in:9000/arxiv/api/query?q=1')), {
    key: 'http://stand-in:9000/arxiv',
    host: 'stand-in:9000',
    isOperators: true,
    intervalMs: 3_000,
  })
  t.same(baseOf({ pace: {} }, new URL('http://stand-in:9000/meteo/v1/forecast')), {
    key: 'http://stand-in:9000/meteo',
    host: 'stand-in:9000',
    isOperators: true,
  })
  t.same(baseOf(tool, new URL('https://elsewhere.example/arxiv')), {
    key: 'https://elsewhere.example',
    host: 'elsewhere.example',
    isOperators: false,
  })
})
