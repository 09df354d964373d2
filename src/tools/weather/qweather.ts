import type { Static, TSchema } from 'typebox'
import { fail, isToolError, type ToolError } from '../../registry/errors.ts'
import type { ToolContext, UpstreamOptions } from '../../registry/tool.ts'
import { endpoint } from '../endpoint.ts'

/** The name under which it stands in answers and errors. */
export const qweather = 'QWeather'
const limits = { tokenSeconds: 900, clockSkewSeconds: 30, retryAfterMs: 60_000 } as const

/** True when the operator named an account: its host, and a key or the three parts of a signature. */
export function hasQweather({ setting }: Pick<ToolContext, 'setting'>): boolean {
  const signs = ['QWEATHER_PROJECT_ID', 'QWEATHER_KEY_ID', 'QWEATHER_PRIVATE_KEY'].every(setting)
  return Boolean(setting('QWEATHER_HOST') && (signs || setting('QWEATHER_API_KEY')))
}

/** One request. Both forms of its errors come out as errors of ours. */
export async function askQweather<S extends TSchema>(
  context: ToolContext,
  path: string,
  options: { schema: S; query: NonNullable<UpstreamOptions['query']> },
): Promise<Static<S>> {
  const json = await context.getJson(endpoint(context, 'QWEATHER_HOST', path), {
    query: options.query,
    headers: await credential(context),
    schema: options.schema,
    onError: ({ status, text }) => problemOf(status, text),
  })
  const code = (json as { code?: unknown }).code
  // The old form: HTTP 200, and the status in the body.
  if (typeof code === 'string' && code !== '200') throw oldProblem(code)
  return json
}

/** A signature where its parts are set, else the key: two methods at once are refused there. */
async function credential({ setting, now }: ToolContext): Promise<Record<string, string>> {
  const [project, id, key] = [
    setting('QWEATHER_PROJECT_ID'),
    setting('QWEATHER_KEY_ID'),
    setting('QWEATHER_PRIVATE_KEY'),
  ]
  if (!project || !id || !key) return { 'X-QW-Api-Key': setting('QWEATHER_API_KEY') ?? '' }
  const { importPKCS8, SignJWT } = await import('jose')
  const issued = Math.floor(now() / 1000) - limits.clockSkewSeconds
  const token = await new SignJWT({ sub: project })
    .setProtectedHeader({ alg: 'EdDSA', kid: id })
    .setIssuedAt(issued)
    .setExpirationTime(issued + limits.tokenSeconds)
    .sign(await importPKCS8(key.replaceAll(String.raw`\n`, '\n'), 'EdDSA'))
  return { Authorization: `Bearer ${token}` }
}

/** Problems of the account: asking again another way fails too, and may get it suspended. */
const ofAccount = new Set([
  'unauthorized',
  'no-credit',
  'overdue',
  'security-restriction',
  'invalid-host',
  'account-suspension',
  'too-many-requests',
  'over-monthly-limit',
  'old-401',
  'old-402',
  'old-403',
  'old-429',
])

/** True when another version of the API may know what this one does not. */
export const isWorthAnotherVersion = (error: unknown): boolean =>
  isToolError(error) &&
  (error.code === 'TG_UPSTREAM_INVALID' || error.code === 'TG_UPSTREAM_FAILED') &&
  !ofAccount.has(/\[([\w-]+)\]$/.exec(String(error.args[1]))?.[1] ?? '')

/** The fragment of `type` decides, not the status. */
function problemOf(status: number, text: string): ToolError | undefined {
  const type = /"type"\s*:\s*"[^"#]*#([\w-]+)"/.exec(text)?.[1]
  if (!type)
    return status === 401 || status === 403 ? problem(`HTTP ${status}`, 'unauthorized') : undefined
  const detail = /"detail"\s*:\s*"([^"]{1,200})"/.exec(text)?.[1]
  return problem(detail ?? type.replaceAll('-', ' '), type)
}

const oldMeanings: Record<string, string> = {
  204: 'it has no data for this place',
  400: 'it refuses the request',
  401: 'the credential is not accepted',
  402: 'the allowance is used up',
  403: 'the account may not use this',
  404: 'it does not know this place',
  429: 'too many requests',
  500: 'it has a fault',
}
const oldProblem = (code: string): ToolError =>
  problem(oldMeanings[code] ?? 'an unknown problem', `old-${code}`)

const problem = (words: string, kind: string): ToolError =>
  kind === 'too-many-requests' || kind === 'over-monthly-limit' || kind === 'old-429'
    ? fail('TG_UPSTREAM_BUSY', qweather, `${words} [${kind}]`, limits.retryAfterMs)
    : fail('TG_UPSTREAM_FAILED', qweather, `${words} [${kind}]`)
