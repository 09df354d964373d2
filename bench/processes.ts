import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

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
  children.add(child.once('exit', () => children.delete(child)))
  const url = await firstAddress(child)
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      if (child.exitCode !== null) return child.exitCode
      child.kill('SIGTERM')
      const [code] = (await once(child, 'exit')) as [number | null]
      return code
    },
  }
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
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  children.add(child.once('exit', () => children.delete(child)))
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('Ready to accept connections')) break
  child.stdout.resume()
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGKILL')
      await once(child, 'exit')
      return child.exitCode
    },
  }
}
