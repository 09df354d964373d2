import { write } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { TrailSink } from './trail.ts'

const newline = 0x0a
const writeTo = promisify(write)

/** A descriptor that is open already, as standard output is: a slow reader holds up no call. */
export const descriptorSink = (descriptor: number): TrailSink => ({
  write: async bytes => (await writeTo(descriptor, bytes)) as unknown as number,
  close: () => Promise.resolve(),
})

/** A file that is put aside as `.1` before it grows over its bound; lines are never torn. */
export function fileSink(
  path: string,
  limits: { fileBytesMax: number; filesMax: number },
): TrailSink {
  let file: FileHandle | undefined
  let size = 0
  let atLineStart = true

  return {
    async write(bytes) {
      file ??= await openFile()
      if (atLineStart && size > 0 && size + bytes.length > limits.fileBytesMax) await rotate()
      const { bytesWritten } = await (file ??= await openFile()).write(bytes)
      size += bytesWritten
      if (bytesWritten > 0) atLineStart = bytes[bytesWritten - 1] === newline
      return bytesWritten
    },
    close: async () => file?.close(),
  }

  async function openFile(): Promise<FileHandle> {
    await mkdir(dirname(path), { recursive: true })
    // Who called what is not for everybody on the machine.
    const opened = await open(path, 'a', 0o600)
    size = (await opened.stat()).size
    return opened
  }

  async function rotate(): Promise<void> {
    await file?.close()
    file = undefined
    const old = (index: number): string => (index === 0 ? path : `${path}.${index}`)
    await rm(old(limits.filesMax - 1), { force: true })
    for (let index = limits.filesMax - 2; index >= 0; index -= 1)
      await rename(old(index), old(index + 1)).catch(ignoreMissing)
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
