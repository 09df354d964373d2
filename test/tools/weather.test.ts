import t from 'tap'
import type { JsonObject } from '../../src/registry/tool.ts'
import weatherForecast from '../../src/tools/weather-forecast.ts'
import weatherHistory from '../../src/tools/weather-history.ts'
import weatherNow from '../../src/tools/weather-now.ts'
import { at, type Reply } from '../fixtures/stand-in.ts'
import { caller } from '../fixtures/upstream-context.ts'
import * as openMeteo from '../fixtures/upstreams/open-meteo.ts'
import { weatherServices as services } from '../fixtures/weather-services.ts'

const search = (name: string, ...results: object[]): Reply =>
  at('/v1/search', { body: { results } }, { name })

t.test('the examples are what the tools answer', async t => {
  const { call } = await services(t, [])
  for (const tool of [weatherNow, weatherForecast, weatherHistory])
    for (const { input, output } of tool.examples)
      t.strictSame(await call(tool, input as JsonObject), output, `${tool.name}`)
})

t.test('a place is asked for in its language, with nothing but what is used', async t => {
  const { call, meteo } = await services(t, [])
  await call(weatherNow, { place: '上海' })
  const [lookup, weather] = meteo.asked
  t.equal(lookup?.query.get('language'), 'zh')
  t.equal(weather?.query.get('timezone'), 'auto')
  t.match(weather?.query.get('current'), /^temperature_2m,apparent_temperature,/)
  const english = await call(weatherNow, { place: '上海', language: 'en' })
  t.equal(english['condition'], 'partly cloudy')
})

t.test('the texts say both systems of units, in the language of the place', async t => {
  const { call } = await services(t, [])
  const say = async (tool: typeof weatherNow, input: JsonObject) =>
    tool.text(await call(tool, input), input)
  const now = await say(weatherNow, { place: 'Shanghai' })
  t.match(now, 'Shanghai, China, 2026-11-24T18:00+08:00: partly cloudy, 14.2 °C (58 °F)')
  t.match(now, 'wind 11 km/h (7 mph) from the southeast')
  t.match(now, 'Open-Meteo.com')
  t.match(await say(weatherNow, { place: '上海' }), '多云，14.2 °C (58 °F)，体感')
  t.match(
    await say(weatherForecast, { place: '上海' }),
    '2026-11-25: 小雨，10.4 °C (51 °F) 至 13.7',
  )
})

t.test('the course reads its ten lines', async t => {
  const { call } = await services(t, [])
  const { lagent } = weatherNow.aliases
  if (!lagent || typeof lagent === 'string') return t.fail('there is an alias')
  const input = lagent.arguments?.({ query: 'Shanghai' }) ?? {}
  const output = await call(weatherNow, input)
  t.same(lagent.text?.(output, input).split('\n'), [
    '数据观测时间: 2026-11-24T18:00+08:00',
    '温度: 14.2°C',
    '体感温度: 13.1°C',
    '天气: 多云',
    '风向: 东南风，角度为 135°',
    '风力等级: 2，风速为 11.4 km/h',
    '相对湿度: 71',
    '当前小时累计降水量: 0 mm',
    '大气压强: 1021.4 百帕',
    '能见度: 24.1 km',
  ])
  const bare = lagent.text?.({ time: 'x', celsius: 1, condition: '晴' }, input).split('\n')
  t.equal(bare?.length, 10, 'they stay ten when values are missing')
  t.equal(bare?.[9], '能见度: 未知')
})

t.test('coordinates are latitude first, and checked', async t => {
  const { call, meteo } = await services(t, [])
  const here = await call(weatherNow, { place: '31.2, 121.5' })
  t.match(here, { place: '31.2, 121.5', latitude: 31.2, longitude: 121.5 })
  t.notOk('country' in here)
  t.equal(meteo.asked.length, 1, 'no name is looked up')
  for (const place of ['121.5,31.2', '-91 0', '10，181'])
    await t.rejects(call(weatherNow, { place }), { code: 'TG_ARGUMENT_INVALID' }, place)
})

