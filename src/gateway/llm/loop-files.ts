import type { ModelCall } from './chat.ts'
import type { Json } from './json.ts'
import type { LlmLimits } from './limits.ts'
import type { LoopResult, LoopTools } from './loop-tools.ts'
import type { PoolNode } from './node.ts'

type Answered = { call: ModelCall; result: LoopResult }
type FileOptions = { node: PoolNode; tools: LoopTools; limits: LlmLimits }

/** The tool messages of a turn; a model that sees gets pictures as pictures, others get links. */
export async function withFiles(answered: Answered[], options: FileOptions): Promise<Json[]> {
  const sees = seesPictures(options.node)
  const messages: Json[] = answered.map(({ call, result }) => ({
    role: 'tool',
    tool_call_id: call.id,
    content: [result.text, ...links(result, sees)].join('\n'),
  }))
  const pictures = sees ? await picturesOf(answered, options) : []
  return pictures.length > 0 ? [...messages, { role: 'user', content: pictures }] : messages
}

/** Told by config, else by the model's name. */
const seesPictures = ({ spec, models }: PoolNode): boolean =>
  spec.vision ??
  [...models.values()].some(name =>
    /vl\b|-vl-|vision|internvl|intern-s1|llava|minicpm-v|gemma-?3|omni/i.test(name),
  )

const isPicture = (mediaType: string): boolean => /^image\/(?:png|jpeg|webp|gif)/.test(mediaType)

const links = ({ files = [] }: LoopResult, sees: boolean): string[] =>
  files
    .filter(({ mediaType }) => !(sees && isPicture(mediaType)))
    .map(({ mediaType, url }) => `[${mediaType}](${url})`)

async function picturesOf(answered: Answered[], { tools, limits }: FileOptions): Promise<Json[]> {
  const files = answered
    .flatMap(({ call, result }) => (result.files ?? []).map(file => ({ ...file, tool: call.name })))
    .filter(({ mediaType }) => isPicture(mediaType))
    .slice(0, limits.imagesMax)
  const parts: Json[] = []
  for (const { id, url, tool } of files) {
    const stored = await tools.readFile?.(id)
    const shown = stored
      ? `data:${stored.mediaType};base64,${Buffer.from(stored.bytes).toString('base64')}`
      : url
    parts.push(
      { type: 'text', text: `The picture that ${tool} made:` },
      { type: 'image_url', image_url: { url: shown } },
    )
  }
  return parts
}
