import type { FastifyInstance } from 'fastify'
import { fail } from '../../registry/errors.ts'
import { depthMax, nestsDeeper } from '../../registry/json-text.ts'

export { depthMax, nestsDeeper }

/** Parses JSON bodies: an empty one is none, `__proto__` and endless nesting are refused. */
export function parseJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    if (nestsDeeper(body as string, depthMax))
      return done(fail('TG_BODY_INVALID', `it nests deeper than ${depthMax} levels`))
    parse(request, body as string, (error, value) =>
      done(error ? fail('TG_BODY_INVALID', error.message) : null, value),
    )
  })
}
