import type { OpenAPIV3_1 } from 'openapi-types'
import { type ErrorCode, errors } from '../errors.ts'
import type { ViewOptions } from './view.ts'

/** Codes that a call of a tool never ends in: they belong to other routes, or nobody reads them. */
const elsewhere: ReadonlySet<string> = new Set<ErrorCode>([
  'TG_QUERY',
  'TG_ROUTE_UNKNOWN',
  'TG_METHOD',
  'TG_CLIENT_CLOSED',
])
const keyStatuses = [401, 403]
const waitStatuses = [429, 503]

/** The codes behind each status, out of the table of errors. */
function codesByStatus({ secured }: ViewOptions): [number, { code: string; when: string }[]][] {
  const entries = Object.entries(errors)
    .filter(
      ([code, { status }]) => !elsewhere.has(code) && (secured || !keyStatuses.includes(status)),
    )
    .map(([code, { status, when }]) => ({ code, status, when }))
  return [...Map.groupBy(entries, ({ status }) => status)].sort(([a], [b]) => a - b)
}

/** One shared response a status; each names its codes and when they happen. */
export function errorResponses(options: ViewOptions): Record<string, OpenAPIV3_1.ResponseObject> {
  const responses = codesByStatus(options).map(([status, codes]) => [
    `Error${status}`,
    {
      description: codes.map(({ code, when }) => `${code}: ${when}`).join(' '),
      ...(waitStatuses.includes(status) ? { headers: retryAfter } : {}),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    },
  ])
  return Object.fromEntries(responses) as Record<string, OpenAPIV3_1.ResponseObject>
}

/** The error answers of a tool's operation. */
export const answersOf = (options: ViewOptions): Record<string, OpenAPIV3_1.ReferenceObject> =>
  Object.fromEntries(
    codesByStatus(options).map(([status]) => [
      status,
      { $ref: `#/components/responses/Error${status}` },
    ]),
  )

const retryAfter = {
  'Retry-After': {
    description: 'Seconds until the same call may work.',
    schema: { type: 'integer' },
  },
}
