import { randomUUID } from 'node:crypto'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import swagger from '@fastify/swagger'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { type AccessOptions, isOpenBesideKeys } from '../auth/access.ts'
import { formLimits } from './arguments.ts'
import { answerBadPath, shapeErrors } from './errors.ts'
import { answerBrokenFrame, frameOptions, refuseOddFrames } from './frames.ts'
import { parseJsonBodies } from './json-body.ts'
import { answerUnknownRoutes } from './unknown-route.ts'

type ServerLimits = { bodyBytesMax: number; fileBytesMax: number; requestMs: number }

/** What every server of ours is made of, whichever port it has. */
export type ServerFacts = {
  log: FastifyBaseLogger
  limits: ServerLimits
  /** Addresses of our own proxies, whose word for a client's address is taken. */
  trustedProxies?: readonly string[]
  /** Told what never became a request. */
  onRefused?: (code: string) => void
}

/** How every server of ours is made: bounds, request ids, its log, and whose word it takes. */
export const serverOptions = ({ log, limits, trustedProxies = [], onRefused }: ServerFacts) =>
  ({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMs,
    http: frameOptions(limits),
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    // A child logger for each request costs more than a cached call: lines name the request themselves.
    childLoggerFactory: (logger: FastifyBaseLogger) => logger,
    clientErrorHandler: answerBrokenFrame(limits, onRefused),
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
  }) as const

/** The server, and what holds for every route: bounds, error shapes, JSON, a request id. */
export function createServer(facts: ServerFacts): FastifyInstance {
  const app = fastify({
    ...serverOptions(facts),
    frameworkErrors: answerBadPath(facts.onRefused),
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 500 },
  })
  answerUnknownRoutes(app)
  shapeErrors(app)
  parseJsonBodies(app)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  refuseOddFrames(app as FastifyInstance, facts.onRefused)
  return app as FastifyInstance
}

/** Reads forms, within the bounds of JSON. */
export async function readForms(app: FastifyInstance, limits: ServerLimits): Promise<void> {
  await app.register(formbody, { bodyLimit: limits.bodyBytesMax })
  const options = {
    limits: {
      // One more, so that a file over the limit is seen to be.
      fileSize: limits.fileBytesMax + 1,
      files: formLimits.filesMax,
      fields: formLimits.fieldsMax,
      fieldSize: limits.bodyBytesMax,
    },
  }
  // Its hooks remove files that it was told to save, which it never is; each call would pay for them.
  const unhooked: FastifyInstance = Object.create(app, { addHook: { value: () => unhooked } })
  await new Promise<void>((resolve, reject) =>
    multipart(unhooked, options, error => (error ? reject(error) : resolve())),
  )
}

/** Describes every route that is added from now on, and which of them want no key. */
export async function describeRoutes(
  app: FastifyInstance,
  access: AccessOptions,
  version: string,
): Promise<void> {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Toolgate', version } },
    transform: ({ schema, url, route }) => ({
      url,
      schema: isOpenBesideKeys(route.config?.access, access) ? { ...schema, security: [] } : schema,
    }),
  })
}
