import { spawnSync } from 'node:child_process'
import t from 'tap'
import { pythonJson } from '../../../src/gateway/http/python-json.ts'

const values: [unknown, string][] = [
  [{ a: 1, b: [1, 2, { c: null }] }, '{"a": 1, "b": [1, 2, {"c": null}]}'],
  [{}, '{}'],
  [[], '[]'],
  [{ a: {}, b: [] }, '{"a": {}, "b": []}'],
  [[true, false], '[true, false]'],
  ['天气 é 😀', '"天气 é 😀"'],
  ['"\\/\b\f\n\r\t\u0001\u007f\u2028', '"\\"\\\\/\\b\\f\\n\\r\\t\\u0001\u007f\u2028"'],
  [{ '键 "x"': 1 }, '{"键 \\"x\\"": 1}'],
  [0, '0'],
  [-0, '0'],
  [1.5, '1.5'],
  [-273.15, '-273.15'],
  [0.1 + 0.2, '0.30000000000000004'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [-0.00001234, '-1.234e-05'],
  [1e-7, '1e-07'],
  [1e-100, '1e-100'],
  [5e-324, '5e-324'],
  [1e16, '10000000000000000'],
  [123456789012345680000, '123456789012345680000'],
  [1e21, '1e+21'],
  [1.7976931348623157e308, '1.7976931348623157e+308'],
  [{ a: undefined, b: 1 }, '{"b": 1}'],
  [[undefined], '[null]'],
]

t.test('is spaced and written as Python does', async t => {
  for (const [value, text] of values) t.equal(pythonJson(value), text)
})

const python = spawnSync('python3', ['--version']).status === 0
t.test(
  "is what Python's own reader and writer make of it",
  { skip: !python && 'python3 is not on PATH' },
  async t => {
    const numbers = Array.from(
      { length: 2_000 },
      (_, index) => Math.sin(index) * 10 ** ((index % 60) - 30),
    )
    const texts = [...values.map(([value]) => pythonJson(value)), pythonJson(numbers)]
    const { stdout } = spawnSync(
      'python3',
      [
        '-c',
        'import json,sys; sys.stdout.reconfigure(encoding="utf-8"); print(json.dumps([json.dumps(json.loads(t), ensure_ascii=False) for t in json.load(sys.stdin)]))',
      ],
      { input: JSON.stringify(texts), encoding: 'utf8', env: { ...process.env, PYTHONUTF8: '1' } },
    )
    t.same(JSON.parse(stdout), texts)
  },
)
