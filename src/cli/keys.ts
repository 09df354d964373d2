import { parseArgs } from 'node:util'
import type { Allowance, Scopes } from '../config.ts'

/** A key as it is listed. */
export type ListedKey = {
  id: string
  name?: string
  state: string
  scopes: Scopes
  limits?: Allowance
  createdAt: number
  expiresAt?: number
}
/** Where keys are made and ended; main provides it. */
export type KeyDesk = {
  create(wish: {
    id?: string
    name?: string
    scopes: Scopes
    limits?: Allowance
    expiresAt?: number
  }): Promise<{ key: string; record: ListedKey }>
  list(): Promise<ListedKey[]>
  revoke(id: string): Promise<ListedKey>
  rotate(id: string, graceMs?: number): Promise<{ key: string; record: ListedKey }>
  close(): void
}

const usage = `toolgate keys create [--id ID] [--name WORDS] [--tools 'weather_*'] [--tags maps] [--faces mcp,rest]
                     [--models 'internlm*'] [--admin] [--expires 30d] [--rate 60/min] [--quota 1000/day]
                     [--concurrency 8]
toolgate keys list [--json]
toolgate keys revoke ID
toolgate keys rotate ID [--grace 1h]
`

const options = {
  id: { type: 'string' },
  name: { type: 'string' },
  tools: { type: 'string' },
  tags: { type: 'string' },
  faces: { type: 'string' },
  models: { type: 'string' },
  admin: { type: 'boolean' },
  expires: { type: 'string' },
  rate: { type: 'string' },
  quota: { type: 'string' },
  concurrency: { type: 'string' },
  grace: { type: 'string' },
  json: { type: 'boolean' },
} as const
type Flags = ReturnType<typeof parse>['values']
const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], allowPositionals: true, options })

/** `toolgate keys …`: makes, lists, ends and changes keys. A new key is printed once, and kept nowhere. */
export async function keysCommand(
  args: readonly string[],
  openDesk: () => Promise<KeyDesk>,
  now: () => number = Date.now,
): Promise<number> {
  const { values, positionals } = parse(args)
  const [action = '', id] = positionals
  const work = actions[action]
  if (!work || (id === undefined) === (action === 'revoke' || action === 'rotate')) {
    process.stderr.write(usage)
    return 2
  }
  const desk = await openDesk()
  try {
    process.stdout.write(await work(desk, { values, id: id ?? '', now: now() }))
    return 0
  } finally {
    desk.close()
  }
}

type Asked = { values: Flags; id: string; now: number }
const actions: Record<string, (desk: KeyDesk, asked: Asked) => Promise<string>> = {
  async create(desk, { values, now }) {
    const { key, record } = await desk.create(wishOf(values, now))
    process.stderr.write(`the key ${record.id}, shown this once:\n`)
    return `${key}\n`
  },
  async list(desk, { values }) {
    const keys = await desk.list()
    return values.json ? `${JSON.stringify(keys, null, 2)}\n` : keys.map(lineOf).join('')
  },
  async revoke(desk, { id }) {
    const record = await desk.revoke(id)
    return `${record.id} revoked\n`
  },
  async rotate(desk, { id, values }) {
    const grace = values.grace === undefined ? 0 : durationOf('--grace', values.grace)
    const { key, record } = await desk.rotate(id, grace)
    process.stderr.write(`the new key of ${record.id}, shown this once:\n`)
    return `${key}\n`
  },
}

function wishOf(values: Flags, now: number): Parameters<KeyDesk['create']>[0] {
  const { id, name, admin, expires, rate, quota, concurrency } = values
  const lists = (['tools', 'tags', 'models', 'faces'] as const).flatMap(member => {
    const text = values[member]
    return text === undefined ? [] : [[member, listOf(text)] as const]
  })
  const limits = {
    ...(rate === undefined ? {} : { rate: amountOf('--rate', rate) }),
    ...(quota === undefined ? {} : { quota: amountOf('--quota', quota) }),
    ...(concurrency === undefined ? {} : { concurrency: countOf('--concurrency', concurrency) }),
  }
  return {
    ...(id === undefined ? {} : { id: idOf(id) }),
    ...(name === undefined ? {} : { name }),
    scopes: { ...Object.fromEntries(lists), ...(admin ? { admin } : {}) },
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(expires === undefined ? {} : { expiresAt: instantOf(expires, now) }),
  }
}

const listOf = (text: string): string[] => text.split(',').flatMap(part => part.trim() || [])

function idOf(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return text
  throw new Error('--id: must be letters, digits, dots, dashes, at most 64')
}

function amountOf(flag: string, text: string): string {
  if (/^[1-9]\d{0,8}\/([1-9]\d{0,4})?(s|min|h|day)$/.test(text)) return text
  throw new Error(`${flag}: must be an amount such as 60/min, 10/s or 1000/day, not "${text}"`)
}

function countOf(flag: string, text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new Error(`${flag}: must be a whole number from 1, not "${text}"`)
}

const units: Record<string, number> = { s: 1e3, min: 6e4, h: 36e5, d: 864e5, w: 7 * 864e5 }

function durationOf(flag: string, text: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})(s|min|h|d|w)$/.exec(text) ?? []
  if (count === '') throw new Error(`${flag}: must be a time such as 30d, 12h or 90min`)
  return Number(count) * (units[unit] ?? 0)
}

/** A time from now, or a date. */
function instantOf(text: string, now: number): number {
  const at = /^\d{4}-/.test(text) ? Date.parse(text) : now + durationOf('--expires', text)
  if (Number.isNaN(at)) throw new Error(`--expires: "${text}" is no date`)
  return at
}

function lineOf({ id, name, state, scopes, limits, expiresAt }: ListedKey): string {
  const facts = [
    ...Object.entries(scopes).map(([what, value]) =>
      value === true ? what : `${what}=${String(value)}`,
    ),
    ...Object.entries(limits ?? {}).map(([what, value]) => `${what}=${value}`),
    ...(expiresAt === undefined ? [] : [`until ${new Date(expiresAt).toISOString()}`]),
  ]
  return `${[id.padEnd(16), state.padEnd(8), ...facts, ...(name ? [`(${name})`] : [])].join(' ')}\n`
}
