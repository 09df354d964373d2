import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import fastify from 'fastify'
import t from 'tap'
import { formLimits, readArguments } from '../../../src/gateway/http/arguments.ts'
import { shapeErrors } from '../../../src/gateway/http/errors.ts'
import { fail } from '../../../src/registry/errors.ts'

const bodyLimit = 1_048_576
const app = fastify({ bodyLimit })
t.teardown(() => app.close())
shapeErrors(app)
await app.register(formbody)
await app.register(multipart, {
  limits: { files: formLimits.filesMax, fields: formLimits.fieldsMax, fieldSize: bodyLimit },
})
app.post('/', request =>
  readArguments(request, async ({ stream, name, mediaType }) => {
    const chunks: Buffer[] = []
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    if (text === 'broken') throw fail('TG_FILE_BROKEN', name, 'it is broken')
    return { id: `${name} ${mediaType} ${text}`, name, mediaType, bytes: text.length, sha256: '' }
  }),
)

const send = (type: string | undefined, payload: string) =>
  app.inject({
    method: 'POST',
    url: '/',
    payload,
    headers: type === undefined ? {} : { 'content-type': type },
  })
const form = 'application/x-www-form-urlencoded'
const parts = 'multipart/form-data; boundary=b'
const part = (name: string, value: string, rest = '') =>
  `--b\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n${value}\r\n`
const file = (name: string, value: string) =>
  part(name, value, '; filename="a.txt"\r\ncontent-type: text/plain')
const json = (name: string, value: string) =>
  part(name, value).replace('\r\n\r\n', '\r\ncontent-type: application/json\r\n\r\n')
const end = '--b--\r\n'

t.test('arguments come as JSON, as a form, in parts, or not at all', async t => {
  const bodies: [string, string | undefined, string, unknown][] = [
    ['JSON', 'application/json', '{"a":[1]}', { a: [1] }],
    ['nothing', undefined, '', {}],
    ['a form', form, 'a=1&b=%E5%A4%A9', { a: '1', b: '天' }],
    ['a form with a name twice', form, 'a=1&a=2', { a: ['1', '2'] }],
    ['parts', parts, part('a', '1') + part('b', '天') + end, { a: '1', b: '天' }],
    ['parts with a name twice', parts, part('a', '1') + part('a', '2') + end, { a: ['1', '2'] }],
    ['a file', parts, part('a', '1') + file('f', 'hi') + end, { a: '1', f: 'a.txt text/plain hi' }],
    ['parts without a boundary', 'multipart/form-data', 'a=1&b=2', { a: '1', b: '2' }],
  ]
  for (const [what, type, body, expected] of bodies) {
    const answer = await send(type, body)
    t.equal(answer.statusCode, 200, what)
    t.same(answer.json(), expected, what)
  }
})

t.test('a form that cannot be read is refused in our words', async t => {
  const bodies: [string, string, string, number, string][] = [
    ['cut off', parts, part('a', '1'), 400, 'TG_BODY_INVALID'],
    ['no parts at all', parts, 'hello', 400, 'TG_BODY_INVALID'],
    [
      'too many fields',
      parts,
      part('a', '1').repeat(formLimits.fieldsMax + 1) + end,
      413,
      'TG_TOO_LARGE',
    ],
    [
      'too many files',
      parts,
      file('f', '1').repeat(formLimits.filesMax + 1) + end,
      413,
      'TG_TOO_LARGE',
    ],
    [
      'fields that are too long together',
      parts,
      part('a', 'x'.repeat(bodyLimit / 2)).repeat(3) + end,
      413,
      'TG_TOO_LARGE',
    ],
    [
      'JSON fields that are too long together',
      parts,
      json('a', `"${'x'.repeat(bodyLimit / 2)}"`).repeat(3) + end,
      413,
      'TG_TOO_LARGE',
    ],
    [
      'a JSON field that nests for ever',
      parts,
      json('a', '['.repeat(1_000) + ']'.repeat(1_000)) + end,
      400,
      'TG_BODY_INVALID',
    ],
    [
      'a field that is too long',
      parts,
      part('a', 'x'.repeat(bodyLimit + 1)) + end,
      413,
      'TG_TOO_LARGE',
    ],
    ['a broken file', parts, file('f', 'broken') + end, 422, 'TG_FILE_BROKEN'],
    ['__proto__', parts, part('__proto__', '1') + end, 400, 'TG_REQUEST_INVALID'],
    [
      'too long without a boundary',
      'multipart/form-data',
      `a=${'x'.repeat(formLimits.plainFormBytesMax)}`,
      413,
      'TG_TOO_LARGE',
    ],
    ['JSON sent as a form', form, '{"a":1}', 400, 'TG_BODY_INVALID'],
    ['another type', 'text/xml', '<a/>', 415, 'TG_MEDIA_TYPE'],
  ]
  for (const [what, type, body, status, code] of bodies) {
    const answer = await send(type, body)
    t.equal(answer.statusCode, status, what)
    t.match(answer.json(), { error: { code } }, what)
  }
})
