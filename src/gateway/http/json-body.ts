import type { FastifyInstance } from 'fastify'
import { fail } from '../../registry/errors.ts'

/** How deep a body may nest: deeper ones are made to overflow stacks. */
export const depthMax = 64

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

/** True when JSON text nests deeper than `max`; looks at the text, before anything is built of it. */
export function nestsDeeper(text: string, max: number): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (inString) {
      if (char === 0x5c) at += 1
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x5b || char === 0x7b) {
      depth += 1
      if (depth > max) return true
    } else if (char === 0x5d || char === 0x7d) depth -= 1
  }
  return false
}
