import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../../config.ts'
import type { ResolveFile } from '../../registry/call.ts'
import type { FileRef, NewFile, ToolLog } from '../../registry/tool.ts'
import { isSecured } from '../auth/access.ts'
import type { KeyRing } from '../auth/keys.ts'
import type { StoreUpload } from '../http/arguments.ts'
import type { Guard } from '../http/guard.ts'
import type { OriginOf } from '../http/origin.ts'
import { createFileResolver } from './resolve.ts'
import { fileRoutes, storeUpload } from './routes.ts'
import { createSigner } from './sign.ts'
import { createFileStore } from './store.ts'

/** Signed URLs end on a whole hour, so that equal answers have equal URLs. */
const signedUntilMs = 3_600_000

/** All that the gateway does with files. */
export type Files = {
  /** For a tool: the bytes of an input, the id of an output. */
  read: (file: FileRef) => Promise<Uint8Array>
  save: (file: NewFile) => Promise<string>
  /** Keeps an output at least until then, for as long as an answer that names it is stored. */
  keep: (id: string, until: number) => Promise<boolean>
  /** For the call: a caller's string as a stored file. */
  resolve: ResolveFile
  /** For the faces. */
  storeUpload: StoreUpload
  urlFor: (request: FastifyRequest, id: string) => string
  /** The same under an origin that is known beforehand. */
  urlAt: (origin: string, id: string) => string
  open: (id: string) => Promise<{ stream: NodeJS.ReadableStream; mediaType: string }>
  /** For the access hook: true when the URL of a file carries a valid signature. */
  isSigned: (request: FastifyRequest) => boolean
  routes: (app: FastifyInstance) => Promise<void>
  close: () => Promise<void>
}

/** Puts the store, the resolver, the signatures and the routes together. */
export function createFiles(options: {
  config: Pick<
    Config,
    'anonymous' | 'files' | 'host' | 'keys' | 'limits' | 'port' | 'publicUrl' | 'secret'
  > & { ring?: KeyRing }
  /** Of the callers' flavour. */
  guard: Guard
  originOf: OriginOf
  now: () => number
  log: ToolLog
}): Files {
  const { config, guard, originOf, now } = options
  const { fileBytesMax, filesBytesMax, fileTtlMs, requestMs } = config.limits
  const store = createFileStore({
    directory: config.files,
    ttlMs: fileTtlMs,
    now,
    limits: { fileBytesMax, totalBytesMax: filesBytesMax },
  })
  store.start(error => options.log.warn({ err: error }, 'stored files cannot be swept'))
  const signer = createSigner({ secret: secretOf(config), now })
  const urlAt = (origin: string, id: string): string => {
    const until = Math.ceil((now() + fileTtlMs) / signedUntilMs) * signedUntilMs
    const url = `${origin}/files/${id}`
    return isSecured(config) ? `${url}?${signer.sign(id, until)}` : url
  }
  const urlFor = (request: FastifyRequest, id: string): string => urlAt(originOf(request), id)
  return {
    read: ({ id }) => store.read(id),
    save: async file => (await store.put(file)).id,
    keep: store.touch,
    resolve: createFileResolver({
      store,
      guard,
      ttlMs: fileTtlMs,
      now,
      ownOrigins: ownOrigins(config),
      limits: { fileBytesMax },
    }),
    storeUpload: upload => storeUpload(store, upload, fileBytesMax),
    urlFor,
    urlAt,
    open: async id => {
      const { mediaType } = await store.get(id)
      return { mediaType, stream: await store.stream(id) }
    },
    isSigned: ({ params, query }) =>
      signer.verify(
        (params as { id?: string }).id ?? '',
        query as { exp?: unknown; sig?: unknown },
      ),
    routes: app => fileRoutes(app, { store, fileBytesMax, unreadMs: requestMs, now, urlFor }),
    close: store.close,
  }
}

/** The operator's secret, else one that replicas with the same keys share, else one of this process. */
const secretOf = ({ secret, keys }: Pick<Config, 'secret' | 'keys'>): string =>
  secret ?? (keys.map(({ key, hash }) => key ?? hash).join('\n') || randomUUID())

const ownOrigins = ({ publicUrl, host, port }: Pick<Config, 'publicUrl' | 'host' | 'port'>) => [
  ...(publicUrl ? [new URL(publicUrl).origin] : []),
  ...[host, '127.0.0.1', 'localhost', '[::1]'].map(name => `http://${name}:${port}`),
]
