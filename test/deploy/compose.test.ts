import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { variableNames } from '../../src/config.ts'

// That the file fits the public schema of Compose is checked by .ci/run, which may use the network.
type Service = {
  environment?: Record<string, string>
  ports?: string[]
  depends_on?: unknown
  profiles?: string[]
  privileged?: boolean
  cap_drop?: string[]
  read_only?: boolean
  security_opt: string[]
  deploy: { resources: { limits: Record<string, string> } }
  healthcheck?: { test: string[] }
  build?: string
}
const file = await readFile(new URL('../../docker-compose.yml', import.meta.url), 'utf8')
const { services } = parse(file) as { services: Record<string, Service> }

t.test('what is published is published on this machine alone', async t => {
  for (const [name, { ports = [] }] of Object.entries(services))
    for (const port of ports) t.match(port, /^127\.0\.0\.1:\d+:\d+$/, `${name} ${port}`)
})

t.test('the gateway waits for nobody: Redis and the LLM may be absent', async t => {
  t.equal(services['gateway']?.depends_on, undefined)
  t.same(services['lmdeploy']?.profiles, ['gpu'], 'without a GPU the rest comes up')
})

t.test('the gateway is open on loopback unless told otherwise, and takes a key', async t => {
  const { environment = {} } = services['gateway'] ?? {}
  t.equal(environment['TOOLGATE_ANONYMOUS'], '${TOOLGATE_ANONYMOUS:-1}')
  t.equal(environment['TOOLGATE_KEY'], '${TOOLGATE_KEY:-}')
  for (const name of Object.keys(environment))
    t.ok(variableNames.includes(name), `${name} is a variable the gateway reads`)
})

t.test('each service has bounds, a health check and no privileges to gain', async t => {
  for (const [name, service] of Object.entries(services)) {
    const { memory, pids } = service.deploy.resources.limits
    t.ok(memory, `${name} has a limit of memory`)
    t.ok(pids, `${name} has a limit of processes`)
    t.same(service.security_opt, ['no-new-privileges:true'], name)
    t.ok(service.healthcheck ?? service.build, `${name} is checked here or by its image`)
  }
  for (const name of ['gateway', 'redis']) {
    t.equal(services[name]?.read_only, true, `${name} has a read-only file system`)
    t.same(services[name]?.cap_drop, ['ALL'], `${name} has no capabilities`)
  }
})
