import type { Config } from '../config.ts'
import type { Registry } from '../registry/registry.ts'
import { type Ask, ask as askNetwork } from './doctor/ask.ts'
import { checkConfig, checkFolders, checkKeys, checkTraces } from './doctor/check-here.ts'
import { checkNodes } from './doctor/check-nodes.ts'
import { checkPublicUrl, checkSources, checkTools } from './doctor/check-reach.ts'
import { checkRedis } from './doctor/check-redis.ts'
import { error, type Finding } from './doctor/finding.ts'

export type { Finding } from './doctor/finding.ts'

/** What is examined: a gateway as it would be started here and now. */
export type Patient = () => Promise<{ config: Config; registry: Registry }>

/** Examines everything at once; a configuration that cannot be read is a finding too. */
export async function examine(patient: Patient, ask: Ask = askNetwork): Promise<Finding[]> {
  let parts: Awaited<ReturnType<Patient>>
  try {
    parts = await patient()
  } catch (cause) {
    const lines = (cause as Error).message.split('\n')
    return lines.map(line => error('config', line, 'mend this in the environment or in the file'))
  }
  const { config, registry } = parts
  const found = await Promise.all([
    checkKeys(config),
    checkFolders(config),
    checkRedis(config.redisUrl),
    checkNodes(config.llm.nodes, ask),
    checkTools(registry, config.settings, ask),
    checkSources(config, ask),
    checkPublicUrl(config, ask),
    checkTraces(config, ask),
  ])
  return [...checkConfig(config), ...found.flat()]
}

/** `toolgate doctor`: prints what it found; the exit code is 1 if anything does not work. */
export async function doctorCommand(patient: Patient, flags: { json: boolean }): Promise<number> {
  const findings = await examine(patient)
  const isWell = findings.every(({ level }) => level !== 'error')
  process.stdout.write(
    flags.json ? `${JSON.stringify({ ok: isWell, findings }, null, 2)}\n` : written(findings),
  )
  return isWell ? 0 : 1
}

const signs = { ok: 'ok     ', warning: 'warning', error: 'ERROR  ' }

function written(findings: readonly Finding[]): string {
  const lines = findings.map(({ check, level, message, remedy }) =>
    [`${signs[level]}  ${check}: ${message}`, ...(remedy ? [`         → ${remedy}`] : [])].join(
      '\n',
    ),
  )
  const count = (level: Finding['level']): number =>
    findings.filter(finding => finding.level === level).length
  return `${lines.join('\n')}\n${count('error')} errors, ${count('warning')} warnings\n`
}
