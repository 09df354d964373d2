/** What an error says to a person or a model: what went wrong, and what to change. */
export type Saying = {
  message: string
  hint?: string
  details?: Record<string, unknown>
  /** Milliseconds after which the same call may work; faces turn it into `Retry-After`. */
  retryAfterMs?: number
}

type Entry<Args extends unknown[]> = {
  /** HTTP status the code is answered with. */
  status: number
  /** When it happens, for the generated docs/errors.md. */
  when: string
  say: (...args: Args) => Saying
}

const entry = <Args extends unknown[]>(
  status: number,
  when: string,
  say: (...args: Args) => Saying,
): Entry<Args> => ({ status, when, say })

const seconds = (ms: number): string => `${Math.max(1, Math.ceil(ms / 1000))} s`
const nearest = (name: string | undefined): string => (name ? `did you mean ${quote(name)}? ` : '')
/** Names and values from outside are cut, so that an error stays one short line. */
const cut = (value: string, charactersMax = 120): string =>
  value.length > charactersMax ? `${value.slice(0, charactersMax)}…` : value
const quote = (value: string): string => `"${cut(value)}"`

/**
 * Every error there is. Closed: a code that is not here cannot be thrown, `docs/errors.md` is
 * generated from it, and each code has a test that provokes it.
 */
