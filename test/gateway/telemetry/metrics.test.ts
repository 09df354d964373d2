import t from 'tap'
import Type from 'typebox'
import { metricsLimits } from '../../../src/gateway/metrics.ts'
import { defineTool } from '../../../src/registry/tool.ts'
import { echo, testApp } from '../../fixtures/app.ts'

const call = (name: string, payload: object) => ({
  method: 'POST' as const,
  url: `/tools/${name}`,
  payload,
})

t.test('every call is counted, and each of its stages timed', async t => {
  const { app } = await testApp(t)
  await app.inject(call('echo', { text: 'hi' }))
  await app.inject(call('echo', { text: 'hi' }))
  await app.inject(call('echo', { txt: 'hi' }))
  await app.inject(call('no_such_tool', {}))
  const { body } = await app.inject('/metrics')
  for (const line of [
    'toolgate_calls_total{tool="echo",face="rest",outcome="ok"} 2',
    'toolgate_calls_total{tool="echo",face="rest",outcome="TG_ARGUMENT_UNKNOWN"} 1',
    'toolgate_calls_total{tool="unknown",face="rest",outcome="TG_TOOL_UNKNOWN"} 1',
    'toolgate_call_seconds_count{tool="echo",cache="l1"} 1',
    'toolgate_stage_seconds_count{stage="parse",tool="echo"} 2',
    'toolgate_stage_seconds_count{stage="cache",tool="echo"} 1',
    'toolgate_stage_seconds_count{stage="queue",tool="echo"} 1',
    'toolgate_stage_seconds_count{stage="run",tool="echo"} 1',
    'toolgate_http_responses_total{route="/tools/:name",method="POST",status="200"} 2',
    'toolgate_http_responses_total{route="/tools/:name",method="POST",status="404"} 1',
    'toolgate_redis_up -1',
    'toolgate_workers_busy 0',
    'toolgate_audit_dropped_total 0',
  ])
    t.match(body, line)
})

t.test('a key that is wrong shows in the metrics', async t => {
  const { app } = await testApp(t, { env: { TOOLGATE_KEY: 'a key of the test' } })
  await app.inject({ ...call('echo', { text: 'hi' }), headers: { 'x-api-key': 'another key' } })
  const { body } = await app.inject({
    url: '/metrics',
    headers: { 'x-api-key': 'a key of the test' },
  })
  t.match(body, 'toolgate_http_responses_total{route="/tools/:name",method="POST",status="401"} 1')
})

t.test('imported tools make so many series and no more', async t => {
  const { app, registry } = await testApp(t)
  const imported = Array.from({ length: metricsLimits.importedToolsMax + 5 }, (_, index) => ({
    ...defineTool({
      name: `far_${index}`,
      title: 'Far',
      description: 'Is somewhere else.',
      input: Type.Object({}),
      output: Type.Object({}),
      run: async () => ({}),
    }),
    source: 'far',
  }))
  registry.put('far', imported)
  for (const { name } of imported) await app.inject(call(name, {}))
  await app.inject(call(echo.name, { text: 'hi' }))
  const { body } = await app.inject('/metrics')
  t.equal(body.match(/^toolgate_calls_total\{tool="far_/gm)?.length, metricsLimits.importedToolsMax)
  t.match(body, 'toolgate_calls_total{tool="other",face="rest",outcome="ok"} 5')
  t.match(body, 'toolgate_calls_total{tool="echo",face="rest",outcome="ok"} 1', 'ours by name')
})
