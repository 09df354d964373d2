import { type ErrorCode, fail, type ToolError } from '../../registry/errors.ts'
import { isRecord, type Json, numberOf, parseRecord, textOf } from './json.ts'

/** An error in OpenAI's shape. */
export type OpenAiProblem = {
  error: { message: string; type: string; param: string | null; code: string | null }
}
/** An error in Anthropic's shape. */
export type AnthropicProblem = { type: 'error'; error: { type: string; message: string } }

/** Facts that a refusal by a node carries beyond message and status. */
type Wire = { wireCode?: string | null; wireType?: string; param?: string | null }

/** The codes that OpenAI's own clients know, for ours. */
const openAiCodes: Partial<Record<ErrorCode, string>> = {
  TG_KEY_MISSING: 'invalid_api_key',
  TG_KEY_WRONG: 'invalid_api_key',
  TG_KEY_EXPIRED: 'invalid_api_key',
  TG_RATE_LIMITED: 'rate_limit_exceeded',
  TG_BUSY: 'rate_limit_exceeded',
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 404) return 'not_found_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

function anthropicType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 404) return 'not_found_error'
  if (status === 413) return 'request_too_large'
  if (status === 429) return 'rate_limit_error'
  if (status === 503) return 'overloaded_error'
  return status >= 500 ? 'api_error' : 'invalid_request_error'
}

/** Tools take forms as well; these routes do not. */
const ownHint = ({ code, hint }: ToolError): string | undefined =>
  code === 'TG_BODY_INVALID' ? 'send one JSON object' : hint?.replace(' or multipart/form-data', '')

function sentence(error: ToolError): string {
  const { message } = error
  const hint = ownHint(error)
  return hint ? `${message}${/[.!?]$/.test(message) ? '' : '.'} ${hint}` : message
}

/** An error as `/v1/*` answers it. */
export function openAiProblem(error: ToolError & Wire): OpenAiProblem {
  const { status, code, details } = error
  const unknownModel = code === 'TG_NOT_FOUND' && details?.['kind'] === 'model'
  return {
    error: {
      message: sentence(error),
      type: error.wireType ?? openAiType(status),
      param: error.param ?? (unknownModel ? 'model' : null),
      code:
        error.wireCode === undefined
          ? unknownModel
            ? 'model_not_found'
            : (openAiCodes[code] ?? code)
          : error.wireCode,
    },
  }
}

/** An error as `/v1/messages` answers it. */
export const anthropicProblem = (error: ToolError): AnthropicProblem => ({
  type: 'error',
  error: { type: anthropicType(error.status), message: sentence(error) },
})

/** A request that no node could serve: which member, and what to change. */
export const refuse = (param: string, problem: string): ToolError & Wire => {
  const message = `${param} ${problem}`
  return Object.assign(fail('TG_REQUEST_INVALID', message), { message, param, wireCode: null })
}

/** What a node said went wrong, whichever of LMDeploy's envelopes it used. */
export type NodeProblem = { status: number; message: string; type?: string; param?: string | null }

/**
 * Reads an error out of a node's answer. Before 0.6.0, and behind LMDeploy's own proxy, errors come
 * with status 200; the flat object, FastAPI's `detail` and the proxy's `error_code` are all errors.
 */
export function nodeProblem(status: number, body: string): NodeProblem | undefined {
  if (status < 400 && !maybeHidden(body)) return undefined
  const json = parseRecord(body)
  if (!json) {
    return status < 400
      ? undefined
      : { status, message: body.trim().slice(0, 300) || `status ${status}` }
  }
  const inner = isRecord(json['error']) ? json['error'] : json
  const hidden = inner !== json || json['object'] === 'error' || 'error_code' in json
  if (status < 400 && !hidden) return undefined
  const said = numberOf(inner['code'])
  const real = status >= 400 ? status : said && said >= 400 && said < 600 ? said : 502
  return {
    status: real,
    message: messageOf(inner) ?? messageOf(json) ?? `status ${real}`,
    ...(typeof inner['type'] === 'string' ? { type: inner['type'] } : {}),
    ...(typeof inner['param'] === 'string' ? { param: inner['param'] } : {}),
  }
}

/** True for an object of a stream that is no chunk but an error, in any of the envelopes. */
export const saysError = (json: Json): boolean =>
  'error' in json || 'error_code' in json || json['object'] === 'error'

/** A cheap look, so that a good answer is not parsed for nothing. */
const maybeHidden = (body: string): boolean =>
  body.length < 65_536 &&
  body.includes('error') &&
  /"object": ?"error"|"error_code"|^\s*\{"error"/.test(body)

function messageOf(json: Json): string | undefined {
  const { message, text, detail } = json
  if (typeof message === 'string') return message
  if (typeof text === 'string') return text
  if (typeof detail === 'string') return detail
  if (isRecord(detail) && isRecord(detail['error'])) return textOf(detail['error']['message'])
  if (!Array.isArray(detail)) return undefined
  return detail
    .filter(isRecord)
    .map(
      ({ loc, msg }) => `${Array.isArray(loc) ? loc.slice(1).join('.') : 'body'}: ${String(msg)}`,
    )
    .join('; ')
}

/** A node's refusal of a request, as the error its client should see; `restMs` is what a busy one asks for. */
export function refusalOf(problem: NodeProblem, node: string, restMs = 0): ToolError & Wire {
  const { status, message } = problem
  if (status === 401 || status === 403) {
    return fail('TG_UPSTREAM_FAILED', node, 'it refuses the key it was configured with')
  }
  if (status === 429 || status === 503) {
    return fail('TG_UPSTREAM_BUSY', node, message, Math.max(restMs, 1_000))
  }
  if (status >= 500) return fail('TG_UPSTREAM_FAILED', node, message)
  const tooLong = /context length|Input length|context window|max_model_len/i.test(message)
  return Object.assign(fail('TG_REQUEST_INVALID', message), {
    message,
    status: status === 422 ? 400 : status,
    wireCode: tooLong ? 'context_length_exceeded' : null,
    param: problem.param ?? (tooLong ? 'messages' : null),
    ...(problem.type && problem.type.endsWith('_error') ? { wireType: problem.type } : {}),
  })
}
