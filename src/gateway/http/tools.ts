import '@fastify/swagger'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { type Answer, type Invoke, present } from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import { artifactsOf, fileInputsOf, type JsonObject, type Tool } from '../../registry/tool.ts'
import type { Registry } from '../../registry/registry.ts'
import { readArguments, type StoreUpload } from './arguments.ts'
import { writeCacheHeaders } from './cache-headers.ts'
import { callContext } from './call-context.ts'
import { pythonJson } from './python-json.ts'

/** What a narrow face may take and give: Dify and GPT give up before our own limits. */
export const narrowLimits = { deadlineMsMax: 40_000, charactersMax: 100_000 } as const

/** What the tool routes stand on. */
export type ToolRoutesOptions = {
  registry: Registry
  invoke: Invoke
  storeUpload: StoreUpload
  /** The URL of an artifact, as the caller of this request reaches it. */
  fileUrl: (request: FastifyRequest, id: string) => string
  /** The bytes of an artifact. */
  openArtifact: (id: string) => Promise<{ stream: NodeJS.ReadableStream; mediaType: string }>
  /** Cuts an answer to a face's bound, with a mark. */
  excerpt: (answer: Answer, charactersMax: number) => Promise<Answer>
  redisMs: number
}

/** `POST /tools/:name` and its twins for Dify and GPT. */
export async function toolRoutes(app: FastifyInstance, options: ToolRoutesOptions): Promise<void> {
  const { registry, invoke, storeUpload, fileUrl, excerpt, redisMs } = options
  const config = (face: string) => ({ access: 'key' as const, face })
  // The documents say one operation for each tool instead.
  const schema = { hide: true }

  app.post<{ Params: { name: string } }>(
    '/tools/:name',
    { config: config('rest'), schema },
    async (request, reply) => {
      const context = callContext(request, reply, { face: 'rest', redisMs })
      const given = readArguments(request, storeUpload)
      // Most bodies are there already: each wait costs a call out of the store a hundredth of its time.
      const args = given instanceof Promise ? await given : given
      const answer = await invoke(request.params.name, args, context)
      writeCacheHeaders(reply, context.report)
      return send(request, reply, answer)
    },
  )

  app.post<{ Params: { name: string } }>(
    '/dify/tools/:name',
    { config: config('dify'), schema },
    async (request, reply) => {
      const args = await readArguments(request, storeUpload)
      const answer = await narrow(request, reply, args, 'dify')
      const { output } = present(answer, id => fileUrl(request, id))
      return reply.type('application/json').send(pythonJson(output))
    },
  )

  app.post<{ Params: { name: string } }>(
    '/gpt/tools/:name',
    { config: config('gpt'), schema },
    async (request, reply) => {
      const args = await readArguments(request, storeUpload)
      const tool = registry.get(request.params.name)
      const answer = await narrow(request, reply, tool ? withFileRefs(tool, args) : args, 'gpt')
      return sendJson(reply, present(answer, id => fileUrl(request, id)).json)
    },
  )

  async function narrow(
    request: FastifyRequest<{ Params: { name: string } }>,
    reply: FastifyReply,
    args: unknown,
    face: string,
  ): Promise<Answer> {
    const context = callContext(request, reply, { face, redisMs })
    context.deadlineMs = narrowLimits.deadlineMsMax
    const answer = await invoke(request.params.name, args, context)
    writeCacheHeaders(reply, context.report)
    return excerpt(answer, narrowLimits.charactersMax)
  }

  async function send(request: FastifyRequest, reply: FastifyReply, answer: Answer) {
    const shown = present(answer, id => fileUrl(request, id))
    switch (wanted(request, answer.tool)) {
      case 'text/plain':
        return reply.type('text/plain; charset=utf-8').send(shown.text)
      case 'image/*':
        return sendPicture(reply, answer)
      default:
        return sendJson(reply, shown.json)
    }
  }

  async function sendPicture(reply: FastifyReply, { tool, result }: Answer) {
    const id = artifactsOf(tool).flatMap(({ name }) => (result.output[name] as string) ?? [])[0]
    if (id === undefined)
      throw fail(
        'TG_NOT_FOUND',
        'picture',
        tool.name,
        'ask for one in the arguments, e.g. draw: true',
      )
    const { stream, mediaType } = await options.openArtifact(id)
    return reply.type(mediaType).send(stream)
  }
}

const sendJson = (reply: FastifyReply, json: string) =>
  reply.header('content-type', 'application/json; charset=utf-8').send(json)

/** The form the caller likes best: JSON unless it says otherwise. */
function wanted(request: FastifyRequest, tool: Tool): string {
  const { accept } = request.headers
  if (accept === undefined || accept === '*/*' || accept.startsWith('application/json'))
    return 'application/json'
  const offered = ['application/json', 'text/plain']
  const [best] = new Negotiator(request.raw).mediaTypes(offered)
  const picture = artifactsOf(tool).some(({ mediaType }) => mediaType.startsWith('image/'))
  return best ?? (picture && /\bimage\//.test(accept) ? 'image/*' : 'application/json')
}

/** GPT sends files as links under one name; they go, in order, to the tool's file inputs. */
function withFileRefs(tool: Tool, args: unknown): unknown {
  if (typeof args !== 'object' || args === null || !('openaiFileIdRefs' in args)) return args
  const { openaiFileIdRefs, ...rest } = args as JsonObject
  const links = (Array.isArray(openaiFileIdRefs) ? openaiFileIdRefs : []).flatMap(linkOf)
  const inputs = fileInputsOf(tool).filter(({ name }) => rest[name] === undefined)
  const files = inputs.flatMap(({ name }, index) =>
    links[index] === undefined ? [] : [[name, links[index]] as const],
  )
  return { ...rest, ...Object.fromEntries(files) }
}

function linkOf(ref: unknown): string | [] {
  if (typeof ref === 'string') return ref
  const link = (ref as { download_link?: unknown } | null)?.download_link
  return typeof link === 'string' ? link : []
}
