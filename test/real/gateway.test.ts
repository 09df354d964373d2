import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { tools } from '../../src/tools/index.ts'
import { testApp } from '../fixtures/app.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'
import { type Answer, type Reply, standIn } from '../fixtures/stand-in.ts'
import * as openMeteo from '../fixtures/upstreams/open-meteo.ts'

const { folder, skip } = sharedFolder('fixtures/')
type Recording = {
  file: string
  service: string
  response: { status: number; contentType: string }
}
const recordings = (): Recording[] =>
  JSON.parse(readFileSync(new URL('index.json', folder), 'utf8'))
const answerOf = ({ file, response }: Recording): Answer => ({
  status: response.status,
  type: response.contentType,
  body: readFileSync(new URL(file, folder)),
})
const bodyOf = (file: string): Buffer => readFileSync(new URL(file, folder))

/** The tools as they are, but for waits: no pace, and a deadline that a test can sit out. */
const hasty = tools.map(tool => ({ ...tool, pace: {}, timeoutMs: 1_500 }))
const calls: Record<string, object> = {
  weather_now: { place: '50.08,14.42' },
  weather_forecast: { place: '50.08,14.42' },
  weather_history: { place: '50.08,14.42', start_date: '2023-01-01', end_date: '2023-01-02' },
  arxiv_search: { query: 'testing' },
  arxiv_paper: { id: '1605.08386' },
}
const toolsOf: Record<string, string[]> = {
  openmeteo: ['weather_now', 'weather_forecast', 'weather_history'],
  qweather: ['weather_now', 'weather_forecast', 'weather_history'],
  arxiv: ['arxiv_search', 'arxiv_paper'],
}

/** A gateway that listens, whose upstreams are stand-ins. */
async function gateway(
  t: Test,
  upstreams: Partial<Record<'openmeteo' | 'qweather' | 'arxiv', Reply>>,
  now?: () => number,
) {
  const fine: Reply = ({ path, query }) => {
    if (path !== '/v1/forecast') return { body: openMeteo.archive }
    return { body: query.has('current') ? openMeteo.current : openMeteo.forecast }
  }
  const meteo = await standIn(t, upstreams.openmeteo ?? fine)
  const arxiv = await standIn(t, upstreams.arxiv ?? (() => ({ hangs: true })))
  const qweather = upstreams.qweather && (await standIn(t, upstreams.qweather))
  const { app } = await testApp(t, {
    tools: hasty,
    env: {
      OPEN_METEO_FORECAST_URL: meteo.url,
      OPEN_METEO_ARCHIVE_URL: meteo.url,
      OPEN_METEO_GEOCODING_URL: meteo.url,
      ARXIV_URL: arxiv.url,
      ...(qweather ? { QWEATHER_HOST: qweather.url, QWEATHER_API_KEY: 'a-secret-key' } : {}),
    },
    ...(now ? { now } : {}),
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const call = async (tool: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/tools/${tool}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(calls[tool]),
    })
    const text = await response.text()
    return { response, status: response.status, text, body: JSON.parse(text) }
  }
  return { call, meteo, arxiv, host: (url: string) => new URL(url).host }
}

t.test('whatever a service was seen to answer, a call ends as it should', { skip }, async t => {
  for (const recording of recordings()) {
    const { service, file } = recording
    if (!toolsOf[service]) continue
    const { call, meteo, arxiv, host } = await gateway(t, { [service]: () => answerOf(recording) })
    for (const tool of toolsOf[service]) {
      const { status, body, text, response } = await call(tool)
      const what = `${file} to ${tool}: ${status} ${text.slice(0, 150)}`
      t.ok([200, 400, 404, 502, 503].includes(status), what)
      if (status === 200 && service === 'qweather')
        t.match(body.source, /^(QWeather|Open-Meteo)/, what)
      const upstream = service === 'arxiv' ? arxiv : meteo
      if (status >= 500)
        t.ok(
          [host(upstream.url), 'Open-Meteo', 'arXiv'].includes(body.error.details.upstream),
          what,
        )
      t.equal(response.headers.has('retry-after'), status === 503, what)
      t.notMatch(text, 'a-secret-key')
    }
  }
})

