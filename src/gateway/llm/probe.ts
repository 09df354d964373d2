import type { Dispatcher } from 'undici'
import { eraFromRoutes, type Era, type PoolNode } from './node.ts'
import type { LlmLimits } from './limits.ts'
import { isToolError } from '../../registry/errors.ts'
import { isRecord, type Json, parseRecord, recordsIn, textOf } from './json.ts'

/** What a probe found out. */
export type ProbeResult = {
  outcome: 'well' | 'sleeping' | 'unwell' | 'silent' | 'gone'
  reason?: string
  hasHealth?: boolean
  models?: string[]
  era?: Era
}

type Asking = { dispatcher: Dispatcher; limits: LlmLimits; now: () => number }

/** The answer to a GET, its body bounded and read to the end. */
async function get(node: PoolNode, path: string, { dispatcher, limits }: Asking) {
  const { statusCode, body } = await dispatcher.request({
    origin: node.origin,
    path: node.prefix + path,
    method: 'GET',
    headers: node.headers,
    signal: AbortSignal.timeout(limits.probeTimeoutMs),
  })
  let bytes = 0
  const parts: Buffer[] = []
  for await (const part of body as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > limits.eventBytesMax) break
    parts.push(part)
  }
  return { status: statusCode, json: parseRecord(Buffer.concat(parts).toString()) }
}

/**
 * Asks a node how it is. `/health` came with 0.5.0 and looks at the engine from 0.14 on; a node
 * without it is asked for its models, which every version answers.
 */
export async function probeNode(node: PoolNode, asking: Asking): Promise<ProbeResult> {
  try {
    const health = node.hasHealth === false ? undefined : await get(node, '/health', asking)
    const hasHealth = health !== undefined && health.status !== 404 && health.status !== 405
    if (hasHealth) {
      const sick = sickness(health)
      if (sick) return { ...sick, hasHealth }
    }
    const era = node.era ? {} : await askEra(node, asking)
    const stale = asking.now() - node.modelsAt >= asking.limits.modelsMs
    if (hasHealth && node.modelsKnown && (node.spec.models || !stale)) {
      return { outcome: 'well', hasHealth, ...era }
    }
    return { ...(await askModels(node, asking)), hasHealth, ...era }
  } catch (error) {
    return { outcome: isTimeout(error) ? 'silent' : 'gone', reason: reasonOf(error) }
  }
}

function sickness({ status, json }: { status: number; json: Json | undefined }) {
  if (status === 200) {
    return json?.['status'] === 'sleeping'
      ? { outcome: 'sleeping' as const, reason: 'the engine sleeps: POST /wakeup on the node' }
      : undefined
  }
  return {
    outcome: 'unwell' as const,
    reason: textOf(json?.['message']) ?? `/health says ${status}`,
  }
}

async function askModels(node: PoolNode, asking: Asking): Promise<ProbeResult> {
  const { status, json } = await get(node, '/v1/models', asking)
  if (status === 401 || status === 403) {
    return { outcome: 'unwell', reason: 'it refuses the key it was configured with' }
  }
  if (status !== 200) return { outcome: 'unwell', reason: `/v1/models says ${status}` }
  const models = recordsIn(json?.['data']).flatMap(({ id }) => textOf(id) ?? [])
  return { outcome: 'well', models: [...new Set(models)].slice(0, asking.limits.modelsMax) }
}

/** A node may hide its document; then nothing is known and the careful way is taken. */
async function askEra(node: PoolNode, asking: Asking): Promise<{ era?: Era }> {
  const { status, json } = await get(node, '/openapi.json', asking)
  const paths = status === 200 && isRecord(json?.['paths']) ? Object.keys(json['paths']) : []
  const era = eraFromRoutes(paths)
  return era ? { era } : {}
}

const codes = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])
const isTimeout = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'TimeoutError' || ('code' in error && codes.has(String(error.code))))

const reasonCharactersMax = 200

/** A failure in few words, without addresses that a client has no business with. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Ours are of an upstream: its address, and what is wrong with it.
  if (isToolError(error)) return textOf(error.args[1]) ?? error.code
  if (error.name === 'TimeoutError') return 'it did not answer in time'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.name === 'Error' ? error.message.slice(0, reasonCharactersMax) : error.name
}
