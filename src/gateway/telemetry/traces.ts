import type { OTLPTraceExporter as Exporter } from '@opentelemetry/exporter-trace-otlp-http'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Dispatcher } from 'undici'
import type { Config } from '../../config.ts'
import type { Invoke } from '../../registry/call.ts'
import type { ModelRequestFacts } from '../llm/call.ts'
import { traceCalls } from './trace-calls.ts'
import { createTracedRequests } from './trace-requests.ts'
import { traceUpstreams } from './trace-upstreams.ts'
import { createTracing } from './tracing.ts'

/** Bounds of what waits to be sent; spans over it are dropped. */
export const traceLimits = {
  waitingMax: 4_096,
  batchMax: 512,
  everyMs: 2_000,
  exportMs: 10_000,
  attributeCharactersMax: 1_024,
  closeMs: 3_000,
} as const

/** Traces of a gateway: each member is a wrapper or a hook around what is there anyway. */
export type Traces = {
  watch: (app: FastifyInstance) => void
  wrap: (invoke: Invoke) => Invoke
  interceptors: Dispatcher.DispatchInterceptor[]
  onModelRequest: ((facts: ModelRequestFacts) => void) | undefined
  close: () => Promise<void>
}

const noTraces: Traces = {
  watch: () => undefined,
  wrap: invoke => invoke,
  interceptors: [],
  onModelRequest: undefined,
  close: () => Promise.resolve(),
}

/** Opens the way to the collector; without one nothing of OpenTelemetry is loaded. */
export async function openTraces(options: {
  config: Config['traces']
  version: string
  log: Pick<FastifyBaseLogger, 'warn' | 'info'>
}): Promise<Traces> {
  const { config, version, log } = options
  if (config.endpoint === undefined) return noTraces
  const [otel, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ])
  const exporter = new OTLPTraceExporter({
    url: `${config.endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: config.headers,
    timeoutMillis: traceLimits.exportMs,
  })
  tellOfFailures(exporter, log)
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({
      'service.name': config.service,
      'service.version': version,
    }),
    // Who called decides for its own trace, we for those that begin here.
    sampler: new sdk.ParentBasedSampler({
      root: new sdk.TraceIdRatioBasedSampler(config.share),
    }),
    spanLimits: { attributeValueLengthLimit: traceLimits.attributeCharactersMax },
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter,
        maxQueueSize: traceLimits.waitingMax,
        maxExportBatchSize: traceLimits.batchMax,
        scheduledDelayMillis: traceLimits.everyMs,
        exportTimeoutMillis: traceLimits.exportMs,
      }),
    ],
  })
  const tracing = createTracing(otel, provider.getTracer('toolgate', version))
  const requests = createTracedRequests(tracing)
  return {
    watch: requests.watch,
    wrap: traceCalls(tracing),
    interceptors: [traceUpstreams(tracing)],
    onModelRequest: requests.onModelRequest,
    close: () => shutDown(provider, log),
  }
}

/** One line when the collector stops taking spans, and one when it takes them again. */
function tellOfFailures(exporter: Exporter, log: Pick<FastifyBaseLogger, 'warn' | 'info'>): void {
  const send = exporter.export.bind(exporter)
  let failing = false
  exporter.export = (spans, done) =>
    send(spans, result => {
      const fails = result.error !== undefined
      if (fails && !failing) log.warn({ err: result.error }, 'traces not sent')
      if (!fails && failing) log.info({}, 'traces sent again')
      failing = fails
      done(result)
    })
}

/** What is left is sent, for a bounded time. */
async function shutDown(
  provider: { shutdown(): Promise<void> },
  log: Pick<FastifyBaseLogger, 'warn'>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, traceLimits.closeMs)
  const ended = provider.shutdown().catch((err: unknown) => log.warn({ err }, 'traces not sent'))
  await Promise.race([ended, promise])
  clearTimeout(timer)
}