t.test('an ambiguous name is answered with the likeliest, and the others are named', async t => {
  const { call } = await services(t, [
    search(
      'Springfield',
      openMeteo.found('Springfield', 'United States', { admin1: 'Ohio', population: 58_000 }),
      openMeteo.found('Springfield', 'United States', { admin1: 'Missouri', population: 169_000 }),
      openMeteo.found('Springfield Park', 'United States', {
        admin1: 'Texas',
        population: 900_000,
      }),
      openMeteo.found('Springfield', 'Canada', { admin1: 'Ontario', population: 90 }),
      openMeteo.found('Springfield', 'New Zealand', { population: null }),
      openMeteo.found('Springfield', 'United States', { feature_code: 'AIRP' }),
    ),
  ])
  t.match(await call(weatherNow, { place: 'Springfield' }), {
    place: 'Springfield',
    region: 'Missouri',
    alternatives: ['Springfield, Ohio, United States'],
  })
})

t.test('what is said after a name narrows it down', async t => {
  const paris = [
    openMeteo.found('Paris', 'France', { country_code: 'FR', population: 2_100_000 }),
    openMeteo.found('Paris', 'United States', {
      country_code: 'US',
      admin1: 'Texas',
      population: 25_000,
      latitude: 33,
    }),
  ]
  const nanjing = openMeteo.found('南京', '中国', { admin1: '江苏省', country_code: 'CN' })
  const { call } = await services(t, [search('Paris', ...paris), search('南京', nanjing)])
  const readings = {
    'Paris, France': 'France',
    'Paris, Texas, USA': 'United States',
    'Paris Texas': 'United States',
    'Paris，FR': 'France',
    江苏省南京市: '中国',
    '南京, 中国': '中国',
    南京市: '中国',
  }
  for (const [place, country] of Object.entries(readings))
    t.equal((await call(weatherNow, { place }))['country'], country, place)
  await t.rejects(call(weatherNow, { place: 'Paris, Narnia' }), {
    code: 'TG_NOT_FOUND',
    hint: /"Paris, France"/,
  })
})

t.test('an unknown place is a 404 that helps', async t => {
  const { call, meteo } = await services(t, [])
  await t.rejects(call(weatherNow, { place: 'Xyzzyville' }), {
    code: 'TG_NOT_FOUND',
    status: 404,
    hint: /31\.2,121\.5/,
  })
  t.ok(meteo.asked.length <= 4, 'and few requests')
})

t.test('missing values stay missing', async t => {
  const { call } = await services(t, [
    at(
      '/v1/forecast',
      {
        body: {
          utc_offset_seconds: -12_600,
          current: { time: '2026-11-24T18:00', temperature_2m: -0.4, visibility: null },
        },
      },
      { latitude: '1' },
    ),
    at(
      '/v1/forecast',
      {
        body: {
          utc_offset_seconds: 0,
          daily: {
            time: ['2026-12-21'],
            temperature_2m_max: [null],
            sunrise: [''],
            sunset: ['1970-01-01T00:00'],
          },
        },
      },
      { latitude: '2' },
    ),
  ])
  t.strictSame(Object.keys(await call(weatherNow, { place: '1,1' })).toSorted(), [
    'attribution',
    'celsius',
    'condition',
    'latitude',
    'longitude',
    'place',
    'source',
    'time',
  ])
  t.match(await call(weatherNow, { place: '1,1' }), {
    time: '2026-11-24T18:00-03:30',
    condition: 'unknown',
  })
  t.strictSame((await call(weatherForecast, { place: '2,2' }))['days'], [
    { date: '2026-12-21', condition: 'unknown' },
  ])
})

