import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { artifactsOf, fileInputsOf, type JsonObject, type Tool } from '../registry/tool.ts'
import type { CommandApp, Commands } from './commands.ts'

/** `toolgate call NAME [JSON]`: calls through the whole gateway, without a port. */
export async function callCommand(
  [name, json = '{}']: string[],
  flags: { text: boolean },
  commands: Commands,
): Promise<number> {
  if (!name) throw new Error('say which tool to call: toolgate call NAME JSON')
  const { app, registry } = await commands.app()
  try {
    const tool = registry.get(name)
    const args = tool ? await uploadFiles(app, tool, readJson(json)) : readJson(json)
    const { statusCode, body } = await app.inject({
      url: `/tools/${encodeURIComponent(name)}`,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: flags.text ? 'text/plain' : 'application/json',
      },
      payload: JSON.stringify(args),
    })
    if (statusCode !== 200) {
      process.stderr.write(`${body}\n`)
      return 1
    }
    if (flags.text || !tool) process.stdout.write(`${body}\n`)
    else {
      const output = await saveArtifacts(app, tool, JSON.parse(body) as JsonObject)
      process.stdout.write(`${JSON.stringify(output, null, 2)}\n`)
    }
    return 0
  } finally {
    await app.close()
  }
}

function readJson(json: string): JsonObject {
  try {
    return JSON.parse(json) as JsonObject
  } catch (cause) {
    throw new Error(`the arguments are not JSON: ${(cause as Error).message}`, { cause })
  }
}

/** A file input that names a file here is uploaded first. */
async function uploadFiles(app: CommandApp, tool: Tool, args: JsonObject): Promise<JsonObject> {
  const uploaded: JsonObject = {}
  for (const { name } of fileInputsOf(tool)) {
    const path = args[name]
    if (typeof path !== 'string' || !existsSync(path)) continue
    const { body, statusCode } = await app.inject({
      url: '/files',
      method: 'POST',
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(basename(path))}`,
      },
      payload: await readFile(path),
    })
    if (statusCode !== 200) throw new Error(`${path}: ${body}`)
    uploaded[name] = (JSON.parse(body) as { id: string }).id
  }
  return { ...args, ...uploaded }
}

/** Pictures and other files of the answer land in the working directory; the answer names them. */
async function saveArtifacts(app: CommandApp, tool: Tool, output: JsonObject): Promise<JsonObject> {
  const saved: JsonObject = {}
  for (const { name } of artifactsOf(tool)) {
    const url = output[name]
    if (typeof url !== 'string') continue
    const { pathname, search } = new URL(url)
    const { rawPayload } = await app.inject({ url: pathname + search, method: 'GET' })
    const path = `${tool.name}-${name}${pathname.slice(pathname.lastIndexOf('.'))}`
    await writeFile(path, rawPayload)
    saved[name] = path
  }
  return { ...output, ...saved }
}
