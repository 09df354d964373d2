import type { Readable } from 'node:stream'
import type { Answer, Presented } from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import { agentlegoOutputs } from '../../registry/views/agentlego.ts'
import { aliasText, type Aliased } from '../alias-call.ts'
import { readAll } from '../http/body.ts'

/** Bounds of an answer on this face, where files travel inside JSON. */
export const valueLimits = { fileBytesMax: 32 * 1024 * 1024 } as const

/** The bytes of an artifact. */
export type OpenArtifact = (
  id: string,
) => Promise<{ stream: NodeJS.ReadableStream; mediaType: string }>

/** An answer as bare values: one as itself, several as a list; files as base64 without a prefix. */
export async function valuesOf(
  { tool, known }: Aliased,
  { answer, shown, openArtifact }: { answer: Answer; shown: Presented; openArtifact: OpenArtifact },
): Promise<unknown> {
  const values = await Promise.all(
    agentlegoOutputs(tool).map(async output =>
      output.kind === 'text'
        ? aliasText(known.alias, answer, shown)
        : base64Of(String(answer.result.output[output.name]), openArtifact),
    ),
  )
  return values.length === 1 ? values[0] : values
}

async function base64Of(id: string, openArtifact: OpenArtifact): Promise<string> {
  const { stream } = await openArtifact(id)
  const bytes = await readAll(stream as Readable, valueLimits.fileBytesMax)
  if (!bytes) throw fail('TG_TOO_LARGE', 'the file', `${valueLimits.fileBytesMax} bytes`)
  return bytes.toString('base64')
}
