import t from 'tap'
import { labels, labelsMeant, nearestLabel } from '../../../src/tools/detect-objects/labels.ts'

t.test('there are the 80 kinds of COCO, in its order', async t => {
  t.equal(new Set(labels).size, 80)
  t.same([labels[0], labels[2], labels[16], labels[79]], ['person', 'car', 'dog', 'toothbrush'])
})

t.test('kinds are known by synonyms, plurals, other spellings and Chinese names', async t => {
  const meanings = {
    person: ['person'],
    Persons: ['person'],
    people: ['person'],
    人: ['person'],
    狗: ['dog'],
    dogs: ['dog'],
    汽车: ['car'],
    buses: ['bus'],
    sofa: ['couch'],
    cell_phone: ['cell phone'],
    'traffic-light': ['traffic light'],
    knives: ['knife'],
    宠物: ['cat', 'dog'],
    车: ['car', 'bus', 'truck'],
  }
  for (const [word, meant] of Object.entries(meanings)) t.same(labelsMeant(word), meant, word)
  t.equal(labelsMeant('animals')?.length, 10)
  t.equal(labelsMeant('unicorn'), undefined)
})

t.test('a misspelt kind has a nearest one, a word of another world has none', async t => {
  t.equal(nearestLabel('bicycel'), 'bicycle')
  t.equal(nearestLabel('qwertz'), undefined)
  t.equal(nearestLabel('鲸'), undefined)
})
