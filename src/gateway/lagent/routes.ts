import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Answer, type Invoke, present } from '../../registry/call.ts'
import type { Registry } from '../../registry/registry.ts'
import { artifactsOf, type JsonObject } from '../../registry/tool.ts'
import { isDictionary } from '../../registry/views/lagent.ts'
import { type Aliased, aliasText, createAliasCalls } from '../alias-call.ts'
import type { StoreUpload } from '../http/arguments.ts'
import { errorHeaders, logError, toHttpError } from '../http/errors.ts'
import { pythonJson } from '../http/python-json.ts'
import { type ActionReturn, failed, succeeded } from './action-return.ts'

/** What the Lagent face stands on. */
export type LagentRoutesOptions = {
  registry: Registry
  invoke: Invoke
  storeUpload: StoreUpload
  fileUrl: (request: FastifyRequest, id: string) => string
  redisMs: number
}
type Call = { Params: { action: string } }

/** `POST /lagent/:action`: a call whose answer is Lagent's `ActionReturn`, under an honest status. */
export async function lagentRoutes(
  app: FastifyInstance,
  options: LagentRoutesOptions,
): Promise<void> {
  const { fileUrl } = options
  const { call } = createAliasCalls('lagent', options)

  // Here so that a request that is refused before its call, too, is answered as Lagent reads it.
  app.setErrorHandler((cause, request, reply) => {
    const error = toHttpError(cause)
    logError(request.log, error, request.id)
    errorHeaders(reply, error)
    const { action = '' } = request.params as { action?: string }
    return reply.status(error.status).send(failed(typeOf(action), argsOf(request.body), error))
  })

  app.post<Call>(
    '/lagent/:action',
    { config: { access: 'key', face: 'lagent' } },
    async (request, reply) => {
      const { aliased, args, answer } = await call(request, reply, request.params.action)
      return succeeded(
        typeOf(aliased.known.name),
        argsOf(args),
        resultOf(aliased, answer, id => fileUrl(request, id)),
      )
    },
  )
}

/** Lagent names an answer by the class of the action, not by its method. */
const typeOf = (action: string): string => action.split('.')[0] ?? action
const argsOf = (args: unknown): JsonObject =>
  typeof args === 'object' && args !== null && !Array.isArray(args) ? (args as JsonObject) : {}

/**
 * Text first, then each file by its address. A method of an action returns a dictionary in Lagent,
 * which it shows as JSON; ours then holds the text under the `content` that the listing declares.
 */
function resultOf(
  { tool, known }: Aliased,
  answer: Answer,
  fileUrl: (id: string) => string,
): NonNullable<ActionReturn['result']> {
  const shown = present(answer, fileUrl)
  const text = aliasText(known.alias, answer, shown)
  const files = artifactsOf(tool).flatMap(({ name, mediaType }) => {
    const content = shown.output[name]
    return typeof content === 'string' ? [{ type: kindOf(mediaType), content }] : []
  })
  return [
    { type: 'text', content: isDictionary(known) ? pythonJson({ content: text }) : text },
    ...files,
  ]
}

function kindOf(mediaType: string): 'image' | 'audio' | 'video' | 'file' {
  const [kind] = mediaType.split('/')
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'file'
}
