import type { Invoke } from '../../registry/call.ts'
import { toToolError } from '../../registry/errors.ts'
import type { Tracing } from './tracing.ts'

const nameCharactersMax = 80

/** Wraps the way in: every call of every face is an `execute_tool` span, as the GenAI conventions say. */
export const traceCalls =
  ({ otel, start, within }: Tracing) =>
  (invoke: Invoke): Invoke =>
  (name, args, context) => {
    const tool = name.slice(0, nameCharactersMax)
    const span = start(`execute_tool ${tool}`, {
      kind: otel.SpanKind.INTERNAL,
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': tool,
        'gen_ai.tool.type': 'function',
        'toolgate.face': context.face,
        'toolgate.request_id': context.requestId,
      },
    })
    return within(span, async () => {
      try {
        const answer = await invoke(name, args, context)
        span.setAttribute('toolgate.source', answer.tool.source)
        return answer
      } catch (error) {
        span.setAttribute('error.type', toToolError(error).code)
        span.setStatus({ code: otel.SpanStatusCode.ERROR })
        throw error
      } finally {
        const { hit, forward } = context.report
        span.setAttribute('toolgate.cache', hit ?? forward ?? 'none')
        span.end()
      }
    })
  }
