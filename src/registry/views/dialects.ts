import { agentlego } from './agentlego.ts'
import { anthropic } from './anthropic.ts'
import { gemini } from './gemini.ts'
import { lagent } from './lagent.ts'
import { langchain } from './langchain.ts'
import { mcp } from './mcp.ts'
import { mistral } from './mistral.ts'
import { openaiResponses } from './openai-responses.ts'
import { openai } from './openai.ts'
import { qwen } from './qwen.ts'
import { utcp } from './utcp.ts'
import type { View } from './view.ts'

/** Every dialect of function schemas, by the name in `/registry/{name}`. */
export const dialects = {
  openai,
  'openai-responses': openaiResponses,
  anthropic,
  gemini,
  mistral,
  qwen,
  langchain,
  mcp,
  utcp,
  lagent,
  agentlego,
} satisfies Record<string, View>

/** The name of a dialect. */
export type DialectName = keyof typeof dialects
