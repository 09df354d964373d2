#!/usr/bin/env node
// Starts src/main.ts on a Node that runs TypeScript: this one if it is new enough, else the pinned one.
// What .env states is read here: Node's own flag breaks the end of `node --watch` when there is no file.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire, enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const main = fileURLToPath(new URL('../main.ts', import.meta.url))

if (major > 24 || (major === 24 && minor >= 12)) {
  // Stripped and compiled once; later starts take less time and memory.
  enableCompileCache()
  if (existsSync('.env')) process.loadEnvFile('.env')
  const { main: run } = await import(main)
  await run(process.argv.slice(2), process.env)
} else {
  const pinned = createRequire(import.meta.url).resolve('node/bin/node')
  const args = ['--env-file-if-exists=.env', main, ...process.argv.slice(2)]
  const child = spawn(pinned, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}
