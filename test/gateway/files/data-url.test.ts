import t from 'tap'
import { decodeBase64, parseDataUrl } from '../../../src/gateway/files/data-url.ts'

t.test('base64 and percent forms are decoded', async t => {
  const cases: [string, string, string | undefined][] = [
    ['data:text/plain;base64,aGVsbG8=', 'hello', 'text/plain'],
    ['data:text/plain;base64,aGVsbG8', 'hello', 'text/plain'],
    ['data:;base64,aGVs\nbG8=', 'hello', undefined],
    ['data:image/png;charset=x;BASE64,aGVsbG8%3D', 'hello', 'image/png;charset=x'],
    ['DATA:,a%20b%E4%BD%A0%25', 'a b你%', undefined],
    ['data:,', '', undefined],
    ['data:text/plain,你,好', '你,好', 'text/plain'],
  ]
  for (const [url, text, mediaType] of cases) {
    const data = parseDataUrl(url)
    if (typeof data === 'string') return t.fail(`${url}: ${data}`)
    t.equal(Buffer.from(data.bytes).toString(), text, url)
    t.equal(data.mediaType, mediaType)
  }
})

t.test('both alphabets of base64 are read', async t => {
  t.same(decodeBase64('-_-_'), Buffer.from([0xfb, 0xff, 0xbf]))
  t.same(decodeBase64('+/+/'), Buffer.from([0xfb, 0xff, 0xbf]))
})

t.test('a broken one says what is wrong', async t => {
  t.equal(parseDataUrl('data:text/plain'), 'is a data: URL without a comma')
  for (const url of [
    'data:;base64,a',
    'data:;base64,a=bc',
    'data:;base64,a*bc',
    'data:;base64,%zz',
  ])
    t.equal(parseDataUrl(url), 'is a data: URL with broken base64', url)
  t.equal(parseDataUrl('data:,100%'), 'is a data: URL with broken percent encoding')
})
