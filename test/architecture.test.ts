import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const filesOf = (...patterns: string[]): string[] =>
  globSync(patterns, { cwd: root, exclude: ['**/node_modules/**'] })
const sources = filesOf('src/**/*.ts')

/** What each room may import of src. What is in none, `main.ts` among it, may import anything. */
const rooms: Record<string, string[]> = {
  'src/config.ts': ['src/config'],
  'src/config': ['src/config'],
  'src/registry': ['src/registry'],
  'src/tools': ['src/tools', 'src/registry'],
  'src/gateway': ['src/gateway', 'src/registry', 'src/config.ts'],
  'src/docs': ['src/docs', 'src/registry', 'src/config.ts'],
}
const isIn = (room: string) => (path: string) => path === room || path.startsWith(`${room}/`)

/** Paths of the project that a file imports, types too. */
function importsOf(path: string): string[] {
  const found = read(path).matchAll(/(?:\bfrom|\bimport\(|^import) ?'(\.{1,2}\/[^']+)'/gm)
  return [...found].map(([, name = '']) => relative(root, join(root, dirname(path), name)))
}

t.test('imports point down', async t => {
  for (const [room, allowed] of Object.entries(rooms)) {
    const upward = sources.filter(isIn(room)).flatMap(path =>
      importsOf(path)
        .filter(isIn('src'))
        .filter(imported => !allowed.some(other => isIn(other)(imported)))
        .map(imported => `${path} imports ${imported}`),
    )
    t.same(upward, [], `${room} imports ${allowed.join(', ') || 'nothing of src'}`)
  }
})

t.test('an import names a file as it is, and Node by node:', async t => {
  const short = sources.flatMap(path =>
    importsOf(path).filter(name => !/\.(ts|js|json)$/.test(name)),
  )
  t.same(short, [])
  const builtin =
    /from '(fs|path|url|util|stream|http|https|net|os|crypto|events|worker_threads)['/]/
  t.same(
    sources.filter(path => builtin.test(read(path))),
    [],
  )
})

/** Code without its comments, so that a word of a sentence is not taken for a type. */
const codeOf = (path: string): string =>
  read(path)
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')

t.test('nothing is left half done', async t => {
  const banned: [string, RegExp, (path: string) => string][] = [
    ['words of unfinished work', /\b(TODO|FIXME|XXX)\b/, read],
    ['a checker that is silenced', /@ts-(ignore|expect-error|nocheck)/, read],
    ['a test that runs alone', /\b(t|test|describe|it)\.only\(/, codeOf],
    ['any', /(: |<|\bas )any\b(?!['"` ]*[a-z])/, codeOf],
    ["a path of somebody's machine", /\/(work|home|root|Users)\/[a-z]+\/(?!\.\.)/, read],
  ]
  const own = 'test/architecture.test.ts'
  const paths = filesOf('{src,test,bench,examples}/**/*.ts').filter(path => path !== own)
  for (const [what, words, text] of banned)
    t.same(
      paths.filter(path => words.test(text(path))),
      [],
      what,
    )
})

t.test('a file can be seen whole', async t => {
  const linesMax = 300
  const long = sources
    .map(path => ({ path, lines: read(path).split('\n').length - 1 }))
    .filter(({ lines }) => lines > linesMax)
  t.same(long, [])
})

t.test('only the composition root and the command read the environment', async t => {
  const readers = sources.filter(path => /\bprocess\.env\b/.test(codeOf(path)))
  t.same(
    readers.filter(path => path !== 'src/main.ts' && !isIn('src/cli')(path)),
    [],
  )
})
