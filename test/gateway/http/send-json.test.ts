import fastify from 'fastify'
import t from 'tap'
import { sendDocument, toDocument } from '../../../src/gateway/http/send-json.ts'

const document = toDocument({ a: '天' })
const app = fastify()
t.teardown(() => app.close())
app.get('/', (request, reply) => sendDocument(request, reply, document))

t.test('a document has a tag, and is not sent to a client that has it', async t => {
  const first = await app.inject('/')
  t.equal(first.body, '{"a":"天"}')
  t.match(first.headers, {
    etag: document.etag,
    'cache-control': 'no-cache',
    'content-type': /^application\/json/,
  })
  const { etag } = document
  for (const header of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const answer = await app.inject({ url: '/', headers: { 'if-none-match': header } })
    t.equal(answer.statusCode, 304, header)
    t.equal(answer.body, '')
    t.equal(answer.headers.etag, etag)
  }
  for (const header of ['"x"', '', etag.slice(1, -1)])
    t.equal(
      (await app.inject({ url: '/', headers: { 'if-none-match': header } })).statusCode,
      200,
      header,
    )
})

t.test('the tag changes with the document alone', async t => {
  t.equal(toDocument({ a: '天' }).etag, document.etag)
  t.not(toDocument({ a: '地' }).etag, document.etag)
})
