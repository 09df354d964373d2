import { AsyncLocalStorage } from 'node:async_hooks'
import type * as api from '@opentelemetry/api'
import type { Attributes, Context, Span, SpanKind, Tracer } from '@opentelemetry/api'
import { parseTraceparent, parseTracestate } from './trace-context.ts'

/** OpenTelemetry's API, which is loaded only where traces are wanted. */
export type Otel = typeof api

/** What every part that makes spans works with. */
export type Tracing = {
  otel: Otel
  /** The span that what runs now belongs to. */
  current: () => Span | undefined
  /** Runs something as part of a span. */
  within: <Value>(span: Span, run: () => Value) => Value
  /** Starts a span below another, or below a context; else below the current one. */
  start: (name: string, stated: { kind: SpanKind; attributes: Attributes }, parent?: Parent) => Span
  /** The place in a trace that headers, or an MCP `_meta`, name. */
  remote: (headers: Readonly<Record<string, unknown>>) => Context | undefined
}
type Parent = Span | { context: Context }

/** Makes it around a tracer. */
export function createTracing(otel: Otel, tracer: Tracer): Tracing {
  const { ROOT_CONTEXT, trace, createTraceState } = otel
  const spans = new AsyncLocalStorage<Span>()

  const contextOf = (parent: Parent | undefined): Context => {
    if (!parent) return ROOT_CONTEXT
    return 'context' in parent ? parent.context : trace.setSpan(ROOT_CONTEXT, parent)
  }
  return {
    otel,
    current: () => spans.getStore(),
    within: (span, run) => spans.run(span, run),
    start: (name, stated, parent = spans.getStore()) =>
      tracer.startSpan(name, stated, contextOf(parent)),
    remote(headers) {
      const parent = parseTraceparent(headers['traceparent'])
      if (!parent) return undefined
      const state = parseTracestate(headers['tracestate'])
      return trace.setSpanContext(ROOT_CONTEXT, {
        ...parent,
        isRemote: true,
        ...(state === undefined ? {} : { traceState: createTraceState(state) }),
      })
    },
  }
}
