import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkReach, type Config, isLoopback } from '../../config.ts'
import { createKeyFile } from '../../gateway/auth/key-file.ts'
import type { Ask } from './ask.ts'
import { error, type Finding, ok, reasonOf, warning } from './finding.ts'

const mebibyte = 1_048_576

/** What the configuration says that may not be meant. */
export function checkConfig(config: Config): Finding[] {
  const check = 'config'
  const { host, keys, anonymous, keyInQuery, corsOrigins } = config
  const findings = [ok(check, 'is read and fits together')]
  if (!isLoopback(host) && anonymous)
    findings.push(
      warning(
        check,
        `anybody who reaches ${host} may call tools`,
        'set a key and no TOOLGATE_ANONYMOUS',
      ),
    )
  const short = keys.find(one => 'key' in one && typeof one.key === 'string' && one.key.length < 16)
  if (short)
    findings.push(
      warning(check, `the key ${short.id} is short`, 'make one with openssl rand -hex 24'),
    )
  if (keyInQuery)
    findings.push(
      warning(check, 'keys in URLs end up in logs of others', 'unset TOOLGATE_KEY_IN_QUERY'),
    )
  if (!isLoopback(host) && keys.length === 0 && corsOrigins.includes('*'))
    findings.push(warning(check, 'any web page may call this gateway', 'set TOOLGATE_CORS_ORIGINS'))
  if (signsAlone(config))
    findings.push(
      warning(
        check,
        'each process signs the URLs of files for itself: after a restart, or at another replica, they open nothing without a key',
        'set TOOLGATE_SECRET, to the same value for all replicas',
      ),
    )
  return findings
}

/** Whether it would listen where it is told to: off loopback that takes a key. Redis may hold one. */
export async function checkKeys(config: Config): Promise<Finding[]> {
  try {
    const made = await createKeyFile(config.keyFile).read()
    const stated = config.keys.length > 0 || config.jwt !== undefined
    if (config.redisUrl === undefined) checkReach(config, stated || made?.length !== 0)
    return []
  } catch (cause) {
    return [error('config', (cause as Error).message, 'the gateway does not start like this')]
  }
}

/** True where files may be asked of another process than the one that named them. */
const signsAlone = ({ secret, keys, anonymous, redisUrl, publicUrl }: Config): boolean =>
  secret === undefined &&
  keys.length === 0 &&
  !anonymous &&
  (redisUrl !== undefined || publicUrl !== undefined)

/** Whether files, and the audit trail, can be written. */
export async function checkFolders(config: Config): Promise<Finding[]> {
  const { to } = config.audit
  return [
    ...(await checkFolder('files', config.files, config.limits.filesBytesMax)),
    ...(to === undefined || to === 'stdout'
      ? []
      : await checkFolder('audit', dirname(to), config.audit.fileBytesMax * config.audit.filesMax)),
  ]
}

async function checkFolder(check: string, folder: string, bytesMax: number): Promise<Finding[]> {
  const probe = join(folder, `.doctor-${process.pid}`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(probe, 'x')
    await rm(probe)
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize < bytesMax)
      return [
        warning(
          check,
          `${folder} has ${Math.round((bavail * bsize) / mebibyte)} MiB left, less than it may be filled with`,
          `make room, or lower the limit of ${check}`,
        ),
      ]
    return [ok(check, `${folder} can be written`)]
  } catch (cause) {
    return [
      error(
        check,
        `${folder} cannot be written: ${reasonOf(cause)}`,
        'let the user that runs the gateway write there, or name another folder',
      ),
    ]
  }
}

/** Whether the collector of traces takes any. */
export async function checkTraces({ traces }: Config, ask: Ask): Promise<Finding[]> {
  const check = 'traces'
  if (traces.endpoint === undefined) return []
  try {
    const url = `${traces.endpoint.replace(/\/+$/, '')}/v1/traces`
    const { status } = await ask(url, { headers: traces.headers, body: { resourceSpans: [] } })
    if (status < 300) return [ok(check, 'the collector takes them')]
    return [
      error(
        check,
        `the collector answers ${status}`,
        'OTEL_EXPORTER_OTLP_ENDPOINT is the base of an OTLP/HTTP receiver, OTEL_EXPORTER_OTLP_HEADERS its key',
      ),
    ]
  } catch (cause) {
    return [
      error(
        check,
        `the collector cannot be reached: ${reasonOf(cause)}`,
        'start it, or unset the endpoint',
      ),
    ]
  }
}
