import type { JsonSchema } from '../tool.ts'
import { geminiSubset } from './gemini-subset.ts'
import { briefOf, viewLimits, type View } from './view.ts'

/** A function as Gemini takes it; without arguments there are no `parameters`. */
export type GeminiFunction = { name: string; description: string; parameters?: JsonSchema }

/** `/registry/gemini`: ready as `tools` of a `generateContent` request. */
export const gemini: View<[{ functionDeclarations: GeminiFunction[] }]> = tools => [
  {
    functionDeclarations: tools.map(tool => {
      const parameters = geminiSubset(tool.input)
      return {
        name: tool.name,
        description: briefOf(tool, viewLimits.functionCharactersMax),
        ...(parameters ? { parameters } : {}),
      }
    }),
  },
]