t.test('an upstream that fails is named', async t => {
  const failures: [
    name: string,
    reply: Parameters<typeof at>[1],
    expected: { code?: string; status?: number; message?: RegExp; retryAfterMs?: number },
  ][] = [
    ['down', { status: 500 }, { status: 502, message: /127\.0\.0\.1/ }],
    ['off-schema', { body: { current: {} } }, { code: 'TG_UPSTREAM_INVALID' }],
    ['an array', { body: [openMeteo.current] }, { code: 'TG_UPSTREAM_INVALID' }],
    ['no JSON', { body: '<html>', type: 'text/html' }, { code: 'TG_UPSTREAM_INVALID' }],
    ['dying', { body: openMeteo.current, dies: true }, { code: 'TG_UPSTREAM_UNREACHABLE' }],
    [
      'limited',
      { status: 429, body: { error: true, reason: 'Hourly API request limit exceeded.' } },
      { code: 'TG_UPSTREAM_BUSY', retryAfterMs: 3_600_000 },
    ],
    [
      'without data',
      { status: 400, body: { error: true, reason: 'No data is available for this location' } },
      { code: 'TG_NOT_FOUND' },
    ],
  ]
  for (const [name, answer, expected] of failures) {
    const { call } = await services(t, [at('/v1/forecast', answer)])
    const error: unknown = await call(weatherNow, { place: '1,1' }).catch((error: unknown) => error)
    t.match(error, expected, name)
  }
  const { call } = await services(t, [at('/v1/forecast', { hangs: true })], {
    deadlineAt: Date.now() + 300,
  })
  await t.rejects(call(weatherNow, { place: '1,1' }), { code: 'TG_DEADLINE' }, 'silent')
})

t.test('the past is checked before anyone is asked', async t => {
  const { call, meteo } = await services(t, [])
  const refused: [start: string, end: string, message: RegExp][] = [
    ['2024-05-02', '2024-05-01', /end_date must not be before start_date/],
    ['2024-02-30', '2024-03-01', /start_date must be a day of the calendar/],
    ['1939-12-31', '1940-01-02', /1940-01-01/],
    ['2026-11-20', '2026-11-26', /future.*weather_forecast/],
    ['2024-01-01', '2025-01-01', /366 days/],
  ]
  for (const [start_date, end_date, message] of refused)
    await t.rejects(
      call(weatherHistory, { place: 'Shanghai', start_date, end_date }),
      { code: 'TG_ARGUMENT_INVALID', message },
      `${start_date} to ${end_date}`,
    )
  t.same(meteo.asked, [])
})

t.test('young days come from the forecast, older ones from the archive', async t => {
  const { call, meteo } = await services(t, [])
  const ask = { place: '1,1', start_date: '2026-11-10', end_date: '2026-11-23' }
  const { days } = (await call(weatherHistory, ask)) as { days: { date: string }[] }
  t.equal(days.length, 4)
  const ranges = meteo.asked.map(
    ({ path, query }) => `${path} ${query.get('start_date')} ${query.get('end_date')}`,
  )
  t.same(ranges.toSorted(), [
    '/v1/archive 2026-11-10 2026-11-18',
    '/v1/forecast 2026-11-19 2026-11-23',
  ])
})

t.test('an archive without a value is a 404', async t => {
  const empty = { utc_offset_seconds: 0, daily: { time: ['2024-05-01'], weather_code: [null] } }
  const { call } = await services(t, [at('/v1/archive', { body: empty })])
  const ask = { place: '1,1', start_date: '2024-05-01', end_date: '2024-05-01' }
  await t.rejects(call(weatherHistory, ask), { code: 'TG_NOT_FOUND' })
})

t.test('a tool without its address is unavailable, with the remedy', async t => {
  const call = caller(t)
  await t.rejects(call(weatherNow, { place: '1,2' }), {
    code: 'TG_UNAVAILABLE',
    message: /OPEN_METEO_FORECAST_URL is not set/,
  })
})
