import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { testApp } from '../fixtures/app.ts'
import { blocksOf, rowsOf } from '../fixtures/pages.ts'

const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
const { app } = await testApp(t)
const { body } = await app.inject('/metrics')
const told = new Map(
  [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => [name, type]),
)

t.test('the table holds every metric of ours with its type, and no others', async t => {
  const rows = rowsOf(page).filter(([name = '']) => name.startsWith('`toolgate_'))
  const listed = rows.map(([name = '', type]) => `${name.slice(1, -1)} ${type}`)
  const ours = [...told].flatMap(([name, type]) =>
    name.startsWith('toolgate_') ? `${name} ${type}` : [],
  )
  t.same(listed.sort(), ours.sort())
})

t.test('alerts look at metrics that there are', async t => {
  const [text = ''] = blocksOf(page, 'yaml')
  const { groups } = parse(text) as { groups: { rules: { alert: string; expr: string }[] }[] }
  const rules = groups.flatMap(group => group.rules)
  t.ok(rules.length > 10)
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  for (const { alert, expr } of rules)
    for (const [name] of expr.matchAll(/\b(toolgate|nodejs)_\w+/g))
      t.ok(told.has(name.replace(/_bucket$/, '')), `${alert}: ${name}`)
})
