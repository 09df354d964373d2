import t from 'tap'
import { createRegistry, registryLimits, type RegistryEvent } from '../../src/registry/registry.ts'
import { echoTool, manyTools } from '../fixtures/tools.ts'

const noLint = { lint: () => [] }
const names = (tools: readonly { name: string }[]): string[] => tools.map(({ name }) => name)

t.test('lists its tools by name and finds each', async t => {
  const [a, b] = [echoTool({ name: 'a' }), echoTool({ name: 'b' })]
  const registry = createRegistry([b, a])
  t.same(names(registry.list()), ['a', 'b'])
  t.equal(registry.get('b'), b)
  t.equal(registry.get('c'), undefined)
  t.equal(registry.nearest('B'), 'b')
})

t.test('a tool that breaks a rule stops the start with a sentence', async t => {
  const refusals: [string, Parameters<typeof createRegistry>[0], RegExp][] = [
    ['a name twice', [echoTool(), echoTool()], /tool "echo" is defined twice: give one of them/],
    ['a capital', [echoTool({ name: 'Echo' })], /tool "Echo": .*a-z/],
    ['a dash', [echoTool({ name: 'echo-it' })], /tool "echo-it": .*a-z/],
    ['a digit first', [echoTool({ name: '1st' })], /tool "1st": /],
    ['no name', [echoTool({ name: '' })], /tool "": /],
    ['61 characters', [echoTool({ name: 'a'.repeat(61) })], /60 characters/],
    ['no description', [echoTool({ description: '' })], /tool "echo": .*description/],
  ]
  for (const [what, tools, message] of refusals)
    t.throws(() => createRegistry(tools), { message }, what)
  t.throws(
    () => createRegistry([echoTool({ name: 'A' }), echoTool({ name: 'B' })]),
    { message: /tool "A"[^]*\n[^]*tool "B"/ },
    'all mistakes are said at once',
  )
})

t.test('a tool whose needs are unmet is listed with the reason', async t => {
  const why = { reason: 'no key is set', remedy: 'set KEY' }
  const keyed = echoTool({ name: 'keyed', requires: ({ KEY }) => (KEY ? undefined : why) })
  const without = createRegistry([keyed, echoTool()])
  t.same(names(without.list()), ['echo', 'keyed'])
  t.same(names(without.available()), ['echo'])
  t.same(without.unavailable('keyed'), why)
  const given = createRegistry([keyed], { settings: { KEY: 'x' } })
  t.same(names(given.available()), ['keyed'])
  t.equal(given.unavailable('keyed'), undefined)
})

t.test('a source puts all its tools at once, and takes them away', async t => {
  const registry = createRegistry([echoTool()], noLint)
  const events: RegistryEvent[] = []
  const stop = registry.subscribe(event => events.push(event))
  const [one, two] = [
    echoTool({ name: 'shop_one', source: 'shop' }),
    echoTool({ name: 'shop_two', source: 'shop' }),
  ]
  registry.put('shop', [one, two])
  registry.put('shop', [one, echoTool({ name: 'shop_three', source: 'shop', version: '2.0.0' })])
  registry.remove('shop')
  registry.remove('shop')
  t.same(names(registry.list()), ['echo'])
  t.same(
    events.map(({ event, name, available }) => `${event} ${name} ${available}`),
    [
      'tool.added shop_one true',
      'tool.added shop_two true',
      'tool.removed shop_two false',
      'tool.added shop_three true',
      'tool.removed shop_one false',
      'tool.removed shop_three false',
    ],
  )
  t.same(events[3], {
    event: 'tool.added',
    name: 'shop_three',
    version: '2.0.0',
    available: true,
    revision: 5,
  })
  stop()
  registry.put('shop', [one])
  t.equal(events.length, 6, 'who has unsubscribed hears no more')
})

t.test('a source neither takes a name of another nor changes anything when it fails', async t => {
  const registry = createRegistry([echoTool()])
  const put = () =>
    registry.put('shop', [echoTool({ name: 'shop_one' }), echoTool({ source: 'shop' })])
  t.throws(put, { message: /"echo" is defined twice/ })
  t.same(names(registry.list()), ['echo'])
  t.equal(registry.revision, 1)
})

t.test('tools are of the source that puts them', async t => {
  const registry = createRegistry([], noLint)
  registry.put('shop', [echoTool()])
  t.equal(registry.get('echo')?.source, 'shop')
  registry.remove('shop')
  t.equal(registry.get('echo'), undefined)
})

