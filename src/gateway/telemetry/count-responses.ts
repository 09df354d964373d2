import type { FastifyInstance } from 'fastify'

/** Told the route as it is written, never the path of a caller: that would be a label without end. */
export function countResponses(
  app: FastifyInstance,
  tell: (route: string, method: string, status: number) => void,
): void {
  app.addHook('onResponse', (request, reply, done) => {
    tell(request.routeOptions.url ?? 'unknown', methodOf(request.method), reply.statusCode)
    done()
  })
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const methodOf = (method: string): string => (methods.has(method) ? method : 'other')
