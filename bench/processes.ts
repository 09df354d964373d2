import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { freePort } from '../test/fixtures/free-port.ts'

const children = new Set<ChildProcess>()
// A bench that fails leaves nothing behind.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** A server in a process of its own, so that two never share an event loop. */
export type Server = {
  url: string
  pid: number
  /** Ends it; gives its exit code. */
  stop(): Promise<number | null>
}

/** Seconds of CPU that a server has used so far, all its threads together; a tick is 10 ms. */
export async function cpuSeconds({ pid }: Server): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name, in brackets, may hold spaces: fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Starts a TypeScript file that prints its address as its first line. */
export async function startServer(
  file: string,
  env: Record<string, string> = {},
  args: string[] = [],
): Promise<Server> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = follow(child)
  const url = await firstAddress(child)
  return {
    url,
    pid: child.pid ?? 0,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

/** Its exit code, whenever it ends; null where a signal ended it. */
async function follow(child: ChildProcess): Promise<number | null> {
  children.add(child)
  const [code] = (await once(child, 'exit')) as [number | null]
  children.delete(child)
  return code
}

async function firstAddress(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output')
  for await (const line of createInterface({ input: child.stdout })) {
    const [address] = line.match(/http:\/\/[\w.:[\]]+/) ?? []
    if (!address) continue
    child.stdout.resume()
    return address
  }
  throw new Error('the server ended before it listened')
}

/** A Redis of our own, on a port that the system chose; undefined where none is installed. */
export async function startRedis(): Promise<Server> {
  const port = await freePort()
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = follow(child)
  await untilReady(child.stdout)
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop() {
      child.kill('SIGKILL')
      return ended
    },
  }
}

async function untilReady(output: Readable): Promise<void> {
  for await (const line of createInterface({ input: output })) {
    if (!line.includes('Ready to accept connections')) continue
    output.resume()
    return
  }
  throw new Error('Redis ended before it was ready')
}
