import Type, { type Static } from 'typebox'

/** Limits an operator may change; the names are the configuration's. */
export const Limits = Type.Object(
  {
    bodyBytesMax: Type.Integer({ default: 16 * 1024 * 1024, minimum: 1024 }),
    fileBytesMax: Type.Integer({ default: 32 * 1024 * 1024, minimum: 1024 }),
    filesBytesMax: Type.Integer({ default: 2 * 1024 * 1024 * 1024, minimum: 1024 }),
    fileTtlMs: Type.Integer({ default: 24 * 3_600_000, minimum: 1000 }),
    imagePixelsMax: Type.Integer({ default: 50_000_000, minimum: 1, maximum: 1_000_000_000 }),
    resultBytesMax: Type.Integer({ default: 256 * 1024, minimum: 1024 }),
    l1BytesMax: Type.Integer({ default: 64 * 1024 * 1024, minimum: 0 }),
    redisMs: Type.Integer({ default: 50, minimum: 1 }),
    requestMs: Type.Integer({ default: 60_000, minimum: 1000 }),
    stopMs: Type.Integer({ default: 10_000, minimum: 0 }),
    drainMs: Type.Integer({ default: 0, minimum: 0, maximum: 600_000 }),
    workersMax: Type.Integer({ default: 2, minimum: 1, maximum: 64 }),
    llmQueuedMax: Type.Integer({ default: 256, minimum: 0 }),
    llmQueueMs: Type.Integer({ default: 30_000, minimum: 1 }),
    llmStreamsMax: Type.Integer({ default: 1_024, minimum: 1 }),
    llmAnswerMs: Type.Integer({ default: 600_000, minimum: 1 }),
    llmStreamMs: Type.Integer({ default: 3_600_000, minimum: 1 }),
    llmIdleMs: Type.Integer({ default: 120_000, minimum: 1 }),
  },
  { additionalProperties: false },
)

/** A server of models. */
export const LlmNode = Type.Object(
  {
    url: Type.String(),
    models: Type.Optional(
      Type.Array(
        Type.Union([Type.String(), Type.Object({ id: Type.String(), model: Type.String() })]),
      ),
    ),
    key: Type.Optional(Type.String()),
    weight: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    concurrency: Type.Optional(Type.Integer({ minimum: 1 })),
    version: Type.Optional(Type.String()),
    raw: Type.Optional(Type.Boolean()),
    tools: Type.Optional(Type.Enum(['native', 'internlm', 'qwen', 'llama3', 'react'])),
    vision: Type.Optional(Type.Boolean()),
    native: Type.Optional(Type.Array(Type.Enum(['messages', 'responses']))),
  },
  { additionalProperties: false },
)

const patterns = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 100 })

/** What a key opens. Globs; what is absent is not narrowed, but `admin` has to be said. */
export const Scopes = Type.Object(
  {
    tools: Type.Optional(patterns),
    tags: Type.Optional(patterns),
    models: Type.Optional(patterns),
    faces: Type.Optional(patterns),
    admin: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
/** What a key opens; see `docs/keys.md`. */
export type Scopes = Static<typeof Scopes>

const amount = Type.String({
  pattern: '^[1-9][0-9]{0,8}/([1-9][0-9]{0,4})?(s|min|h|day)$',
  description: 'So many in a time: 60/min, 10/s, 1000/day',
})

/** How much somebody may ask for. */
export const Allowance = Type.Object(
  {
    rate: Type.Optional(amount),
    quota: Type.Optional(amount),
    concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  },
  { additionalProperties: false },
)
/** How much somebody may ask for: a steady rate, a count a day, and so many at once. */
export type Allowance = Static<typeof Allowance>

const named = Type.Record(Type.String(), Allowance, { default: {}, maxProperties: 1_000 })

/** How much each key, anonymous address, tool and model may be asked for. */
export const Allowances = Type.Object(
  {
    key: Type.Optional(Allowance),
    address: Type.Optional(Allowance),
    tools: named,
    models: named,
    wrongKeys: { ...amount, default: '100/min' },
  },
  { additionalProperties: false, default: {} },
)

/** Whose tokens are taken in place of keys. Symmetric algorithms are none that an issuer's public keys could vouch for. */
export const Jwt = Type.Object(
  {
    issuer: Type.String({ minLength: 1 }),
    audience: Type.String({ minLength: 1 }),
    jwksUrl: Type.String({ pattern: '^https?://' }),
    algorithms: Type.Array(
      Type.Enum([
        'RS256',
        'RS384',
        'RS512',
        'PS256',
        'PS384',
        'PS512',
        'ES256',
        'ES384',
        'ES512',
        'EdDSA',
      ]),
      { default: ['RS256', 'PS256', 'ES256', 'EdDSA'], minItems: 1 },
    ),
    leewayMs: Type.Integer({ default: 30_000, minimum: 0, maximum: 300_000 }),
    scopeClaim: Type.String({ default: 'scope', minLength: 1 }),
    scopes: Type.Optional(Scopes),
    limits: Type.Optional(Allowance),
  },
  { additionalProperties: false },
)

/** Names a key in logs, metrics and the audit trail. */
export const KeyId = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' })

const keyFacts = {
  name: Type.Optional(Type.String({ maxLength: 200 })),
  scopes: Type.Optional(Scopes),
  limits: Type.Optional(Allowance),
  expiresAt: Type.Optional(Type.String({ maxLength: 40 })),
}

/** A caller: the key itself, or the SHA-256 of it in hex, as `toolgate keys` prints it. */
export const Key = Type.Object(
  {
    id: Type.String({ minLength: 1 }),
    key: Type.Optional(Type.String({ minLength: 1 })),
    hash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    ...keyFacts,
  },
  { additionalProperties: false },
)
/** A caller, as the configuration states one. */
export type ConfiguredKey = Static<typeof Key>
