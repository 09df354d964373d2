import { readFileSync } from 'node:fs'
import t from 'tap'
import weatherForecast from '../../src/tools/weather-forecast.ts'
import weatherHistory from '../../src/tools/weather-history.ts'
import weatherNow from '../../src/tools/weather-now.ts'
import { type Answer, at, type Reply } from '../fixtures/stand-in.ts'
import * as openMeteo from '../fixtures/upstreams/open-meteo.ts'
import { weatherServices } from '../fixtures/weather-services.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'

const { folder, skip } = sharedFolder('fixtures/')
const recorded = (file: string, status = 200): Answer => ({
  status,
  body: readFileSync(new URL(file, folder)),
})

t.test('recorded searches and forecasts are read', { skip }, async t => {
  const { call } = await weatherServices(t, [
    at('/v1/search', recorded('openmeteo/geocoding_hollywood.json'), { name: 'Hollywood' }),
    at('/v1/search', recorded('openmeteo/geocoding_empty_no_results_key.json'), { name: 'Nix' }),
    at('/v1/forecast', recorded('openmeteo/forecast_prague_daily_3d.json'), { forecast_days: '3' }),
    at('/v1/archive', recorded('openmeteo/archive_or_climate_prague.json')),
    at('/v1/forecast', recorded('openmeteo/marine_sibenik.json'), { latitude: '7' }),
  ])
  t.match(await call(weatherNow, { place: 'Hollywood' }), {
    region: 'California',
    country: 'United States',
    alternatives: ['Hollywood, Florida, United States'],
  })
  t.match(await call(weatherNow, { place: 'Hollywood, Ireland' }), { country: 'Ireland' })
  await t.rejects(call(weatherNow, { place: 'Nix' }), { code: 'TG_NOT_FOUND' })
  t.match((await call(weatherForecast, { place: '50.08,14.42' }))['days'], [
    { date: '2026-05-21', min_celsius: 13.1, max_celsius: 22, precipitation_mm: 0, wind_kmh: 16.1 },
  ])
  const past = { place: '50.08,14.42', start_date: '2023-01-01', end_date: '2023-01-02' }
  t.match((await call(weatherHistory, past))['days'], [{ date: '2023-01-01' }])
  await t.rejects(call(weatherNow, { place: '7,7' }), { code: 'TG_UPSTREAM_INVALID' })
})

t.test('recorded refusals of Open-Meteo are named', { skip }, async t => {
  const refusals: [file: string, status: number, code: string, retryAfterMs?: number][] = [
    ['error_429_minutely.json', 429, 'TG_UPSTREAM_BUSY', 60_000],
    ['error_429_hourly.json', 429, 'TG_UPSTREAM_BUSY', 3_600_000],
    ['error_429_concurrent.json', 429, 'TG_UPSTREAM_BUSY', 2_000],
    ['error_503_overloaded.json', 503, 'TG_UPSTREAM_BUSY'],
    ['error_400_docs_invalid_variable.json', 400, 'TG_UPSTREAM_FAILED'],
  ]
  for (const [file, status, code, retryAfterMs] of refusals) {
    const answer = recorded(`openmeteo/${file}`, status)
    const { call } = await weatherServices(t, [at('/v1/forecast', answer)])
    const error: unknown = await call(weatherNow, { place: '1,1' }).catch((error: unknown) => error)
    t.match(error, { code, ...(retryAfterMs ? { retryAfterMs } : {}) }, file)
  }
})

t.test("QWeather's own examples and recordings are read", { skip }, async t => {
  const of = async (place: string, ...replies: Reply[]) => {
    const { call } = await weatherServices(t, [], { qweather: replies })
    return call(weatherNow, { place })
  }
  t.match(
    await of(
      '39.92,116.41',
      at('/weather/v1/current/39.92/116.41', recorded('qweather/docs_v1_weather_current_zh.json')),
    ),
    {
      source: 'QWeather',
      celsius: 31.71,
      humidity_percent: 69,
      wind_kmh: 17.1,
      visibility_km: 29.02,
    },
  )
  t.match(
    await of(
      '39.9,116.4',
      at('/v7/weather/now', recorded('qweather/recorded_v7_now_beijing_2026-09.json')),
    ),
    { time: '2026-09-06T23:48+08:00', celsius: 25, condition: '阴', source: 'QWeather' },
  )
  for (const code of [204, 400, 401, 402, 403, 404, 500])
    t.match(
      await of(
        '39.9,116.4',
        at('/v7/weather/now', recorded(`qweather/error_v1_code_${code}.json`)),
      ),
      { source: 'Open-Meteo', note: /QWeather/ },
      `old ${code}`,
    )
  for (const [file, status] of [
    ['error_v2_401_unauthorized', 401],
    ['error_v2_403_invalid_host', 403],
    ['error_v2_400_invalid_parameters_docs', 400],
  ] as const)
    t.match(
      await of('39.9,116.4', () => recorded(`qweather/${file}.json`, status)),
      { source: 'Open-Meteo', celsius: openMeteo.current.current.temperature_2m, note: /QWeather/ },
      file,
    )
})

t.test("QWeather's days are read, with an empty moonset and all", { skip }, async t => {
  const { call } = await weatherServices(t, [], {
    qweather: [
      at('/weather/v1/daily/39.92/116.41', recorded('qweather/docs_v1_weather_daily_en.json')),
      at('/v7/weather/3d', recorded('qweather/recorded_v7_3d_beijing_empty_moonset.json')),
    ],
  })
  t.match(await call(weatherForecast, { place: '39.92,116.41', days: 1 }), {
    days: [{ date: '2024-08-11', min_celsius: 20.93, max_celsius: 29.94, condition: 'light rain' }],
    source: 'QWeather',
  })
  const { days } = (await call(weatherForecast, { place: '1,1' })) as { days: object[] }
  t.match(days[0], { date: '2023-12-19', sunrise: /^2023-12-19T\d{2}:\d{2}\+08:00$/ })
})
