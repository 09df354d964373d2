import type { Span } from '@opentelemetry/api'
import type { Dispatcher } from 'undici'
import { writeTraceparent } from './trace-context.ts'
import type { Tracing } from './tracing.ts'

/**
 * A span for every request that goes out on behalf of one that came in, and the headers that tell the
 * other side. Of the address only the host is told: paths and queries hold keys.
 */
export const traceUpstreams =
  (tracing: Tracing): Dispatcher.DispatchInterceptor =>
  dispatch =>
  (options, handler) => {
    const { otel, current, start } = tracing
    if (!current()) return dispatch(options, handler)
    const url = URL.parse(String(options.origin ?? ''))
    const span = start(options.method, {
      kind: otel.SpanKind.CLIENT,
      attributes: {
        'http.request.method': options.method,
        ...(url ? { 'server.address': url.hostname, 'url.scheme': url.protocol.slice(0, -1) } : {}),
        ...(url?.port ? { 'server.port': Number(url.port) } : {}),
      },
    })
    const fail = (type: string): void => {
      span.setAttribute('error.type', type)
      span.setStatus({ code: otel.SpanStatusCode.ERROR })
    }
    try {
      const headers = withTrace(options.headers, span)
      return dispatch({ ...options, headers }, watched(handler, span, fail))
    } catch (error) {
      fail('dispatch')
      span.end()
      throw error
    }
  }

function watched(
  handler: Dispatcher.DispatchHandler,
  span: Span,
  fail: (type: string) => void,
): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (...args) => handler.onRequestStart?.(...args),
    onRequestUpgrade: (...args) => {
      span.end()
      handler.onRequestUpgrade?.(...args)
    },
    onResponseStart: (controller, status, ...rest) => {
      if (status >= 200) span.setAttribute('http.response.status_code', status)
      if (status >= 400) fail(String(status))
      handler.onResponseStart?.(controller, status, ...rest)
    },
    onResponseData: (...args) => handler.onResponseData?.(...args),
    onResponseEnd: (...args) => {
      span.end()
      handler.onResponseEnd?.(...args)
    },
    onResponseError: (controller, error) => {
      fail('code' in error ? String(error.code) : error.name)
      span.end()
      handler.onResponseError?.(controller, error)
    },
  }
}

type Headers = Dispatcher.DispatchOptions['headers']

/** The headers in whichever of its forms undici takes them, with ours in place of any that were there. */
function withTrace(headers: Headers, span: Span): string[] {
  const context = span.spanContext()
  const state = context.traceState?.serialize()
  const kept = pairsOf(headers).filter(([name]) => !/^trace(parent|state)$/i.test(name))
  const ours: [string, string][] = [
    ['traceparent', writeTraceparent(context)],
    ...(state ? [['tracestate', state] as [string, string]] : []),
  ]
  return [...kept, ...ours].flat()
}

function pairsOf(headers: Headers): [string, string][] {
  if (!headers) return []
  if (Array.isArray(headers)) {
    const names = headers.filter((_item, index) => index % 2 === 0)
    return names.map((name, index) => [String(name), String(headers[index * 2 + 1])])
  }
  const entries =
    Symbol.iterator in headers
      ? [...(headers as Iterable<[string, string | string[] | undefined]>)]
      : Object.entries(headers)
  return entries.flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, String(one)]),
  )
}
