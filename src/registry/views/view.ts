import type { Tool } from '../tool.ts'

/** What a view may know beside the tools; all of it ends up in the document. */
export type ViewOptions = {
  /** Where the gateway is reached: absolute, without a path or a slash at the end. */
  readonly origin: string
  /** True when calls need a key; only then does a document speak of security. */
  readonly secured: boolean
  readonly title?: string
  readonly version?: string
  /** Asks for strict function schemas where a tool can be said strictly. */
  readonly strict?: boolean
  /** Tools that were left out before the view saw the list; said in the document. */
  readonly omitted?: number
  /** `internlm2`: the Lagent list with required parameters alone. */
  readonly form?: string
}
/** A pure view of the tools. The same tools and options give the same bytes. */
export type View<Shown = unknown> = (tools: readonly Tool[], options: ViewOptions) => Shown

/** Limits that importers and model providers put on what they read. */
export const viewLimits = {
  /** GPT Actions refuse an operation's description over this. */
  operationCharactersMax: 300,
  /** … and a parameter's over this. */
  propertyCharactersMax: 700,
  /** OpenAI refuses a function's description over this. */
  functionCharactersMax: 1_024,
  gptOperationsMax: 30,
  /** GPT measures the document after pretty-printing. */
  gptBytesMax: 1_000_000,
  difyOperationsMax: 99,
  /** Schemas that one tool may come to once its references are followed. */
  nodesMax: 5_000,
  /** How deep references are followed. */
  refDepthMax: 64,
  /** A word picture of a nested value, in characters. */
  sketchCharactersMax: 240,
} as const

/** Fallbacks of a document's own heading. */
export const viewDefaults = { title: 'Toolgate', version: '0.1.0' } as const

/** Cuts a text to a limit, at a word where it can, with a mark that it was cut. */
export function cut(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text
  const head = text.slice(0, charactersMax - 1)
  const space = head.lastIndexOf(' ')
  const end = space > charactersMax * 0.7 ? space : head.length
  // Half of a surrogate pair is no character.
  return `${head.slice(0, end).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** A tool's description within a limit; a tool that came without one is known by its title. */
export const briefOf = (
  tool: Tool,
  charactersMax: number = viewLimits.operationCharactersMax,
): string => cut(tool.description.trim() || tool.title.trim() || tool.name, charactersMax)
