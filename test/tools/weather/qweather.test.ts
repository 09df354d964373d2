import { generateKeyPairSync, verify } from 'node:crypto'
import t from 'tap'
import weatherForecast from '../../../src/tools/weather-forecast.ts'
import weatherNow from '../../../src/tools/weather-now.ts'
import { at } from '../../fixtures/stand-in.ts'
import * as qweather from '../../fixtures/upstreams/qweather.ts'
import { noon, weatherServices as services } from '../../fixtures/weather-services.ts'

t.test('with an account QWeather answers, version 1 first', async t => {
  const { call, account } = await services(t, [], {
    qweather: [
      at('/weather/v1/current/31.22/121.46', { body: qweather.currentV1 }),
      at('/weather/v1/daily/31.22/121.46', { body: qweather.dailyV1 }),
    ],
  })
  t.strictSame(await call(weatherNow, { place: '上海' }), {
    place: '上海',
    country: '中国',
    latitude: 31.22222,
    longitude: 121.45806,
    time: '2026-11-24T20:00+08:00',
    celsius: 9.5,
    feels_like_celsius: 7.2,
    humidity_percent: 83,
    wind_kmh: 18,
    wind_degrees: 90,
    precipitation_mm: 1.5,
    pressure_hpa: 1012.5,
    visibility_km: 8.2,
    condition: '小雨',
    source: 'QWeather',
    attribution:
      'Weather service by QWeather (https://www.qweather.com); sources: https://example.com/attribution',
  })
  t.match(account?.asked[0], { headers: { 'x-qw-api-key': 'secret-key' } })
  t.equal(account?.asked[0]?.query.get('lang'), 'zh')
  t.strictSame((await call(weatherForecast, { place: 'Shanghai', days: 1 }))['days'], [
    {
      date: '2026-11-24',
      min_celsius: 9,
      max_celsius: 15,
      precipitation_mm: 1,
      precipitation_percent: 64,
      wind_kmh: 14.4,
      condition: 'light rain',
      sunrise: '2026-11-24T06:30+08:00',
      sunset: '2026-11-24T16:53+08:00',
    },
  ])
})

t.test('version 7 answers where version 1 does not, longitude first', async t => {
  const { call, account } = await services(t, [], {
    qweather: [
      at('/v7/weather/now', { body: qweather.nowV7 }),
      at('/v7/weather/15d', { body: qweather.dailyV7 }),
      at('/weather/v1/current/1.00/2.00', { body: { metadata: { zeroResult: true } } }),
      at('/weather/v1/current/3.00/4.00', qweather.problem('not-found', 404)),
    ],
  })
  for (const place of ['1,2', '3,4', '31.2,121.5']) {
    const now = await call(weatherNow, { place })
    t.match(now, { celsius: -3, wind_degrees: 315, source: 'QWeather', condition: '小雪' }, place)
    t.notOk('visibility_km' in now, 'an empty string is no value')
  }
  const last = account?.asked.at(-1)
  t.equal(last?.url.split('?')[1], 'location=121.50%2C31.20&lang=en&unit=m')
  const { days } = (await call(weatherForecast, { place: '1,2', days: 12 })) as { days: object[] }
  t.equal(days.length, 12)
  t.strictSame(days[0], {
    date: '2026-12-01',
    max_celsius: 5,
    precipitation_mm: 0,
    wind_kmh: 16,
    sunset: '2026-12-01T16:58+08:00',
    condition: '晴',
  })
  t.notOk(
    account?.asked.some(({ path }) => path.includes('/v1/daily')),
    'v1 has ten days only',
  )
})

t.test('QWeather failing is said, and Open-Meteo answers', async t => {
  const failures: [name: string, answer: Parameters<typeof at>[1], note: RegExp, asks: number][] = [
    ['host', qweather.problem('invalid-host', 403), /invalid-host/, 1],
    ['key', qweather.problem('unauthorized', 401), /unauthorized/, 1],
    ['rate', qweather.problem('too-many-requests', 429), /too-many-requests/, 1],
    ['old form', { body: { metadata: {}, code: '402' } }, /allowance/, 1],
    ['no type', { status: 403, body: 'Forbidden', type: 'text/plain' }, /unauthorized/, 1],
    ['off-schema', { body: { weather: 'nice' } }, /QWeather|127/, 2],
    ['parameters', qweather.problem('invalid-parameters', 400), /invalid-parameters/, 2],
  ]
  for (const [name, answer, note, asks] of failures) {
    const warned: object[] = []
    const ignore = () => undefined
    const log = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (data: object) => void warned.push(data),
    }
    const { call, account } = await services(t, [], { qweather: [() => [answer].flat()[0]], log })
    const now = await call(weatherNow, { place: '1,2' })
    t.match(now, { source: 'Open-Meteo', celsius: 14.2, note }, name)
    t.match(weatherNow.text(now, { place: '1,2' }), note, 'the text says it too')
    t.equal(account?.asked.length, asks, `${name}: asked ${asks} times`)
    t.equal(warned.length, 1)
    t.notMatch(JSON.stringify([now, warned]), 'secret-key')
  }
})

