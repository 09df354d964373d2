import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { Compile } from 'typebox/schema'
import { allowanceSchema, keyIdSchema, scopesSchema } from '../../config.ts'
import { fail } from '../../registry/errors.ts'
import type { KeyDesk, KeyWish } from './key-desk.ts'
import { keyLimits } from './key-record.ts'

const Wish = Type.Object(
  {
    id: Type.Optional(keyIdSchema),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    scopes: Type.Optional(scopesSchema),
    limits: Type.Optional(allowanceSchema),
    expiresAt: Type.Optional(
      Type.Union([Type.Integer({ minimum: 0 }), Type.String({ maxLength: 40 })]),
    ),
  },
  { additionalProperties: false },
)
const Rotation = Type.Object(
  { graceMs: Type.Optional(Type.Integer({ minimum: 0, maximum: keyLimits.graceMsMax })) },
  { additionalProperties: false },
)
const wish = Compile(Wish)
const rotation = Compile(Rotation)

/** `GET`, `POST` and `DELETE /keys`: an admin's way to what `toolgate keys` does. */
export async function keyRoutes(app: FastifyInstance, { desk }: { desk: KeyDesk }): Promise<void> {
  const admin = { config: { access: 'admin' as const }, schema: { hide: true } }
  app.get('/keys', admin, async () => ({ keys: await desk.list() }))
  app.post('/keys', admin, async (request, reply) => {
    const { key, record } = await desk.create(readWish(request.body ?? {}))
    return reply
      .status(201)
      .header('cache-control', 'no-store')
      .send({ key, ...record })
  })
  app.delete<{ Params: { id: string } }>('/keys/:id', admin, request =>
    desk.revoke(request.params.id),
  )
  app.post<{ Params: { id: string } }>('/keys/:id/rotate', admin, async (request, reply) => {
    const body: unknown = request.body ?? {}
    if (!rotation.Check(body)) throw malformed(rotation.Errors(body)[1])
    const { key, record } = await desk.rotate(request.params.id, body.graceMs)
    return reply.header('cache-control', 'no-store').send({ key, ...record })
  })
}

function readWish(body: unknown): KeyWish {
  if (!wish.Check(body)) throw malformed(wish.Errors(body)[1])
  const { expiresAt, ...rest } = body
  if (expiresAt === undefined) return rest
  const at = typeof expiresAt === 'number' ? expiresAt : Date.parse(expiresAt)
  if (Number.isNaN(at)) throw fail('TG_REQUEST_INVALID', 'expiresAt is no date')
  return { ...rest, expiresAt: at }
}

type Mistake = { instancePath: string; message: string; keyword: string }
function malformed(mistakes: readonly Mistake[]) {
  const [first] = mistakes.filter(({ keyword }) => keyword !== 'boolean')
  const where = first?.instancePath.slice(1).replaceAll('/', '.') || 'the key'
  return fail('TG_REQUEST_INVALID', `${where} ${first?.message ?? 'is malformed'}`)
}
