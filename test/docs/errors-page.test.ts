import { readFile } from 'node:fs/promises'
import t from 'tap'
import { errorsPage, sampleOf } from '../../src/docs/errors-page.ts'
import { type ErrorCode, errors } from '../../src/registry/errors.ts'

const codes = Object.keys(errors) as ErrorCode[]

t.test('docs/errors.md has a section for each code, and none besides', async t => {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const sections = [...page.matchAll(/^## (\S+)$/gm)].flatMap(([, code = '']) => code)
  t.same(sections.toSorted(), codes.toSorted())
  t.equal(page, errorsPage(), 'and is as npm run generate writes it')
})

t.test('each code states its status, its occasion and a sample of its message', async t => {
  const page = errorsPage()
  for (const code of codes) {
    const { status, when } = errors[code]
    t.match(page, `| ${status} | [\`${code}\`](#${code.toLowerCase()}) | ${when} |`, code)
    t.match(page, `> ${sampleOf(code).message}`, `${code} says something`)
  }
})

t.test('an error that says when to come back says so on the page', async t => {
  t.match(errorsPage(), 'With `Retry-After`, here 42.')
})
