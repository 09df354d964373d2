import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'

/** One figure: what was measured, what was seen, what the budget is. */
export type Figure = { what: string; seen: string; goal: string; note?: string }

const page = new URL('../docs/benchmarks.md', import.meta.url)
const head = `# Benchmarks

Ratios against a baseline in the same run, since machines differ and are noisy. Each table names the
command that made it.
`

/** Prints figures, and with --write puts them into docs/benchmarks.md under their section. */
export async function report(section: string, figures: readonly Figure[]): Promise<void> {
  const rows = figures.map(
    ({ what, seen, goal, note }) => `| ${what} | ${seen} | ${goal} | ${note ?? ''} |`,
  )
  const table = ['| what | seen | budget | note |', '| --- | --- | --- | --- |', ...rows].join('\n')
  process.stdout.write(`${table}\n`)
  if (!process.argv.includes('--write')) return
  const text = existsSync(page) ? await readFile(page, 'utf8') : head
  const made = `\`node bench/${section}.ts\`, ${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`
  const block = `<!-- ${section} -->\n## ${section}\n\n${made}\n\n${table}\n<!-- /${section} -->`
  const known = new RegExp(`<!-- ${section} -->[^]*<!-- /${section} -->`)
  await writeFile(page, known.test(text) ? text.replace(known, block) : `${text}\n${block}\n`)
}
