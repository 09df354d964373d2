import { fail } from '../errors.ts'
import type { FileRef, JsonObject } from '../tool.ts'
import { asObject } from '../views/walk.ts'
import type { TemplatePlan } from './plan.ts'
import { encode, text, writePairs } from './styles.ts'
import {
  filePart,
  headerText,
  own,
  type Part,
  type RequestOptions,
  type WireRequest,
  writeMultipart,
  type Written,
} from './wire.ts'

/** A request that config spells out, its `{argument}`s filled in. */
export async function templateRequest(
  plan: TemplatePlan,
  options: RequestOptions,
): Promise<WireRequest> {
  const { input, tool } = options
  const names = new Set(plan.names)
  const pairs = Object.entries(plan.query).flatMap(([name, value]) =>
    pairsOf(name, fill(value, input, names)),
  )
  const url = fillUrl(plan.url, tool, { input, names })
  const search = pairs.length > 0 ? `${url.includes('?') ? '&' : '?'}${pairs.join('&')}` : ''
  const headers: Record<string, string> = { accept: '*/*' }
  if (options.sendsCredentials) Object.assign(headers, options.headers)
  for (const [name, value] of Object.entries(plan.headers)) {
    const filled = fill(value, input, names)
    if (filled !== undefined) headers[name.toLowerCase()] = headerText(tool, name, text(filled))
  }
  const body = plan.body === undefined ? undefined : await writeBody(plan, names, options)
  if (body) headers['content-type'] ??= body.mediaType
  return {
    method: plan.method,
    url: url + search,
    headers,
    ...(body ? { body: body.content } : {}),
  }
}

const pairsOf = (name: string, value: unknown): string[] =>
  value === undefined || value === null
    ? []
    : writePairs({ name, style: 'form', explode: true }, value)

const placeholder = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/** A template with its arguments: a string that is one `{argument}` keeps its type, an absent one vanishes. */
export function fill(template: unknown, input: JsonObject, names: ReadonlySet<string>): unknown {
  if (typeof template === 'string') {
    const whole = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(template)?.[1]
    if (whole !== undefined && names.has(whole)) return own(input, whole)
    return template.replace(placeholder, (literal, name: string) =>
      names.has(name) ? text(own(input, name) ?? '') : literal,
    )
  }
  if (Array.isArray(template))
    return template.map(item => fill(item, input, names)).filter(item => item !== undefined)
  if (typeof template !== 'object' || template === null) return template
  return Object.fromEntries(
    Object.entries(template).flatMap(([name, value]) => {
      const filled = fill(value, input, names)
      return filled === undefined ? [] : [[name, filled]]
    }),
  )
}

/** An argument in the address is one part of its path, or one value of its query. */
function fillUrl(
  url: string,
  tool: string,
  { input, names }: { input: JsonObject; names: ReadonlySet<string> },
): string {
  return url.replace(placeholder, (literal, name: string) => {
    if (!names.has(name)) return literal
    const value = text(own(input, name) ?? '')
    if (/^\.{0,2}$/.test(value))
      throw fail('TG_ARGUMENT_INVALID', tool, name, 'must not be empty, "." or ".."')
    return encode(value)
  })
}

async function writeBody(
  { body, bodyAs }: TemplatePlan,
  names: ReadonlySet<string>,
  { input, readFile }: RequestOptions,
): Promise<Written> {
  const filled = fill(body, input, names)
  if (bodyAs === 'text')
    return { mediaType: 'text/plain; charset=utf-8', content: text(filled ?? '') }
  if (bodyAs === 'json')
    return { mediaType: 'application/json', content: JSON.stringify(filled ?? {}) }
  const entries = Object.entries(asObject(filled))
  if (bodyAs === 'form')
    return {
      mediaType: 'application/x-www-form-urlencoded',
      content: entries.flatMap(([name, value]) => pairsOf(name, value)).join('&'),
    }
  const parts = entries.map(async ([name, value]): Promise<Part> =>
    isFile(value) ? filePart(name, value, readFile) : { name, content: text(value) },
  )
  return writeMultipart(await Promise.all(parts))
}

/** A file argument has been resolved to a stored file by now. */
const isFile = (value: unknown): value is FileRef =>
  typeof value === 'object' && value !== null && 'sha256' in value && 'mediaType' in value
