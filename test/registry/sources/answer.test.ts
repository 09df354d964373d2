import t from 'tap'
import { readAnswer, type WireAnswer } from '../../../src/registry/sources/answer.ts'
import type { AnswerPlan } from '../../../src/registry/sources/plan.ts'
import type { NewFile } from '../../../src/registry/tool.ts'

const answer = (body: string | Buffer, mediaType = 'application/json'): WireAnswer => ({
  host: 'a.example',
  url: 'https://a.example/x/y',
  mediaType,
  bytes: Buffer.from(body),
})
function reader() {
  const saved: NewFile[] = []
  const fetched: string[] = []
  const read = (plan: AnswerPlan, what: WireAnswer) =>
    readAnswer(plan, what, {
      saveFile: async file => `file ${saved.push(file)}`,
      fetchFile: async url => {
        fetched.push(url.href)
        return { bytes: Buffer.from('F'), mediaType: 'image/png', name: '' }
      },
    })
  return { read, saved, fetched }
}
const png = Buffer.from('PNG').toString('base64')
const file = { name: 'image', mediaType: 'image/png' }

t.test('answers become outputs, whatever type they claim', async t => {
  const { read } = reader()
  const table: [string, AnswerPlan, WireAnswer, object][] = [
    ['an object', { as: 'object' }, answer('{"a":1}'), { a: 1 }],
    ['an object called text', { as: 'object' }, answer('{"a":1}', 'text/plain'), { a: 1 }],
    ['a list for an object', { as: 'object' }, answer('[1]'), { result: [1] }],
    ['a value', { as: 'value' }, answer('"x"'), { result: 'x' }],
    ['nothing', { as: 'value' }, answer(''), { result: null }],
    ['text for a value', { as: 'value' }, answer('x', 'text/plain'), { result: 'x' }],
    ['JSON called text', { as: 'value' }, answer('[1]', 'text/plain'), { result: [1] }],
    [
      'text that only begins like JSON',
      { as: 'value' },
      answer('[x', 'text/plain'),
      { result: '[x' },
    ],
    ['text', { as: 'text' }, answer('上海', 'text/plain'), { result: '上海' }],
    [
      'text in GBK',
      { as: 'text' },
      answer(Buffer.from([0xc9, 0xcf]), 'text/plain; charset=gbk'),
      { result: '上' },
    ],
    [
      'text in nothing known',
      { as: 'text' },
      answer('a', 'text/plain; charset=klingon'),
      { result: 'a' },
    ],
    ['a part of it', { as: 'at', path: 'a[1].b' }, answer('{"a":[0,{"b":7}]}'), { result: 7 }],
    ['the whole of it', { as: 'at', path: '' }, answer('{"a":1}'), { a: 1 }],
    [
      'one of several parts',
      { as: 'parts', parts: [{ name: 'result' }] },
      answer('null'),
      { result: null },
    ],
  ]
  for (const [name, plan, what, output] of table) t.same(await read(plan, what), output, name)
})

t.test('files are saved wherever they hide', async t => {
  const { read, saved, fetched } = reader()
  t.same(await read({ as: 'file', ...file }, answer('PNG', 'image/png')), { image: 'file 1' })
  t.same(await read({ as: 'at', path: 'a', file }, answer(`{"a":"${png}"}`)), { image: 'file 2' })
  t.same(
    await read({ as: 'at', path: 'a', file }, answer(`{"a":["data:image/png;base64,${png}"]}`)),
    { image: 'file 3' },
  )
  t.same(await read({ as: 'at', path: 'a', file }, answer('{"a":"/z.png"}')), { image: 'file 4' })
  t.same(fetched, ['https://a.example/z.png'])
  const parts = [{ name: 'result' }, file, { name: 'audio', mediaType: 'audio/wav' }]
  t.same(await read({ as: 'parts', parts }, answer(`["x","${png}",null]`)), {
    result: 'x',
    image: 'file 5',
  })
  t.same(
    saved.map(({ bytes }) => String(bytes)),
    ['PNG', 'PNG', 'PNG', 'F', 'PNG'],
  )
})

t.test('what was not promised is the server’s error', async t => {
  const { read } = reader()
  const parts = [{ name: 'a' }, file]
  const table: [string, AnswerPlan, WireAnswer, RegExp][] = [
    ['a page', { as: 'object' }, answer('<!doctype html>', 'text/html'), /markup instead of JSON/],
    ['a page for a value', { as: 'value' }, answer('<html>'), /markup instead of JSON/],
    ['words', { as: 'object' }, answer('words', 'text/plain'), /text instead of JSON/],
    ['bytes', { as: 'value' }, answer('PNG', 'image/png'), /image\/png instead of JSON/],
    [
      'JSON for a file',
      { as: 'file', ...file },
      answer('{}'),
      /application\/json instead of image\/png/,
    ],
    ['no file', { as: 'file', ...file }, answer('', 'image/png'), /nothing instead/],
    ['no such part', { as: 'at', path: 'a.b' }, answer('{}'), /there is no a\.b/],
    [
      'a number for a file',
      { as: 'at', path: 'a', file },
      answer('{"a":7}'),
      /no address of a file/,
    ],
    [
      'words for a file',
      { as: 'at', path: 'a', file },
      answer('{"a":"http://["}'),
      /no address of a file/,
    ],
    ['one of two', { as: 'parts', parts }, answer('"x"'), /one value instead of 2/],
    ['no base64', { as: 'parts', parts }, answer('["x","?"]'), /image is not base64/],
  ]
  for (const [name, plan, what, message] of table)
    await t.rejects(read(plan, what), { code: 'TG_UPSTREAM_INVALID', message }, name)
})
