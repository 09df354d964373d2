import { type ErrorCode, errors, fail, type ToolError } from '../registry/errors.ts'

type Args<Code extends ErrorCode> = Parameters<(typeof errors)[Code]['say']>

/** One occasion for each code: closed like the table itself, so a new code needs its sample. */
const samples: { [Code in ErrorCode]: Args<Code> } = {
  TG_BODY_INVALID: ['the JSON ends too early'],
  TG_ARGUMENT_UNKNOWN: ['weather_now', 'plce', 'place', ['place', 'language']],
  TG_ARGUMENT_MISSING: ['weather_now', 'place', 'City, e.g. Shanghai or 上海'],
  TG_ARGUMENT_INVALID: ['weather_forecast', 'days', 'must be at most 16', 'Days, 1 to 16'],
  TG_EXPRESSION: ['2 +', 'it ends too early'],
  TG_URL_REFUSED: ['https://192.168.1.1/a.png', 'the address is private'],
  TG_QUERY: ['limit', 'must be a whole number of 1 to 200'],
  TG_REQUEST_INVALID: ['its headers are too large'],
  TG_KEY_MISSING: [],
  TG_KEY_WRONG: [],
  TG_KEY_EXPIRED: ['expired'],
  TG_FORBIDDEN: ['admin routes and metrics are not for web pages of another origin'],
  TG_TOOL_UNKNOWN: ['wether_now', 'weather_now'],
  TG_NOT_FOUND: ['place', 'Nowhereville', 'check the spelling, or add the country'],
  TG_ROUTE_UNKNOWN: ['/tool/weather_now'],
  TG_METHOD: ['GET', ['POST']],
  TG_BODY_TIMEOUT: [60_000],
  TG_TOO_LARGE: ['the body', '16 MiB', 'send large media by POST /files'],
  TG_MEDIA_TYPE: ['a PDF', 'a picture'],
  TG_FILE_BROKEN: ['photo.jpg', 'it ends in the middle of a row'],
  TG_REFUSED: ['the result would have too many digits', 'ask for a smaller power'],
  TG_RATE_LIMITED: ['export.arxiv.org takes one request in 3 s', 42_000],
  TG_BUSY: ['ocr', 1_000],
  TG_CLIENT_CLOSED: [],
  TG_INTERNAL: [],
  TG_UPSTREAM_UNREACHABLE: ['api.open-meteo.com', 'ECONNREFUSED'],
  TG_UPSTREAM_FAILED: ['api.open-meteo.com', 'HTTP 500'],
  TG_UPSTREAM_INVALID: ['api.open-meteo.com', 'text/html instead of JSON'],
  TG_UPSTREAM_BUSY: ['api.open-meteo.com', 'HTTP 429', 30_000],
  TG_UNAVAILABLE: ['ocr', 'the data for the language deu is not installed', 'npm ci'],
  TG_DEADLINE: ['weather_now', 30_000],
  TG_NOT_CACHED: ['weather_now'],
  TG_STARTING: [],
  TG_STOPPING: [],
}

const head = `# Errors

<!-- Written by npm run generate from src/registry/error-table.ts. -->

Every failed call answers with an honest status and this body, on every face but those that speak
another system's wire (\`/v1/*\`, MCP, the AgentLego port):

\`\`\`json
${JSON.stringify(
  {
    error: {
      code: 'TG_ARGUMENT_UNKNOWN',
      message: 'weather_now has no argument "plce"',
      hint: 'did you mean "place"? its arguments are place, language',
      details: { argument: 'plce', nearest: 'place', known: ['place', 'language'] },
      requestId: 'e2b0c7f4-6f0f-4a53-9d0c-8a7a4c0d7b51',
    },
  },
  null,
  2,
)}
\`\`\`

The code never changes its meaning; decide by it. Message and hint are for people and models, and
may be worded anew. \`requestId\` is also the header \`x-request-id\` and stands in the log.
`

/** The page of all errors: each code with its status, its occasion and a sample of what it says. */
export function errorsPage(): string {
  const codes = (Object.keys(errors) as ErrorCode[]).sort(byStatus)
  const overview = codes.map(
    code =>
      `| ${errors[code].status} | [\`${code}\`](#${code.toLowerCase()}) | ${errors[code].when} |`,
  )
  return [
    head,
    '| status | code | when |',
    '| --- | --- | --- |',
    ...overview,
    '',
    ...codes.flatMap(section),
  ].join('\n')
}

const byStatus = (a: ErrorCode, b: ErrorCode): number =>
  errors[a].status - errors[b].status || a.localeCompare(b)

function section(code: ErrorCode): string[] {
  const { message, hint, retryAfterMs } = sampleOf(code)
  return [
    `## ${code}`,
    '',
    `${errors[code].status}. ${errors[code].when}`,
    '',
    `> ${message}`,
    ...(hint ? ['>', `> Hint: ${hint}`] : []),
    ...(retryAfterMs ? ['', `With \`Retry-After\`, here ${retryAfterMs / 1000}.`] : []),
    '',
  ]
}

/** The error of a code as it may occur. */
export const sampleOf = (code: ErrorCode): ToolError =>
  fail(code, ...(samples[code] as Args<typeof code>))
