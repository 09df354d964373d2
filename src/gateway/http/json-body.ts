import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { fail, failFrom, type ToolError } from '../../registry/errors.ts'
import { depthMax, nestsDeeper } from '../../registry/json-text.ts'

export { depthMax, nestsDeeper }

/**
 * Parses JSON bodies: an empty one is none, `__proto__` and endless nesting are refused, and so is
 * what would be read as another text than was sent: packed bytes, or bytes that are not UTF-8.
 */
export function parseJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer
    if (bytes.length === 0) return done(null, undefined)
    const problem = encodingProblem(request, bytes)
    if (problem) return done(problem)
    const text = bytes.toString()
    if (nestsDeeper(text, depthMax))
      return done(fail('TG_BODY_INVALID', `it nests deeper than ${depthMax} levels`))
    void parse(request, text, (error, value) =>
      done(error ? jsonProblem(text, error) : null, value),
    )
  })
}

/** What stands against reading these bytes as they are; undefined when nothing. */
export function encodingProblem(request: FastifyRequest, bytes: Buffer): ToolError | undefined {
  const packing = request.headers['content-encoding']
  if (packing && packing.toLowerCase() !== 'identity')
    return fail('TG_MEDIA_TYPE', `a body packed with ${packing.slice(0, 40)}`, 'it unpacked')
  return isUtf8(bytes) ? undefined : fail('TG_BODY_INVALID', 'its text is not UTF-8')
}

/** The parser says of every mistake the same; what is wrong, and where, is what mends it. */
function jsonProblem(text: string, cause: Error): ToolError {
  try {
    JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    return failFrom(error, 'TG_BODY_INVALID', (error as Error).message)
  }
  return failFrom(cause, 'TG_BODY_INVALID', 'a key named __proto__ or constructor is not taken')
}
