import { enableCompileCache } from 'node:module'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { Job } from './describe.ts'

// The body of a thread. Most of its start is the compiling of what it imports, so that comes after this.
if (!isMainThread && parentPort) {
  const job = workerData as Job
  if (job.usesCompileCache) enableCompileCache()
  const { work } = await import('./describe-work.ts')
  await work(parentPort, job)
}
