import { gzipSync } from 'node:zlib'
import t from 'tap'
import { testApp } from '../../fixtures/app.ts'

t.test('a body is read as what it says, or not at all', async t => {
  const { app } = await testApp(t)
  const gbk = Buffer.from('{"text":"\xc9\xcf\xba\xa3"}', 'latin1')
  const deep = `{"text":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
  const refusals: [string, string | Buffer, RegExp, string?][] = [
    ['GBK', gbk, /not UTF-8/],
    ['UTF-16', Buffer.from('{"text":"a"}', 'utf16le'), /at position 1/],
    ['half a body', '{"text":"a', /Unterminated string in JSON at position 10/],
    ['a prototype', '{"text":"a","__proto__":{"x":1}}', /__proto__/],
    ['a constructor', '{"text":"a","constructor":{"prototype":{"x":1}}}', /constructor/],
    ['endless nesting', deep, /nests deeper than 64 levels/],
    ['a packed body', gzipSync('{"text":"a"}'), /packed with gzip/, 'gzip'],
    ['a packing nobody knows', '{"text":"a"}', /packed with zzz/, 'zzz'],
  ]
  for (const [what, payload, message, encoding] of refusals) {
    const headers = {
      'content-type': 'application/json',
      ...(encoding ? { 'content-encoding': encoding } : {}),
    }
    const answer = await app.inject({ method: 'POST', url: '/tools/echo', payload, headers })
    t.equal(answer.statusCode, encoding ? 415 : 400, what)
    t.match(answer.json(), { error: { message } }, what)
  }
  t.notOk('x' in {}, 'no prototype was touched')
})

t.test('a mark of byte order and equal keys are what JSON makes of them', async t => {
  const { app } = await testApp(t)
  const say = async (payload: string) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'identity' }
    return (await app.inject({ method: 'POST', url: '/tools/echo', payload, headers })).json()
  }
  t.equal((await say('\ufeff{"text":"é"}')).said, 'é')
  t.equal((await say('{"text":"a","text":"b"}')).said, 'b')
})
