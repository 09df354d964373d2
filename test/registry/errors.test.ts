import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  type ErrorCode,
  errors,
  errorText,
  fail,
  failFrom,
  isToolError,
  rebuild,
  toToolError,
} from '../../src/registry/errors.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (pattern: string, except: RegExp): string =>
  globSync(pattern, { cwd: root })
    .filter(path => !except.test(path))
    .map(path => readFileSync(`${root}/${path}`, 'utf8'))
    .join('\n')
const codes = Object.keys(errors) as ErrorCode[]

t.test('every code is thrown somewhere, and provoked by a test', async t => {
  const source = read('src/**/*.ts', /registry\/error-table\.ts$|errors-page/)
  const tests = read('test/**/*.ts', /registry\/errors\.test\.ts$/)
  for (const code of codes) {
    t.ok(source.includes(`'${code}'`), `${code} is thrown`)
    t.ok(tests.includes(code), `${code} is provoked`)
  }
})

t.test('every code has a status that fits it, and says when it happens', async t => {
  for (const [code, { status, when }] of Object.entries(errors)) {
    t.match(code, /^TG_[A-Z_]+$/)
    t.ok(status >= 400 && status < 600, `${code} ${status}`)
    t.match(when, /^[A-Z`].*\.$/, `${code}: a sentence`)
  }
  t.same(
    codes.filter(code => errors[code].status === 500),
    ['TG_INTERNAL'],
    '500 is our own fault alone',
  )
})

t.test('an error has a code, a status, and what its code says', async t => {
  const error = fail('TG_RATE_LIMITED', 'arxiv.org takes one request in 3 s', 2_100)
  t.match(error, {
    name: 'ToolError',
    code: 'TG_RATE_LIMITED',
    status: 429,
    message: 'arxiv.org takes one request in 3 s: try again in 3 s',
    retryAfterMs: 2_100,
  })
  t.equal(error.cause, undefined)
  t.equal(failFrom('why', 'TG_INTERNAL').cause, 'why')
  t.equal(
    errorText(fail('TG_TOOL_UNKNOWN', 'orc', 'ocr')),
    'TG_TOOL_UNKNOWN: no tool is named "orc". did you mean "ocr"? GET /registry lists the tools',
  )
  t.equal(errorText(fail('TG_KEY_WRONG')).split('. ').length, 2)
  t.equal(errorText(fail('TG_FORBIDDEN', 'no')), 'TG_FORBIDDEN: no.')
})

t.test('what is not ours is our own fault, with its cause', async t => {
  const ours = fail('TG_NOT_FOUND', 'place', 'Nowhere')
  t.equal(toToolError(ours), ours)
  for (const thrown of [
    new TypeError('x'),
    'x',
    undefined,
    Object.assign(new Error('x'), { code: 'ENOENT' }),
  ]) {
    t.notOk(isToolError(thrown))
    t.match(toToolError(thrown), { code: 'TG_INTERNAL', status: 500 })
    t.equal(toToolError(thrown).cause, thrown)
  }
  t.notOk(isToolError(Object.assign(new Error('x'), { code: 'toString', args: [] })))
})

t.test('values from outside are cut', async t => {
  const long = 'x'.repeat(100_000)
  const made = [
    fail('TG_ARGUMENT_UNKNOWN', 'probe', long, undefined, []),
    fail('TG_ARGUMENT_INVALID', 'probe', long, long),
    fail('TG_TOOL_UNKNOWN', long, undefined),
    fail('TG_NOT_FOUND', 'place', long),
    fail('TG_QUERY', long, long),
    fail('TG_BODY_INVALID', long),
    fail('TG_REQUEST_INVALID', long),
    fail('TG_ROUTE_UNKNOWN', long),
    fail('TG_URL_REFUSED', long, 'private'),
  ]
  for (const { code, message, hint = '', details } of made)
    t.ok(JSON.stringify([message, hint, details]).length < 1_500, code)
})

t.test('an error is rebuilt on the other side of a worker boundary', async t => {
  const echo = new Worker(
    `const { parentPort } = require('node:worker_threads')
     parentPort.on('message', message => parentPort.postMessage(message))`,
    { eval: true },
  )
  t.teardown(() => echo.terminate())
  const original = fail('TG_ARGUMENT_UNKNOWN', 'ocr', 'img', 'image', ['image', 'language'])
  const crossed = new Promise<{ code: ErrorCode; args: readonly unknown[] }>(resolve =>
    echo.once('message', resolve),
  )
  echo.postMessage({ code: original.code, args: original.args })
  const { code, args } = await crossed
  const { stack: _stack, ...facts } = original
  t.match(rebuild(code, args), { ...facts, message: original.message })
})
