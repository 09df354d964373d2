import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parseConfig } from '../../src/config.ts'
import { configuredSources } from '../../src/registry/sources/configured.ts'
import { describe } from '../../src/registry/sources/describe.ts'
import { sourceId } from '../../src/registry/sources/source.ts'

const page = await readFile(new URL('../../docs/sources.md', import.meta.url), 'utf8')
const env = { TICKETS_TOKEN: 't', ISSUES_TOKEN: 'i' }

t.test('every configuration of the page is one', async t => {
  const blocks = [...page.matchAll(/```json\n([^]*?)```/g)].map(([, block = '']) => block)
  t.equal(blocks.length, 4)
  const sources = blocks.flatMap(block => configuredSources(parseConfig(env, JSON.parse(block))))
  t.same(sources.map(sourceId), [
    'pets',
    'lego',
    'docs',
    'tickets',
    'filesystem',
    'issues',
    'magicmaker',
  ])
  const maker = sources.find(({ kind }) => kind === 'http')
  t.match(maker && describe(maker, { text: '', url: '' }).drafts, [
    { local: 'picture', input: { required: ['keywords'] }, output: { required: ['image'] } },
  ])
})