t.test('an upstream that misbehaves is named, and never believed', { skip }, async t => {
  const feed = bodyOf('arxiv/search_testing_page_s0_m10.xml')
  const page = bodyOf('nominatim/error_over_limit.html')
  const json = JSON.stringify(openMeteo.current)
  const faults: [what: string, answer: Answer, status: number, code: string][] = [
    ['down', { status: 500, body: 'oops', type: 'text/plain' }, 502, 'TG_UPSTREAM_FAILED'],
    ['overloaded', { status: 503, headers: { 'retry-after': '7' } }, 503, 'TG_UPSTREAM_BUSY'],
    ['empty', { body: '' }, 502, 'TG_UPSTREAM_INVALID'],
    ['a page', { body: page, type: 'text/html' }, 502, 'TG_UPSTREAM_INVALID'],
    ['another JSON', { body: { hello: 'world' } }, 502, 'TG_UPSTREAM_INVALID'],
    ['half an answer', { body: feed.subarray(0, 4_000) }, 502, 'TG_UPSTREAM_INVALID'],
    ['half a JSON', { body: json.slice(0, -40) }, 502, 'TG_UPSTREAM_INVALID'],
    ['a broken connection', { body: feed, dies: true }, 502, 'TG_UPSTREAM_UNREACHABLE'],
    ['silence', { hangs: true }, 504, 'TG_DEADLINE'],
    ['a packing it is not in', { body: feed, headers: { 'content-encoding': 'gzip' } }, 502, ''],
    [
      'a redirect to inside',
      { status: 302, headers: { location: 'http://169.254.169.254/' } },
      502,
      '',
    ],
  ]
  for (const [what, answer, status, code] of faults) {
    const { call, meteo, arxiv, host } = await gateway(t, {
      openmeteo: () => answer,
      arxiv: () => answer,
    })
    for (const [tool, upstream] of [
      ['weather_now', meteo],
      ['arxiv_search', arxiv],
    ] as const) {
      const { status: got, body, text, response } = await call(tool)
      t.equal(got, status, `${what}: ${tool}: ${text.slice(0, 200)}`)
      if (code) t.equal(body.error.code, code, what)
      t.match(
        text,
        new RegExp(`${host(upstream.url)}|Open-Meteo|arXiv`),
        `${what}: ${tool} names it`,
      )
      if (answer.headers?.['retry-after']) t.equal(response.headers.get('retry-after'), '7')
    }
  }
})

t.test('what is stored is served while the upstream fails, and says so', { skip }, async t => {
  let isDown = false
  let time = Date.now()
  const recorded = bodyOf('arxiv/id_1605.08386.xml')
  const arxiv: Reply = () => (isDown ? { status: 500 } : { body: recorded })
  const { call } = await gateway(t, { arxiv }, () => time)
  const statusOf = async (headers?: Record<string, string>) => {
    const { response, status, body } = await call('arxiv_paper', headers)
    const { headers: said } = response
    return { status, id: body.id, age: said.get('age'), cache: said.get('cache-status') }
  }
  const id = '1605.08386v1'
  t.same(await statusOf({ 'cache-control': 'only-if-cached' }), {
    status: 504,
    id: undefined,
    age: null,
    cache: null,
  })
  t.same(await statusOf(), {
    status: 200,
    id,
    age: null,
    cache: 'toolgate; fwd=miss; stored; ttl=86400',
  })
  time += 3_600_000
  t.same(await statusOf(), {
    status: 200,
    id,
    age: '3600',
    cache: 'toolgate; hit; ttl=82800; detail=l1',
  })
  isDown = true
  time += 86_400_000
  const stale = { status: 200, id, age: '90000', cache: 'toolgate; hit; ttl=-3600; detail=stale' }
  t.same(await statusOf(), stale)
  t.same(await statusOf(), stale, 'and again')
  t.match(await statusOf({ 'cache-control': 'no-cache' }), { status: 502, cache: null })
  t.match(await statusOf({ 'cache-control': 'max-age=60' }), { status: 502 })
  time += 7 * 86_400_000
  t.match(await statusOf(), { status: 502, id: undefined }, 'not for ever')
})