t.test('a changed tool is told as one, an unchanged one is not', async t => {
  const registry = createRegistry([], noLint)
  const first = echoTool({ source: 'local' })
  registry.put('local', [first])
  registry.put('local', [first])
  t.equal(registry.revision, 1)
  registry.put('local', [echoTool({ source: 'local', version: '1.0.1' })])
  t.match(registry.since(1), [{ event: 'tool.changed', version: '1.0.1', revision: 2 }])
})

t.test('a probe makes a tool unavailable and available again', async t => {
  const registry = createRegistry([echoTool()])
  const why = { reason: 'its server is down', remedy: 'start it' }
  registry.setUnavailable('echo', why)
  registry.setUnavailable('echo', { ...why })
  registry.setUnavailable('nobody', why)
  t.same(registry.unavailable('echo'), why)
  t.same(registry.available(), [])
  registry.setUnavailable('echo', undefined)
  registry.setUnavailable('echo', undefined)
  t.equal(registry.unavailable('echo'), undefined)
  t.same(
    registry.since(1)?.map(({ event, available, revision }) => [event, available, revision]),
    [
      ['tool.availability', false, 2],
      ['tool.availability', true, 3],
    ],
  )
})

t.test('says what has changed since a revision, as long as it remembers', async t => {
  const registry = createRegistry(manyTools(3), noLint)
  t.same(registry.since(3), [])
  t.same(
    registry.since(1)?.map(({ name }) => name),
    ['echo_1', 'echo_2'],
  )
  t.equal(registry.since(4), undefined, 'a revision of another life')
  registry.put(
    'more',
    manyTools(registryLimits.eventsMax + 1).map(tool => ({ ...tool, name: `m_${tool.name}` })),
  )
  t.equal(registry.since(3), undefined)
  t.equal(registry.since(4)?.length, registryLimits.eventsMax)
})

t.test('a view is computed once a revision', async t => {
  const registry = createRegistry([echoTool()], noLint)
  let made = 0
  const view = () => registry.memo('view', () => ++made)
  t.same([view(), view()], [1, 1])
  registry.put('shop', [echoTool({ name: 'shop_one' })])
  t.same([view(), view()], [2, 2])
})

t.test('views nobody asks for give way to those in use', async t => {
  const registry = createRegistry([], noLint)
  const document = { json: 'x'.repeat(1024 * 1024) }
  let made = 0
  for (let slice = 0; slice < 200; slice++) {
    registry.memo(`slice ${slice}`, () => document)
    registry.memo('whole', () => ++made)
  }
  t.equal(made, 1)
  let again = false
  registry.memo('slice 0', () => (again = true))
  t.ok(again, 'the oldest slice was let go')
})

t.test('10,000 tools start, are listed, and may change', async t => {
  const tools = manyTools(10_000)
  const registry = createRegistry(tools, noLint)
  t.equal(registry.list().length, 10_000)
  registry.put(
    'shop',
    manyTools(10_000).map(tool => ({ ...tool, name: `shop_${tool.name}` })),
  )
  t.equal(registry.available().length, 20_000)
  t.equal(registry.nearest('ech_77'), 'echo_77')
  registry.remove('shop')
  t.equal(registry.available().length, 10_000)
})

t.test('there is a bound on tools', async t => {
  const tool = echoTool()
  const tools = Array.from({ length: registryLimits.toolsMax + 1 }, (_, index) => ({
    ...tool,
    name: `echo_${index}`,
  }))
  t.throws(() => createRegistry(tools, noLint), { message: /more than 100000 tools/ })
  const full = createRegistry([], noLint)
  full.put('shop', tools.slice(1))
  full.put('shop', tools.slice(1))
  t.equal(full.list().length, registryLimits.toolsMax, 'a source may put its own again')
})

t.test('a setting that changes the answers makes another build of the tool', async t => {
  const tool = echoTool({ cache: { ttlMs: 1, settings: ['MODEL'] } })
  const build = (settings: Record<string, string>) =>
    createRegistry([tool], { settings }).get(tool.name)?.build
  t.equal(build({ OTHER: 'a' }), undefined)
  t.ok(build({ MODEL: 'a' }))
  t.equal(build({ MODEL: 'a' }), build({ MODEL: 'a' }))
  t.not(build({ MODEL: 'a' }), build({ MODEL: 'b' }))
})

t.test('of many problems the first are told', async t => {
  const lint = (tool: { name: string }) => [`${tool.name} is wrong`]
  const problems = (count: number) => {
    try {
      return createRegistry(manyTools(count), { lint }).revision
    } catch (error) {
      return (error as Error).message.split('\n')
    }
  }
  t.match(problems(50), { length: 50 })
  t.match(problems(60), { length: 51, 50: '… and 10 more' })
})
