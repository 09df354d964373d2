import { asObject } from '../views/walk.ts'
import { answersOf } from './answers.ts'
import { argumentsOf } from './arguments.ts'
import { type ApiDocument, parseDocument } from './document.ts'
import { isWanted, slug } from './names.ts'
import {
  type Operation,
  operationPlaces,
  type OperationPlace,
  readOperation,
  securitySchemes,
  serverUrl,
} from './operations.ts'
import { createSchemaImport } from './schema.ts'
import { credentialsFor } from './security.ts'
import { type Described, type Draft, type Share, shareOf } from './source.ts'
import { sourceLimits } from './limits.ts'
import { cleanText } from './text.ts'

/** What an import must know beside the document's text. */
export type ImportOptions = {
  /** Where the document was found, after redirects. */
  url: string
  /** Where calls go, in place of what the document says. */
  server?: string
  /** Names of the source's headers, for credentials. */
  headerNames: readonly string[]
  include?: string[]
  exclude?: string[]
  /** Several threads may read one document; absent = the whole of it. */
  share?: Share
}

/** How one dialect of documents makes a tool of an operation. */
export type Dialect = (operation: Operation, reader: DraftReader) => Draft
/** What such a maker may use. */
export type DraftReader = {
  document: ApiDocument
  schemas: ReturnType<typeof createSchemaImport>
  note: (loss: string) => void
  options: ImportOptions
  schemes: ReturnType<typeof securitySchemes>
}

/** The tools of an OpenAPI document, of any version. Throws TG_UPSTREAM_INVALID when it is none. */
export function describeOpenapi(text: string, options: ImportOptions): Described {
  const document = parseDocument(text, new URL(options.url).host)
  return readOperations(document, options, draftOf)
}

/** Reads the wanted operations one by one: what is wrong with one keeps back that one alone. */
export function readOperations(
  document: ApiDocument,
  options: ImportOptions,
  dialect: Dialect,
  isTool: (place: OperationPlace) => boolean = () => true,
): Described {
  const notes = new Set<string>()
  const schemas = createSchemaImport(document.root)
  const schemes = securitySchemes(document)
  const described: Described = { drafts: [], quarantined: [], notes: [], ...versionOf(document) }
  const wanted = operationPlaces(document, loss => notes.add(loss)).filter(
    place => isTool(place) && isWanted(options, namesOf(place)),
  )
  for (const place of shareOf(wanted.slice(0, sourceLimits.operationsMax), options.share)) {
    const losses = new Set<string>()
    const note = (loss: string) => losses.add(loss)
    try {
      const operation = readOperation(document, place, note)
      const draft = dialect(operation, { document, schemas, note, options, schemes })
      described.drafts.push({ ...draft, losses: [...losses].slice(0, 20) })
    } catch (error) {
      described.quarantined.push({ name: labelOf(place), reason: (error as Error).message })
    }
  }
  const over = wanted.length - sourceLimits.operationsMax
  if (over > 0)
    notes.add(
      `${over} operations over the limit of ${sourceLimits.operationsMax} are left out: choose with include`,
    )
  if (wanted.length === 0) notes.add('the document has no operations that were asked for')
  return { ...described, notes: [...notes].slice(0, 50) }
}

const labelOf = ({ method, path }: OperationPlace): string => cleanText(`${method} ${path}`, 200)

function namesOf(place: OperationPlace): string[] {
  const { operationId } = asObject(place.value)
  const id = typeof operationId === 'string' ? operationId : ''
  return [...(id ? [id, slug(id)] : [slug(labelOf(place))]), labelOf(place), place.path]
}

function versionOf({ root }: ApiDocument): { version?: string } {
  const { version } = asObject(root['info'])
  return typeof version === 'string' ? { version: cleanText(version, 60) } : {}
}

/** An operation as a tool. */
function draftOf(operation: Operation, reader: DraftReader): Draft {
  const { document, schemas, note, options, schemes } = reader
  const { method, path } = operation
  const headerNames = new Set(options.headerNames.map(name => name.toLowerCase()))
  const { credentials, missing } = credentialsFor(operation.security, schemes, headerNames)
  if (missing) note(`wants credentials: ${missing}; give them in the source's headers`)
  const found = { root: document.root, schemas, note }
  const { input, parameters, body } = argumentsOf(operation, found, credentials)
  const { output, answer, accept } = answersOf(operation, schemas, note)
  if (operation.deprecated) note('its server says that it is deprecated')
  const isSafe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
  return {
    ...headingOf(operation, note),
    input,
    output,
    readOnly: isSafe,
    destructive: method === 'DELETE',
    idempotent: isSafe || method === 'PUT' || method === 'DELETE',
    call: {
      kind: 'operation',
      method,
      server: baseOf(operation, options),
      path,
      parameters,
      ...(body ? { body } : {}),
      credentials,
      accept,
      answer,
      errors: 'http',
    },
    losses: [],
  }
}

/** How an operation is called and what is said of it. */
export function headingOf(
  operation: Operation,
  note: (loss: string) => void,
): Pick<Draft, 'local' | 'origin' | 'title' | 'description' | 'tags'> {
  const { method, path, operationId, summary, description, tags } = operation
  const max = sourceLimits.descriptionCharactersMax
  const origin = cleanText(operationId ?? `${method} ${path}`, 500)
  const said = description ?? summary ?? ''
  if (said.length > max) note(`the description is cut at ${max} characters`)
  const title = cleanText(summary ?? operationId ?? origin, sourceLimits.titleCharactersMax)
  return {
    local: slug(operationId ?? `${method} ${path}`),
    origin,
    title: title || origin,
    description: cleanText(said, max) || title || origin,
    tags: [...new Set(tags.map(tag => cleanText(tag, 60)).filter(Boolean))].slice(
      0,
      sourceLimits.tagsMax,
    ),
  }
}

/** Where an operation is called: stated, else the document's first server, else where it was found. */
function baseOf(operation: Operation, { url, server }: ImportOptions): string {
  const [declared] = operation.servers
  const stated = server ?? (declared ? serverUrl(declared) : '/')
  const base = URL.parse(stated, url)
  if (!base || !/^https?:$/.test(base.protocol))
    throw new Error(`its server "${stated.slice(0, 100)}" is no http address`)
  return `${base.origin}${base.pathname.replace(/\/+$/, '')}`
}
