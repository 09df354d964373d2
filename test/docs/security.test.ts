import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const page = await readFile(new URL('docs/security.md', root), 'utf8')

t.test('each claim leads to a test that is there', async t => {
  const claims = page.split(/^- /m).slice(1)
  t.ok(claims.length > 10)
  for (const claim of claims) {
    const [, path = ''] = /\]\(\.\.\/(test\/[^)]+)\)/.exec(claim) ?? []
    t.ok(path && existsSync(new URL(path, root)), claim)
    const [, name] = /\)\s+"([^"]+)"/.exec(claim) ?? []
    if (name !== undefined)
      t.match(await readFile(new URL(path, root), 'utf8'), name.replaceAll(/\s+/g, ' '), name)
  }
})
