import '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { fail } from '../../registry/errors.ts'
import type { RegistryEvent, RegistryView } from '../../registry/registry.ts'

/** Bounds of the event stream. */
export const eventLimits = {
  commentMs: 15_000,
  streamsMax: 1_024,
  unreadBytesMax: 1_048_576,
} as const

/** `GET /registry/events`: the registry's changes as Server-Sent Events. */
export async function eventRoutes(
  app: FastifyInstance,
  { registry }: { registry: RegistryView },
): Promise<void> {
  const closers = new Set<() => void>()
  app.addHook('preClose', async () => {
    for (const close of closers) close()
  })

  const schema = { tags: ['registry'], summary: 'Changes of the registry as server-sent events' }
  app.get(
    '/registry/events',
    // A HEAD would wait for the end of what has none.
    { config: { access: 'document' }, schema, exposeHeadRoute: false },
    async (request, reply) => {
      if (closers.size >= eventLimits.streamsMax)
        throw fail('TG_RATE_LIMITED', 'too many event streams are open', 60_000)
      reply.hijack()
      const { raw } = reply
      // Headers set by hooks, CORS among them, are not sent by themselves on a hijacked reply.
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) raw.setHeader(name, value)
      raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
      })
      const write = (text: string): void => {
        raw.write(text)
        // A client that does not read is cut off; it comes back with Last-Event-ID.
        if (raw.writableLength > eventLimits.unreadBytesMax) raw.destroy()
      }
      const view = registry.within(request.holder?.scope)
      const later = missed(request.headers['last-event-id'], view)
      const { revision } = view
      // Its id leaves to be told what follows, should the connection break in between.
      const id = revision - later.length
      write(eventText('registry', id, { revision, count: view.list().length }))
      for (const event of later) write(changeText(event))
      const unsubscribe = view.subscribe(event => write(changeText(event)))
      const timer = setInterval(() => write(': still here\n\n'), eventLimits.commentMs)
      const close = (): void => {
        clearInterval(timer)
        unsubscribe()
        closers.delete(close)
        raw.end()
      }
      closers.add(close)
      raw.once('close', close)
    },
  )
}

/** What a client that was away missed; nothing when it is not known any more, since the first event tells. */
function missed(
  lastId: string | string[] | undefined,
  registry: RegistryView,
): readonly RegistryEvent[] {
  return typeof lastId === 'string' && /^\d+$/.test(lastId)
    ? (registry.since(Number(lastId)) ?? [])
    : []
}

const changeText = ({ event, ...data }: RegistryEvent): string =>
  eventText(event, data.revision, data)
const eventText = (event: string, id: number, data: object): string =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`
