import t from 'tap'
import { toGbk } from '../../../src/registry/views/gbk.ts'

t.test('what GBK can write stays', async t => {
  const text = 'City, e.g. 上海 — 21 °C · “ok” №5 繁體 ～'
  t.equal(toGbk(text), text)
})

t.test('what it cannot is written plainly, or left out', async t => {
  t.equal(toGbk('m² and ﬁne 😀 weather'), 'm2 and fine weather')
  t.equal(toGbk('😀'), '')
  t.equal(toGbk('\uE4C6\u2149x'), 'ⅉx'.normalize('NFKC'), 'private use is nobody’s')
})
