import t from 'tap'
import {
  createArgumentNames,
  globsFit,
  isWanted,
  nameTools,
  slug,
} from '../../../src/registry/sources/names.ts'

t.test('names become words in a-z, 0-9 and _', async t => {
  const names: [string, string | RegExp][] = [
    ['getPetById', 'get_pet_by_id'],
    ['TextToBbox', 'text_to_bbox'],
    ['OCR', 'ocr'],
    ['getHTTPAnswer', 'get_http_answer'],
    ['get-sum', 'get_sum'],
    ['GET /pets/{id}', 'get_pets_id'],
    ['  Café  ', 'cafe'],
    ['天气', /^tool_[0-9a-f]{6}$/],
    ['天气now', /^now_[0-9a-f]{6}$/],
    ['!!', /^tool_[0-9a-f]{6}$/],
  ]
  for (const [name, wanted] of names) t.match(slug(name), wanted, name)
  t.not(slug('天气'), slug('天地'))
  t.equal(slug('7up', { first: 'letter' }), 's_7up')
  t.match(slug('x'.repeat(50), { charactersMax: 30 }), /^x{23}_[0-9a-f]{6}$/)
})

t.test('thousands of near-equal names all differ and fit', async t => {
  const tools = Array.from({ length: 5_000 }, (_, at) => ({
    local: at % 2 ? 'same' : `${'long_'.repeat(20)}${at % 7}`,
    origin: `operation ${at}`,
  }))
  const names = nameTools('source', tools, name => name === 'source_same')
  t.equal(new Set(names).size, 5_000)
  t.ok(names.every(name => /^[a-z][a-z0-9_]{0,59}$/.test(name)))
  t.notOk(names.includes('source_same'), 'which is taken')
  t.same(
    names,
    nameTools('source', tools, name => name === 'source_same'),
    'and are the same again',
  )
})

t.test('arguments get names that every client can send', async t => {
  const nameOf = createArgumentNames(new Set(['from']))
  const given: [string, string, string | RegExp][] = [
    ['petId', 'path', 'petId'],
    ['petId', 'query', 'petId_query'],
    ['petId', 'query', 'petId_query2'],
    ['X-Page', 'header', 'X_Page'],
    ['filter[name]', 'query', 'filter_name'],
    ['from', 'query', 'from_'],
    ['1st', 'query', 'query_1st'],
    ['城市', 'query', /^query_[0-9a-f]{6}$/],
    ['x'.repeat(90), 'body', /^x{57}_[0-9a-f]{6}$/],
  ]
  for (const [name, place, wanted] of given) t.match(nameOf(name, place), wanted, name)
})

t.test('globs fit as people expect, and never take long', async t => {
  t.ok(globsFit(['list*'], ['listPets']))
  t.ok(globsFit(['*Pet*'], ['a', 'listPets']))
  t.notOk(globsFit(['list'], ['listPets']))
  t.ok(globsFit(['*'], ['']))
  t.notOk(globsFit([`${'*a'.repeat(50)}b`], ['a'.repeat(5_000)]))
  t.ok(isWanted({}, ['x']))
  t.notOk(isWanted({ include: [] }, ['x']))
  t.notOk(isWanted({ include: ['*'], exclude: ['x'] }, ['x']))
})
