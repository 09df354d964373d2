import { fail } from '../errors.ts'
import type { FileRef } from '../tool.ts'
import type { BodyPlan, HttpPlan, Member, OperationPlan, Placed } from './plan.ts'
import { encode, text, writePairs, writeSimple } from './styles.ts'
import { templateRequest } from './template.ts'
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

/** Writes the arguments of a call into the request that its plan asks for. */
export async function buildRequest(plan: HttpPlan, options: RequestOptions): Promise<WireRequest> {
  return plan.kind === 'template' ? templateRequest(plan, options) : operationRequest(plan, options)
}

async function operationRequest(
  plan: OperationPlan,
  options: RequestOptions,
): Promise<WireRequest> {
  const { input, tool } = options
  const query: string[] = []
  const cookies: string[] = []
  const headers: Record<string, string> = { accept: plan.accept }
  let { path } = plan
  for (const parameter of plan.parameters) {
    const value = own(input, parameter.argument)
    if (value === undefined || value === null) continue
    if (parameter.in === 'query') query.push(...writePairs(parameter, value))
    else if (parameter.in === 'cookie') cookies.push(...writePairs(parameter, value))
    else if (parameter.in === 'header')
      headers[parameter.name.toLowerCase()] = headerText(
        tool,
        parameter.argument,
        writeSimple(parameter, value, false),
      )
    else path = path.replaceAll(`{${parameter.name}}`, pathValue(tool, parameter, value))
  }
  addCredentials(plan, options, { query, cookies, headers })
  if (cookies.length > 0)
    headers['cookie'] = [headers['cookie'], ...cookies].filter(Boolean).join('; ')
  const search = query.length > 0 ? `?${query.join('&')}` : ''
  const body = plan.body ? await writeBody(plan.body, plan, options) : undefined
  if (body) headers['content-type'] = body.mediaType
  return {
    method: plan.method,
    url: `${plan.server}${path}${search}`,
    headers,
    ...(body ? { body: body.content } : {}),
  }
}

/** A value in the path: one that would climb out of its place is refused. */
function pathValue(tool: string, parameter: Placed, value: unknown): string {
  const written = writeSimple(parameter, value)
  if (written === '')
    throw fail('TG_ARGUMENT_INVALID', tool, parameter.argument, 'must not be empty')
  if (/^\.{1,2}$/.test(written))
    throw fail('TG_ARGUMENT_INVALID', tool, parameter.argument, 'must not be "." or ".."')
  return written
}

/** The source's headers, each where the operation's security wants it, the rest as they are. */
function addCredentials(
  { credentials }: Pick<OperationPlan, 'credentials'>,
  { headers: given, sendsCredentials }: RequestOptions,
  to: { query: string[]; cookies: string[]; headers: Record<string, string> },
): void {
  if (!sendsCredentials) return
  const moved = new Set(credentials.map(({ from }) => from))
  for (const [name, value] of Object.entries(given)) if (!moved.has(name)) to.headers[name] = value
  for (const { from, in: place, name, scheme } of credentials) {
    const value = given[from]
    if (value === undefined) continue
    if (place === 'query') to.query.push(`${encode(name)}=${encode(value)}`)
    else if (place === 'cookie') to.cookies.push(`${encode(name)}=${encode(value)}`)
    else to.headers[name.toLowerCase()] = scheme ? `${scheme} ${schemeValue(scheme, value)}` : value
  }
}

const schemeValue = (scheme: 'Bearer' | 'Basic', value: string): string =>
  scheme === 'Basic' && value.includes(':') ? Buffer.from(value).toString('base64') : value

async function writeBody(
  body: BodyPlan,
  plan: OperationPlan,
  options: RequestOptions,
): Promise<Written | undefined> {
  const { input, readFile } = options
  if (body.as === 'whole') {
    const value = own(input, body.argument)
    if (value === undefined) return undefined
    if (body.of === 'json') return { mediaType: body.mediaType, content: JSON.stringify(value) }
    if (body.of === 'text') return { mediaType: body.mediaType, content: text(value) }
    const file = value as FileRef
    const isOpen = body.mediaType.includes('*') || body.mediaType === 'application/octet-stream'
    return {
      mediaType: isOpen ? file.mediaType : body.mediaType,
      content: await readFile(file),
    }
  }
  const given = body.members.filter(({ argument }) => own(input, argument) !== undefined)
  if (body.as === 'json') return writeJson(body, plan, options)
  if (given.length === 0 && body.as === 'form') return { mediaType: body.mediaType, content: '' }
  if (body.as === 'form')
    return {
      mediaType: body.mediaType,
      content: given.flatMap(member => formPairs(member, own(input, member.argument))).join('&'),
    }
  const parts = await Promise.all(
    given.map(member => formParts(member, own(input, member.argument), readFile)),
  )
  return writeMultipart(parts.flat())
}

/** The members by their own names, and in an open body what else was given. */
function writeJson(
  body: BodyPlan & { as: 'json' },
  plan: OperationPlan,
  { input }: RequestOptions,
): Written | undefined {
  const known = new Set([
    ...body.members.map(({ argument }) => argument),
    ...plan.parameters.map(({ argument }) => argument),
  ])
  const members = body.members.flatMap(({ argument, name }) =>
    own(input, argument) === undefined ? [] : [[name, own(input, argument)] as const],
  )
  const rest = body.open ? Object.entries(input).filter(([name]) => !known.has(name)) : []
  if (members.length + rest.length === 0 && plan.method !== 'POST') return undefined
  return {
    mediaType: body.mediaType,
    content: JSON.stringify(Object.fromEntries([...members, ...rest])),
  }
}

/** Lists are repeated and objects written as JSON unless the document says otherwise. */
function formPairs({ name, style, explode }: Member, value: unknown): string[] {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return writePairs(
    { name, style: style ?? (isObject ? 'json' : 'form'), explode: explode ?? true },
    value,
  )
}

/** The parts of one member: a file, a JSON, or the items of a list. */
async function formParts(
  { name, file, mediaType }: Member,
  value: unknown,
  readFile: RequestOptions['readFile'],
): Promise<Part[]> {
  if (file) return [await filePart(name, value as FileRef, readFile)]
  const items = Array.isArray(value) && mediaType === undefined ? value : [value]
  return items.map(item => {
    const isPlain = typeof item !== 'object' || item === null
    return {
      name,
      content: text(item),
      ...(isPlain && mediaType === undefined ? {} : { mediaType: mediaType ?? 'application/json' }),
    }
  })
}
