import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { configSchema, parseConfig, variableNames } from '../src/config.ts'
import { tools } from '../src/tools/index.ts'
import { blocksOf, linksOf, pages, rowsOf } from './fixtures/pages.ts'

const readmes = ['README.md', 'README.zh-CN.md']
const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), 'utf8')
/** The names in code marks that a table's first column holds. */
const namesIn = (page: string, pattern: RegExp) =>
  rowsOf(page)
    .flatMap(([first = '']) => [...first.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
    .filter(name => pattern.test(name))
    .sort()

const manifest = JSON.parse(await read('package.json')) as Record<string, Record<string, string>>
const packages = new Set(
  Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'] }),
)

for (const path of readmes) {
  const page = await read(path)

  t.test(`${path} shows the tool of the examples, in under 30 lines`, async t => {
    const [code = ''] = blocksOf(page, 'ts')
    t.equal(`${code}\n`, await read('examples/hello-tool/days-between.ts'))
    t.ok(code.split('\n').length < 30)
  })

  t.test(`${path} lists the tools there are, and no others`, async t => {
    const known = new Set(tools.map(({ name }) => name))
    const listed = namesIn(page, /^[a-z]+(_[a-z]+)*$/).filter(name => !packages.has(name))
    t.same(listed, [...known].sort())
  })

  t.test(`${path} lists the variables there are, and no others`, async t => {
    t.same(namesIn(page, /^[A-Z][A-Z_]+$/), [...variableNames].sort())
  })

  t.test(`${path} gives each dependency and its reason`, async t => {
    const reasons = rowsOf(page).filter(([first = '', , third]) => {
      const [, name = ''] = /^`([^`]+)`$/.exec(first) ?? []
      return third === undefined && packages.has(name)
    })
    t.same(reasons.map(([first = '']) => first.slice(1, -1)).sort(), [...packages].sort())
    for (const [name = '', reason] of reasons) t.ok(reason, name)
  })
}

t.test('both languages give the same commands', async t => {
  const [english, chinese] = await Promise.all(readmes.map(read))
  for (const language of ['sh', 'bash'])
    t.same(blocksOf(chinese ?? '', language), blocksOf(english ?? '', language), language)
})

t.test(
  'docs/configuration.md lists every key of the file with its default, and no others',
  async t => {
    const rows = rowsOf(await read('docs/configuration.md'))
    const listed = new Map(rows.map(([key = '', standard = '']) => [key, standard]))
    const { settings: _settings, ...defaults } = parseConfig({})
    const keys = [
      ...Object.keys(configSchema.properties),
      ...Object.keys(defaults.limits).map(name => `limits.${name}`),
      ...Object.keys(defaults.llm).map(name => `llm.${name}`),
    ].filter(key => key !== 'limits' && key !== 'llm')
    t.same(
      [...listed.keys()].filter(key => key.startsWith('`')).sort(),
      keys.map(key => `\`${key}\``).sort(),
    )
    const flat: Record<string, unknown> = {
      ...defaults,
      ...Object.fromEntries(Object.entries(defaults.limits).map(([k, v]) => [`limits.${k}`, v])),
    }
    for (const [key, value] of Object.entries(flat))
      if (typeof value === 'number' || typeof value === 'string')
        t.equal(listed.get(`\`${key}\``), `\`${JSON.stringify(value)}\``, key)
  },
)

t.test('every link between pages leads somewhere', async t => {
  for (const { path, text } of await pages())
    for (const link of linksOf(text)) {
      if (/^(https?:|#|mailto:)/.test(link)) continue
      const target = new URL(link.replace(/#.*/, ''), new URL(`../${path}`, import.meta.url))
      t.ok(existsSync(target), `${path}: ${link}`)
    }
})
