import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fail } from '../../registry/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** It is there only to refuse in the words of its face: it is no method of its path. */
    refuses?: boolean
  }
}

/**
 * Answers paths that no route has with TG_ROUTE_UNKNOWN, and known paths with another method with
 * TG_METHOD and `Allow`. Call it before routes are added: it listens to them.
 */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()

  app.addHook('onRoute', ({ url, method, config }) => {
    if (config?.refuses) return
    const route = routes.get(url) ?? { pattern: toPattern(url), methods: new Set() }
    for (const name of [method].flat()) route.methods.add(name)
    routes.set(url, route)
  })

  // A scope of its own: before a body is read that nobody wants, and at no cost to what is known.
  void app.register(async scope => {
    scope.addHook('preParsing', async (request, reply) => answer(request, reply))
    scope.setNotFoundHandler(answer)
  })

  function answer(request: FastifyRequest, reply: FastifyReply): never {
    const allowed = methodsOf(request)
    // A route that has the method found nothing under its path.
    if (allowed.length === 0 || allowed.includes(request.method))
      throw fail('TG_ROUTE_UNKNOWN', pathOf(request))
    reply.header('allow', allowed.join(', '))
    throw fail('TG_METHOD', request.method, allowed)
  }

  function methodsOf(request: FastifyRequest): string[] {
    const path = pathOf(request)
    const methods = [...routes.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap(route => [...route.methods])
    return [...new Set(methods)].filter(method => method !== 'OPTIONS').sort()
  }
}

const pathOf = (request: FastifyRequest): string =>
  (request.url.split('?')[0] ?? '/').replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')

const toPattern = (url: string): RegExp =>
  new RegExp(
    `^${url
      .split('/')
      .map(part =>
        part === '*'
          ? '.*'
          : part.startsWith(':')
            ? '[^/]+'
            : part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
      )
      .join('/')}$`,
  )
