import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  essenceOf,
  fitsKind,
  servedAs,
  signatureOfBytes,
  sniff,
} from '../../../src/gateway/files/media-type.ts'
import { gif, pdf, png, wav } from '../../fixtures/pictures.ts'

t.test('bytes decide over what was declared, which counts for text alone', async t => {
  const path = join(t.testdir({}), 'file')
  const utf16 = Buffer.from('\ufeffa,b', 'utf16le')
  const cases: [string, Uint8Array | string, string | undefined, string][] = [
    ['a picture declared as text', png(), 'text/plain', 'image/png'],
    ['a picture with a page behind it', Buffer.concat([gif, Buffer.from('<html>')]), 'text/html', 'image/gif'],
    ['a document named as a picture', pdf, 'image/png', 'application/pdf'],
    ['a broken picture', Buffer.from('\x89PNG\r\n\x1a\nrubbish', 'latin1'), undefined, 'image/png'],
    ['a recording', wav, undefined, 'audio/wav'],
    ['a page declared as a picture', '<!doctype html><p>hi', 'image/png', 'text/html'],
    ['a page behind blanks', '\n  <HTML>', 'text/plain', 'text/html'],
    ['a drawing', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/png', 'image/svg+xml'],
    ['a drawing as XML', '<?xml version="1.0"?><svg/>', undefined, 'image/svg+xml'],
    ['XML', '<?xml version="1.0"?><a/>', 'text/plain', 'application/xml'],
    ['text declared as a drawing', 'hello', 'image/svg+xml', 'text/plain'],
    ['text declared as JSON', '{"a":1}', 'application/json; charset=utf-8', 'application/json'],
    ['text declared as a program', '#!/bin/sh', 'application/x-sh', 'text/plain'],
    ['text of a kind of its own', 'a\tb', 'text/tab-separated-values', 'text/tab-separated-values'],
    ['text', '你好', undefined, 'text/plain'],
    ['text in another charset', Buffer.from([0xc4, 0xe3, 0xba, 0xc3]), 'text/csv', 'text/csv'],
    ['something else', Buffer.from([1, 2, 3, 0]), 'text/plain', 'application/octet-stream'],
    ['UTF-16', utf16, 'text/csv', 'application/octet-stream'],
    ['a broken archive', Buffer.from('PK\x03\x04\xff\xff\xff\xff', 'latin1'), undefined, 'application/zip'],
  ] // prettier-ignore
  for (const [what, content, declared, mediaType] of cases) {
    const bytes = Buffer.from(content as Uint8Array)
    await writeFile(path, bytes)
    t.match(await sniff(path, bytes, declared), { mediaType }, what)
  }
})

t.test('a signature is told from bytes alone', async t => {
  t.same(await signatureOfBytes(png()), { mediaType: 'image/png', extension: 'png' })
  t.equal(await signatureOfBytes(Buffer.from('hello, it is only text')), undefined)
})

t.test('a media type is read without its parameters, or not at all', async t => {
  t.equal(essenceOf('Text/HTML; charset=x'), 'text/html')
  for (const none of [undefined, '', 'text', 'a/b/c', 'text/<script>', '../x'])
    t.equal(essenceOf(none), undefined, String(none))
})

t.test('each kind of input takes its types', async t => {
  t.ok(fitsKind('image', 'image/webp'))
  t.notOk(fitsKind('image', 'image/svg+xml'), 'an SVG is no picture here')
  t.notOk(fitsKind('image', 'application/pdf'))
  t.ok(fitsKind('audio', 'video/webm'), 'what browsers record')
  t.notOk(fitsKind('audio', 'image/png'))
  t.ok(fitsKind('document', 'application/pdf'))
  t.ok(
    fitsKind('document', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'),
  )
  t.notOk(fitsKind('document', 'application/zip'))
  t.ok(fitsKind('any', 'application/octet-stream'))
})

t.test('what a browser could run is a download of plain text', async t => {
  for (const type of [
    'text/html',
    'image/svg+xml',
    'application/xml',
    'text/javascript',
    'text/css',
  ])
    t.same(servedAs(type), { type: 'text/plain; charset=utf-8', disposition: 'attachment' }, type)
  t.same(servedAs('image/png'), { type: 'image/png', disposition: 'inline' })
  t.same(servedAs('application/json').disposition, 'inline')
  t.same(servedAs('application/pdf'), { type: 'application/pdf', disposition: 'inline' })
  t.same(servedAs('application/zip'), { type: 'application/zip', disposition: 'attachment' })
})