export const errors = {
  TG_BODY_INVALID: entry(
    400,
    'The body is not JSON, not a form, or not an object of arguments.',
    (problem: string) => ({
      message: `the body cannot be read: ${cut(problem, 400)}`,
      hint: 'send one JSON object with the arguments, or multipart/form-data',
    }),
  ),
  TG_ARGUMENT_UNKNOWN: entry(
    400,
    'An argument that the tool does not have, or a misspelt one.',
    (tool: string, argument: string, near: string | undefined, known: string[]) => ({
      message: `${tool} has no argument ${quote(argument)}`,
      hint: `${nearest(near)}${known.length ? `its arguments are ${known.join(', ')}` : 'it takes no arguments'}`,
      details: { argument: cut(argument), ...(near ? { nearest: near } : {}), known },
    }),
  ),
  TG_ARGUMENT_MISSING: entry(
    400,
    'A required argument is absent.',
    (tool: string, argument: string, description: string | undefined) => ({
      message: `${tool} needs the argument ${quote(argument)}`,
      ...(description ? { hint: `${argument}: ${description}` } : {}),
      details: { argument },
    }),
  ),
  TG_ARGUMENT_INVALID: entry(
    400,
    'An argument has the wrong type or is out of range.',
    (tool: string, argument: string, problem: string, description?: string) => ({
      message: `${tool}: ${cut(argument)} ${cut(problem, 400)}`,
      ...(description ? { hint: `${cut(argument)}: ${description}` } : {}),
      details: { argument: cut(argument), problem: cut(problem, 400) },
    }),
  ),
  TG_EXPRESSION: entry(
    400,
    'An expression that is not arithmetic, or has a syntax error.',
    (expression: string, problem: string) => ({
      message: `cannot read the expression ${quote(expression)}: ${problem}`,
      hint: 'write arithmetic such as 2^10, sqrt(2), 3 km to mile',
    }),
  ),
  TG_URL_REFUSED: entry(
    400,
    'A URL that may not be fetched: private, not https, or on a port that is not allowed.',
    (url: string, problem: string) => ({
      message: `the URL ${quote(url)} is refused: ${problem}`,
      hint: 'use a public https URL, a data: URL, or POST the file to /files and pass its id',
    }),
  ),
  TG_QUERY: entry(
    400,
    'A query parameter or filter of a listing or document that is unknown or malformed.',
    (parameter: string, problem: string) => ({
      message: `the query parameter ${quote(parameter)} ${cut(problem, 400)}`,
      details: { parameter: cut(parameter) },
    }),
  ),
  TG_REQUEST_INVALID: entry(
    400,
    'An HTTP request that cannot be served as it stands: a bad header, URL or encoding.',
    (problem: string) => ({ message: `the request is malformed: ${cut(problem, 400)}` }),
  ),
  TG_KEY_MISSING: entry(401, 'The gateway wants a key and none came.', () => ({
    message: 'this gateway wants a key',
    hint: 'send Authorization: Bearer <key>, or X-API-Key: <key>',
  })),
  TG_KEY_WRONG: entry(
    401,
    'A key came that the gateway does not know, or a token that is not of its issuer.',
    (problem?: string) => ({
      message: problem ? `the token is refused: ${cut(problem)}` : 'the key is not known',
      hint: 'check the key for missing characters, or ask the operator for a new one',
    }),
  ),
  TG_KEY_EXPIRED: entry(
    401,
    'A key or token came that was good once: it has expired, or it was revoked.',
    (how: 'expired' | 'revoked') => ({
      message: how === 'expired' ? 'the key has expired' : 'the key was revoked',
      hint: 'ask the operator for a new one',
    }),
  ),
  TG_FORBIDDEN: entry(403, 'The caller may not do this.', (problem: string) => ({
    message: problem,
  })),
  TG_TOOL_UNKNOWN: entry(
    404,
    'No tool has that name.',
    (name: string, near: string | undefined) => ({
      message: `no tool is named ${quote(name)}`,
      hint: `${nearest(near)}GET /registry lists the tools`,
      details: { tool: cut(name), ...(near ? { nearest: near } : {}) },
    }),
  ),
  TG_NOT_FOUND: entry(
    404,
    'The place, paper, file or other thing asked for does not exist.',
    (kind: string, name: string, hint?: string) => ({
      message: `no ${kind} found for ${quote(name)}`,
      ...(hint ? { hint } : {}),
      details: { kind, name: cut(name) },
    }),
  ),
  TG_ROUTE_UNKNOWN: entry(404, 'No route has that path.', (path: string, hint?: string) => ({
    message: `nothing is served at ${quote(path)}`,
    hint: hint ?? 'see /docs, /openapi.json and /registry',
  })),
  TG_METHOD: entry(
    405,
    'The path exists, but not with this method; `Allow` names those it has.',
    (method: string, allowed: string[]) => ({
      message: `${method} is not allowed here`,
      hint: `use ${allowed.join(' or ')}`,
      details: { allowed },
    }),
  ),
  TG_BODY_TIMEOUT: entry(408, 'The body did not arrive in time.', (ms: number) => ({
    message: `the request did not arrive within ${seconds(ms)}`,
  })),
  TG_TOO_LARGE: entry(
    413,
    'A body, file, picture or answer over its limit, or one that would unpack to more.',
    (what: string, limit: string, hint?: string) => ({
      message: `${what} is over the limit of ${limit}`,
      ...(hint ? { hint } : {}),
      details: { limit },
    }),
  ),
  TG_MEDIA_TYPE: entry(
    415,
    'A body or file of a kind that is not taken here.',
    (got: string, wanted: string) => ({
      message: `${got} is not taken here`,
      hint: `send ${wanted}`,
    }),
  ),
  TG_FILE_BROKEN: entry(
    422,
    'A file of the right kind that cannot be read: truncated or corrupt.',
    (name: string, problem: string) => ({
      message: `the file ${quote(name)} cannot be read: ${problem}`,
    }),
  ),
  TG_REFUSED: entry(
    422,
    'A well-formed request that is refused, such as a sum too big to work out.',
    (problem: string, hint?: string) => ({ message: problem, ...(hint ? { hint } : {}) }),
  ),
  TG_RATE_LIMITED: entry(
    429,
    'Too many requests: a limit, a quota, or an upstream that wants a slower pace.',
    (what: string, retryAfterMs: number) => ({
      message: `${what}: try again in ${seconds(retryAfterMs)}`,
      retryAfterMs,
    }),
  ),
  TG_BUSY: entry(
    429,
    'All places for this tool are taken.',
    (tool: string, retryAfterMs: number) => ({
      message: `${tool} is busy: try again in ${seconds(retryAfterMs)}`,
      retryAfterMs,
    }),
  ),
  TG_CLIENT_CLOSED: entry(499, 'The client went away; nobody is there to read this.', () => ({
    message: 'the client closed the connection',
  })),
  TG_INTERNAL: entry(500, 'A fault of the gateway or of a tool, not of the caller.', () => ({
    message: 'the gateway failed on this call',
    hint: 'the log has the cause under this request id',
  })),
  TG_UPSTREAM_UNREACHABLE: entry(
    502,
    'An upstream service could not be reached.',
    (host: string, problem: string) => ({
      message: `${host} cannot be reached: ${problem}`,
      details: { upstream: host },
    }),
  ),
  TG_UPSTREAM_FAILED: entry(
    502,
    'An upstream service answered with an error.',
    (host: string, problem: string) => ({
      message: `${host} failed: ${problem}`,
      details: { upstream: host },
    }),
  ),
  TG_UPSTREAM_INVALID: entry(
    502,
    'An upstream service answered something that is not what it promises.',
    (host: string, problem: string) => ({
      message: `${host} sent an answer that does not fit: ${problem}`,
      details: { upstream: host },
    }),
  ),
  TG_UPSTREAM_BUSY: entry(
    503,
    'An upstream service is overloaded, limits our rate, or its circuit breaker is open.',
    (host: string, problem: string, retryAfterMs: number) => ({
      message: `${host} takes no more calls now: ${problem}`,
      hint: `try again in ${seconds(retryAfterMs)}`,
      details: { upstream: host },
      retryAfterMs,
    }),
  ),
  TG_UNAVAILABLE: entry(
    503,
    'The tool is listed but cannot work: a key, a model file, a server or room for files is missing.',
    (tool: string, reason: string, remedy: string) => ({
      message: `${tool} is unavailable: ${reason}`,
      hint: remedy,
      details: { tool, reason, remedy },
    }),
  ),
  TG_DEADLINE: entry(504, 'The call did not finish in time.', (what: string, ms: number) => ({
    message: `${what} did not finish within ${seconds(ms)}`,
  })),
  TG_NOT_CACHED: entry(
    504,
    '`Cache-Control: only-if-cached` was asked for and nothing is stored.',
    (tool: string) => ({ message: `no stored answer of ${tool} fits this request` }),
  ),
  TG_STARTING: entry(
    503,
    'The gateway does not know yet whether it has keys: they may be in Redis, which has not answered.',
    () => ({
      message: 'the gateway does not know its keys yet: Redis has not answered since it started',
      hint: 'try again soon; an operator starts Redis, or sets TOOLGATE_KEY or TOOLGATE_ANONYMOUS=1',
      retryAfterMs: 2_000,
    }),
  ),
  TG_STOPPING: entry(503, 'The gateway is shutting down.', () => ({
    message: 'the gateway is shutting down',
    retryAfterMs: 1_000,
  })),
} as const
