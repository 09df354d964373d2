import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Type from 'typebox'
import { Value } from 'typebox/value'

/** What a Python baseline says of one picture. */
export type Answer = { ms: number; text: string }
/** A Python program that answers a line with a line. */
export type Baseline = { ask(line: string): Promise<Answer>; end(): void }

const Answer = Type.Object({ ms: Type.Number(), text: Type.String() })
const python = process.env['TOOLGATE_BENCH_PYTHON'] ?? 'python3'

/**
 * Starts a baseline of bench/baselines with the interpreter in TOOLGATE_BENCH_PYTHON; undefined
 * when it or a package is missing.
 */
export async function startPython(
  name: string,
  args: readonly (string | number)[],
  warmUp: string,
): Promise<Baseline | undefined> {
  const script = fileURLToPath(new URL(`baselines/${name}.py`, import.meta.url))
  const child = spawn(python, [script, ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = Promise.race([once(child, 'exit'), once(child, 'error')]).then(() => undefined)
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (line: string): Promise<Answer | undefined> => {
    child.stdin.write(`${line}\n`)
    const answer = await Promise.race([lines.next(), ended])
    return answer && !answer.done ? Value.Parse(Answer, JSON.parse(answer.value)) : undefined
  }
  if (!(await ask(warmUp))) return undefined
  return {
    async ask(line) {
      const answer = await ask(line)
      if (!answer) throw new Error(`the baseline ${name} ended`)
      return answer
    },
    end: () => void child.kill(),
  }
}
