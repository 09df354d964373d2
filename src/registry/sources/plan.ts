import type { JsonObject } from '../tool.ts'

/** How lists and objects are written into a path, a query, a header or a cookie. */
export type Style =
  | 'simple'
  | 'label'
  | 'matrix'
  | 'form'
  | 'spaceDelimited'
  | 'pipeDelimited'
  | 'tabDelimited'
  | 'deepObject'
  | 'json'

/** Where an argument goes, and how it is written there. */
export type Placed = {
  argument: string
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  style: Style
  explode: boolean
  allowReserved?: boolean
}

/** A member of a body. */
export type Member = {
  argument: string
  name: string
  /** The argument is a file. */
  file?: boolean
  /** In a form: how lists and objects are written; absent = lists repeated, objects as JSON. */
  style?: Style
  explode?: boolean
  /** In multipart: the type that the part declares. */
  mediaType?: string
}

/** How the body is made of arguments. */
export type BodyPlan = { mediaType: string } & (
  | { as: 'json'; members: Member[]; open: boolean }
  | { as: 'form' | 'multipart'; members: Member[] }
  /** The argument is the body: any JSON value, a text, or a file. */
  | { as: 'whole'; argument: string; of: 'json' | 'text' | 'file' }
)

/** A credential of the source's `headers`, and where the server wants it. */
export type Credential = {
  /** The key in `headers`, lower case. */
  from: string
  in: 'query' | 'header' | 'cookie'
  name: string
  /** `Bearer` or `Basic`, to be put before a value that stands under the scheme's own name. */
  scheme?: 'Bearer' | 'Basic'
}

/** One part of an answer: a value, or a file in base64. */
export type AnswerPart = { name: string; mediaType?: string }

/** What becomes of an answer. */
export type AnswerPlan =
  | { as: 'object' }
  /** `{ result }` */
  | { as: 'value' }
  | { as: 'text' }
  /** The bytes are the file. */
  | { as: 'file'; name: string; mediaType: string }
  /** AgentLego: a bare value, or a list of several. */
  | { as: 'parts'; parts: AnswerPart[] }
  /** Plain HTTP: what stands at `path`; with `file` it is a URL, a data: URL or base64 of one. */
  | { as: 'at'; path: string; file?: { name: string; mediaType: string } }

/** A call over HTTP of an operation that a document describes. */
export type OperationPlan = {
  kind: 'operation'
  method: string
  /** Absolute, without a slash at its end. */
  server: string
  /** Begins with a slash; `{name}` are the path parameters. */
  path: string
  parameters: Placed[]
  body?: BodyPlan
  credentials: Credential[]
  accept: string
  answer: AnswerPlan
  /** AgentLego and FastAPI: `{"detail": [{loc, msg}]}` under 422 names the arguments. */
  errors: 'http' | 'agentlego'
}

/** A call over HTTP that config spells out: `{argument}` stands for arguments everywhere. */
export type TemplatePlan = {
  kind: 'template'
  method: string
  url: string
  query: JsonObject
  headers: Record<string, string>
  body?: unknown
  bodyAs: 'json' | 'form' | 'multipart' | 'text'
  /** The names that `{…}` stands for; others are left as they are. */
  names: string[]
  answer: AnswerPlan
}

/** A call of an MCP tool. */
export type McpPlan = {
  kind: 'mcp'
  tool: string
  /** Arguments whose names here differ from the server's. */
  renamed: Record<string, string>
  /** True when the tool promises structured content. */
  structured: boolean
}

/** How a tool of another server is called, as plain data. */
export type CallPlan = OperationPlan | TemplatePlan | McpPlan
/** Those that go over HTTP. */
export type HttpPlan = OperationPlan | TemplatePlan