t.test('the three parts of a signature make a token, and no key goes with it', async t => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  for (const key of [pem, pem.replaceAll('\n', String.raw`\n`)]) {
    const { call, account } = await services(t, [], {
      qweather: [at('/weather/v1/current/1.00/2.00', { body: qweather.currentV1 })],
      settings: {
        QWEATHER_PROJECT_ID: 'project',
        QWEATHER_KEY_ID: 'key-id',
        QWEATHER_PRIVATE_KEY: key,
      },
    })
    t.equal((await call(weatherNow, { place: '1,2' }))['source'], 'QWeather')
    const { headers } = account?.asked[0] ?? {}
    t.notOk(headers?.['x-qw-api-key'])
    const [head = '', payload = '', signature = ''] =
      headers?.['authorization']?.replace('Bearer ', '').split('.') ?? []
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
    t.strictSame(read(head), { alg: 'EdDSA', kid: 'key-id' })
    const issued = noon / 1000 - 30
    t.strictSame(read(payload), { sub: 'project', iat: issued, exp: issued + 900 })
    const signed = Buffer.from(`${head}.${payload}`)
    t.ok(verify(null, signed, publicKey, Buffer.from(signature, 'base64url')))
  }
})

t.test(
  'a place that only QWeather knows is found there, and nothing of its search is kept',
  async t => {
    const { call, account } = await services(t, [], {
      qweather: [
        at('/geo/v2/city/lookup', { body: qweather.lookup }, { location: '浦东新区' }),
        at('/geo/v2/city/lookup', qweather.problem('no-such-location', 400), {
          location: '乌有乡',
        }),
        at('/geo/v2/city/lookup', { body: { code: '404' } }),
        at('/weather/v1/current/31.25/121.57', { body: qweather.currentV1 }),
      ],
    })
    const now = await call(weatherNow, { place: '浦东新区' })
    t.match(now, { place: '浦东新区', latitude: 31.25, longitude: 121.57, source: 'QWeather' })
    t.notOk('country' in now)
    t.equal(account?.asked[0]?.query.get('lang'), 'zh')
    for (const place of ['乌有乡', 'Xyzzy'])
      await t.rejects(call(weatherNow, { place }), { code: 'TG_NOT_FOUND' }, place)
  },
)

t.test('half an account is none', async t => {
  const { call } = await services(t, [], { settings: { QWEATHER_HOST: 'http://127.0.0.1:9' } })
  t.equal((await call(weatherNow, { place: '1,2' }))['source'], 'Open-Meteo')
})

t.test('where Open-Meteo knows no places QWeather does', async t => {
  const replies = [
    at('/geo/v2/city/lookup', { body: qweather.lookup }),
    at('/weather/v1/current/31.25/121.57', { body: qweather.currentV1 }),
  ]
  const dead = at('/v1/search', { status: 500 })
  const { call } = await services(t, [dead], { qweather: replies })
  t.match(await call(weatherNow, { place: '浦东' }), { place: '浦东', source: 'QWeather' })
  const without = await services(t, [dead])
  await t.rejects(without.call(weatherNow, { place: '浦东' }), { code: 'TG_UPSTREAM_FAILED' })
})

t.test('a caller who leaves is not answered by Open-Meteo', async t => {
  const leaving = new AbortController()
  const { call, meteo } = await services(t, [], {
    qweather: [() => ({ hangs: true })],
    signal: leaving.signal,
  })
  const answer = call(weatherNow, { place: '1,2' })
  setImmediate(() => leaving.abort())
  await t.rejects(answer, { code: 'TG_CLIENT_CLOSED' })
  t.same(meteo.asked, [])
})
