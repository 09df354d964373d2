import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const page = await readFile(new URL('docs/security.md', root), 'utf8')

t.test('each claim leads to a test that is there', async t => {
  const claims = page.split(/^- /m).slice(1)
  t.ok(claims.length > 40)
  for (const claim of claims) {
    const [, path = ''] = /\]\(\.\.\/(test\/[^)]+)\)/.exec(claim) ?? []
    t.ok(path && existsSync(new URL(path, root)), claim)
    const [, name] = /\)\s+"([^"]+)"/.exec(claim) ?? []
    if (name !== undefined)
      t.match(await readFile(new URL(path, root), 'utf8'), name.replaceAll(/\s+/g, ' '), name)
  }
})

t.test('each name of a test is one that is run', async t => {
  for (const [, path = '', name = ''] of page.matchAll(/\]\(\.\.\/(test\/[^)]+)\)\s+"([^"]+)"/g)) {
    const text = await readFile(new URL(path, root), 'utf8')
    const at = text.indexOf(name)
    t.match(text.slice(Math.max(0, at - 60), at), /t\.test\(\s*['"`]$/, `${path}: ${name}`)
  }
})

t.test('each link of each page leads to a file that is there', async t => {
  const pages = (await readdir(new URL('docs', root), { recursive: true })).filter(name =>
    name.endsWith('.md'),
  )
  for (const name of [
    ...pages.map(page => `docs/${page}`),
    'README.md',
    'README.zh-CN.md',
    'SECURITY.md',
    'AGENTS.md',
  ]) {
    const at = new URL(name, root)
    const links = [...(await readFile(at, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)]
    for (const [, link = ''] of links) {
      if (/^(https?:|mailto:)/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? at : new URL(path, at)
      t.ok(existsSync(target), `${name}: ${link}`)
      if (anchor === undefined || !target.pathname.endsWith('.md')) continue
      const anchors = [...(await readFile(target, 'utf8')).matchAll(/^#+ (.+)$/gm)].map(
        ([, title = '']) =>
          title
            .toLowerCase()
            .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
            .replaceAll(' ', '-'),
      )
      t.ok(anchors.includes(decodeURIComponent(anchor)), `${name}: ${link}`)
    }
  }
})
