import { parseArgs } from 'node:util'
import type { Invoke } from '../registry/call.ts'
import type { Registry } from '../registry/registry.ts'
import { searchOf } from '../registry/search.ts'
import type { Patient } from './doctor.ts'
import type { KeyDesk } from './keys.ts'

/** What the commands are thin over; main provides it. */
export type Commands = {
  serve(flags: { dev: boolean }): Promise<void>
  /** MCP over standard input and output. */
  mcp(): Promise<void>
  /** A scripted model, for trying the tool loop with no GPU. */
  devLlm(port: number): Promise<void>
  /** Where keys are kept, for `toolgate keys`. */
  keys(): Promise<KeyDesk>
  registry(): Promise<Registry>
  /** What the doctor examines. */
  patient: Patient
  app(): Promise<{
    app: CommandApp
    registry: Registry
    config: { host: string; port: number }
    version: string
  }>
}
/** The gateway, called without a port. */
export type CommandApp = {
  inject(request: {
    url: string
    method: 'GET' | 'POST'
    headers?: Record<string, string>
    payload?: string | Buffer
  }): Promise<{
    statusCode: number
    headers: Record<string, unknown>
    body: string
    rawPayload: Buffer
  }>
  close(): Promise<unknown>
  invoke: Invoke
}

const help = `toolgate: one gateway through which any agent finds and calls any tool

  toolgate [serve]              start the gateway (settings: environment or toolgate.config.json)
  toolgate tools [WORDS]        list the tools, or find some
  toolgate call NAME [JSON]     call a tool here and now; a path is taken for a file input,
                                pictures in the answer are saved; --text prints what a model reads
  toolgate openapi [PROFILE]    print the OpenAPI document: core, full, dify, gpt, coze, openwebui
  toolgate mcp                  serve MCP over stdin and stdout
  toolgate dev-llm [PORT]       start a scripted model (23333), to try the tool loop with no GPU
  toolgate keys create|list|revoke|rotate
                                make and end keys; each is printed once
  toolgate doctor [--json]      examine configuration, Redis, nodes, upstreams and the public URL,
                                and say how to mend what is wrong; the exit code is 1 if anything is
  toolgate new NAME             write the file of a new tool (into TOOLGATE_TOOLS or ./tools)
  toolgate --version, --help
`

/** Runs one command line; returns the exit code. A command is loaded when it is named. */
export async function runCommand(args: readonly string[], commands: Commands): Promise<number> {
  // It has flags of its own.
  if (args[0] === 'keys') {
    const { keysCommand } = await import('./keys.ts')
    return keysCommand(args.slice(1), () => commands.keys())
  }
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
      dev: { type: 'boolean' },
      text: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  })
  if (values.help) return print(help)
  if (values.version) return printVersion(commands)
  const [name = 'serve', ...rest] = positionals
  switch (name) {
    case 'serve':
      await commands.serve({ dev: values.dev ?? false })
      return 0
    case 'tools':
      return printTools(await commands.registry(), rest.join(' '))
    case 'call':
      return (await import('./call.ts')).callCommand(rest, { text: values.text ?? false }, commands)
    case 'mcp':
      await commands.mcp()
      return 0
    case 'dev-llm':
      await commands.devLlm(Number(rest[0] ?? 23_333))
      return 0
    case 'openapi':
      return printDocument(rest[0] ?? 'core', commands)
    case 'doctor':
      return (await import('./doctor.ts')).doctorCommand(commands.patient, {
        json: values.json ?? false,
      })
    case 'new':
      return (await import('./new.ts')).newCommand(rest[0])
    default:
      process.stderr.write(`toolgate: there is no command "${name}"\n\n${help}`)
      return 2
  }
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

async function printTools(registry: Registry, words: string): Promise<number> {
  const tools = words ? (await searchOf(registry)(words)).map(({ tool }) => tool) : registry.list()
  const width = Math.max(0, ...tools.map(({ name }) => name.length))
  const lines = tools.map(({ name, description }) => {
    const missing = registry.unavailable(name)
    return `${name.padEnd(width)}  ${missing ? `unavailable: ${missing.reason}; ${missing.remedy}` : description}`
  })
  return print(lines.join('\n'))
}

async function printDocument(profile: string, commands: Commands): Promise<number> {
  const { app, config } = await commands.app()
  try {
    const url =
      profile === 'core' ? '/openapi.json' : `/openapi/${encodeURIComponent(profile)}.json`
    // The document names the address at which the gateway would listen.
    const headers = { host: `${config.host}:${config.port}` }
    const { statusCode, body } = await app.inject({ url, method: 'GET', headers })
    if (statusCode !== 200) throw new Error(`there is no profile "${profile}"`)
    return print(JSON.stringify(JSON.parse(body), null, 2))
  } finally {
    await app.close()
  }
}

async function printVersion(commands: Commands): Promise<number> {
  const { app, version } = await commands.app()
  await app.close()
  return print(version)
}
