import type { FastifyInstance, preHandlerAsyncHookHandler } from 'fastify'
import { fail } from '../../registry/errors.ts'
import { parseSource } from '../../registry/sources/source.ts'
import type { SourceReport } from './report.ts'
import type { Sources } from './sources.ts'

/** `/registry/sources`: other servers' tools, brought in and taken out by an admin. */
export async function sourceRoutes(
  app: FastifyInstance,
  { sources }: { sources: Sources },
): Promise<void> {
  const config = { access: 'admin' as const }
  const unknown = (id: string) =>
    fail('TG_NOT_FOUND', 'source', id, 'GET /registry/sources lists them')

  app.get('/registry/sources', { config }, () => ({ sources: sources.list().map(brief) }))

  app.get<{ Params: { id: string } }>('/registry/sources/:id', { config }, request => {
    const report = sources.get(request.params.id)
    if (!report) throw unknown(request.params.id)
    return report
  })

  // A form could be sent by any page that an admin's browser happens to show.
  const onlyJson: preHandlerAsyncHookHandler = async request => {
    const type = request.headers['content-type'] ?? ''
    if (!/^application\/json\s*(;|$)/i.test(type))
      throw fail('TG_MEDIA_TYPE', type || 'a body without a type', 'application/json')
  }
  app.post('/registry/sources', { config, onRequest: onlyJson }, async (request, reply) => {
    const { report, isNew } = await sources.put(parseSource(request.body))
    return reply.code(isNew ? 201 : 200).send(report)
  })

  app.delete<{ Params: { id: string } }>('/registry/sources/:id', { config }, async request => {
    const report = await sources.remove(request.params.id)
    if (!report) throw unknown(request.params.id)
    return { ...report, state: 'removed' }
  })
}

/** A source in the list: what it brought in is counted. */
const brief = ({ losses, quarantined, tools, notes: _notes, ...report }: SourceReport) => ({
  ...report,
  tools: tools.length,
  quarantined: quarantined.length,
  losses: losses.length,
})
