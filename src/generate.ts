// Writes openapi/ and the generated pages of docs/: the API's review surface, diffed in CI.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { parseConfig } from './config.ts'
import { errorsPage } from './docs/errors-page.ts'
import { toolsPage } from './docs/tools-page.ts'
import { buildApp } from './gateway/app.ts'
import { createRegistry } from './registry/registry.ts'
import { dialects } from './registry/views/dialects.ts'
import { profiles } from './registry/views/profiles.ts'
import { tools } from './tools/index.ts'

const root = new URL('../', import.meta.url)
const files = join(tmpdir(), `toolgate-generate-${process.pid}`)
const config = parseConfig({ TOOLGATE_FILES: files })
const registry = createRegistry(tools, { settings: config.settings })
const app = await buildApp({ config, registry, version: '0.1.0', log: pino({ level: 'silent' }) })

const documents = Object.keys(profiles).map(name => [
  `openapi/${name}.json`,
  name === 'core' ? '/openapi.json' : `/openapi/${name}.json`,
])
const schemas = Object.keys(dialects).map(name => [
  `openapi/dialects/${name}.json`,
  `/registry/${name}`,
])

await mkdir(new URL('openapi/dialects/', root), { recursive: true })
for (const [path = '', url = ''] of [...documents, ...schemas])
  await write(path, `${JSON.stringify(await get(url), null, 2)}\n`)
await write('docs/errors.md', errorsPage())
await write('docs/tools.md', toolsPage(registry.list()))
await app.close()
await rm(files, { recursive: true, force: true })

/** All built-in tools, whether or not this machine could run them. */
async function get(url: string): Promise<unknown> {
  const answer = await app.inject({
    url: `${url}?available=all`,
    headers: { host: `${config.host}:${config.port}` },
  })
  if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.body}`)
  return answer.json<unknown>()
}

async function write(path: string, text: string): Promise<void> {
  await writeFile(new URL(path, root), text)
  process.stdout.write(`${path}\n`)
}
