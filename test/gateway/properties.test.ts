import fc from 'fast-check'
import t from 'tap'
import { parseConfig } from '../../src/config.ts'
import { parseDataUrl } from '../../src/gateway/files/data-url.ts'
import { essenceOf, signatureOfBytes } from '../../src/gateway/files/media-type.ts'
import { rangeOf } from '../../src/gateway/files/range.ts'
import { readCacheControl } from '../../src/gateway/http/cache-headers.ts'
import { createGuard } from '../../src/gateway/http/guard.ts'
import { families } from '../../src/gateway/llm/families/index.ts'
import { createSseReader } from '../../src/gateway/llm/sse.ts'
import { readHot } from '../../src/gateway/mcp/hot.ts'
import { isToolError } from '../../src/registry/errors.ts'
import { parseArguments } from '../../src/registry/parse.ts'
import { describeOpenapi } from '../../src/registry/sources/openapi.ts'
import { echo, testApp } from '../fixtures/app.ts'
import '../fixtures/seeded.ts'

const runs = { numRuns: 200 }

/** Done, or refused by an error of ours. */
function refuses(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (isToolError(error) && error.status < 500) return true
    if (isToolError(error) && error.code === 'TG_UPSTREAM_INVALID') return true
    throw error
  }
}

t.test('no text, however strange, is a fault of ours', async t => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json())
  const guard = createGuard()
  t.teardown(() => guard.close())
  const parsers: Record<string, (value: string) => unknown> = {
    arguments: value => parseArguments(echo, { text: value, times: value }),
    'arguments as text': value => parseArguments(echo, value),
    'cache-control': value => readCacheControl(value),
    range: value => rangeOf(value, 10),
    'data URL': value => parseDataUrl(`data:${value}`),
    'media type': value => essenceOf(value),
    URL: value => guard.check(value),
    'URL of a host': value => guard.check(`https://${value}/`),
    'OpenAPI document': value =>
      describeOpenapi(value, { url: 'https://a.example/openapi.json', headerNames: [] }),
  }
  for (const [name, parse] of Object.entries(parsers))
    t.doesNotThrow(
      () =>
        fc.assert(
          fc.property(text, value => refuses(() => parse(value))),
          runs,
        ),
      name,
    )
})

t.test('no JSON is a fault of ours: arguments, MCP frames, documents, configuration', async t => {
  const value = fc.jsonValue({ maxDepth: 4 })
  const frame = fc.record(
    {
      jsonrpc: fc.constantFrom('2.0', '1.0', 2),
      id: value,
      method: fc.constantFrom('tools/call', 'tools/list', 'ping', ''),
      params: fc.oneof(value, fc.record({ name: value, arguments: value, _meta: value })),
    },
    { requiredKeys: [] },
  )
  const document = fc.record({
    openapi: fc.constantFrom('3.1.0', '3.0.3'),
    paths: fc.dictionary(
      fc.string().map(path => `/${path}`),
      value,
    ),
    components: value,
  })
  fc.assert(
    fc.property(value, args => refuses(() => parseArguments(echo, args))),
    runs,
  )
  fc.assert(
    fc.property(frame, body => (readHot({}, body), true)),
    runs,
  )
  fc.assert(
    fc.property(document, body =>
      refuses(() =>
        describeOpenapi(JSON.stringify(body), {
          url: 'https://a.example/openapi.json',
          headerNames: [],
        }),
      ),
    ),
    runs,
  )
  fc.assert(
    fc.property(value, file => {
      try {
        parseConfig({}, file)
      } catch (error) {
        return error instanceof Error && !(error instanceof TypeError) && error.message.length > 0
      }
      return true
    }),
    runs,
  )
  t.pass()
})

t.test('bytes are of one kind or of none', async t => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async bytes => {
      const found = await signatureOfBytes(bytes)
      return found === undefined || found.mediaType.includes('/')
    }),
    { numRuns: 50 },
  )
  t.pass()
})

t.test('a range lies within its file', async t => {
  const number = fc.oneof(
    fc.constant(''),
    fc.nat(20).map(String),
    fc.bigInt({ min: 0n }).map(String),
  )
  fc.assert(
    fc.property(number, number, fc.integer({ min: 1, max: 20 }), (from, to, size) => {
      const range = rangeOf(`bytes=${from}-${to}`, size)
      return (
        typeof range === 'string' ||
        (range.start >= 0 && range.start <= range.end && range.end < size)
      )
    }),
    runs,
  )
  t.pass()
})

t.test('events are the same, wherever their bytes are cut', async t => {
  const line = fc.string({ maxLength: 20 }).map(text => text.replaceAll(/[\r\n]/g, ' '))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), fc.integer({ min: 1, max: 7 }), (lines, size) => {
      const bytes = Buffer.from(lines.map(one => `data: ${one}\n\n`).join(''))
      const read = (step: number): string[] => {
        const events: string[] = []
        const reader = createSseReader(({ data }) => void events.push(data), {
          eventBytesMax: 10_000,
        })
        for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step))
        reader.end()
        return events
      }
      t.same(read(size), read(bytes.length || 1))
    }),
    { numRuns: 50 },
  )
})

t.test('what a model writes is text or a call, wherever it is cut, in every family', async t => {
  const marks = [
    '<tool_call>',
    '</tool_call>',
    '<|plugin|>',
    '<|action_end|>',
    '{"name":"echo"',
    '}',
    'Action:',
    '\n',
    'a',
    '<|python_tag|>',
  ]
  const written = fc.array(fc.oneof(fc.constantFrom(...marks), fc.string({ maxLength: 4 })), {
    maxLength: 12,
  })
  const offer = {
    tools: [{ name: 'echo', description: '', parameters: {} }],
    choice: 'auto' as const,
    parallel: true,
  }
  for (const [name, family] of Object.entries(families))
    t.doesNotThrow(
      () =>
        fc.assert(
          fc.property(written, pieces => {
            const parser = family.createParser(offer)
            for (const piece of pieces) parser.push(piece)
            parser.end()
          }),
          runs,
        ),
      name,
    )
})

t.test('no body and no header over HTTP is a 500', async t => {
  const { app } = await testApp(t)
  const header = fc.string({ maxLength: 40 }).map(text => text.replaceAll(/[^\x20-\x7e]/g, '?'))
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.string(), fc.json()),
      fc.constantFrom(
        '/tools/echo',
        '/mcp',
        '/lagent/echo',
        '/registry/sources',
        '/files',
        '/llm/nodes',
      ),
      fc.record({
        'content-type': fc.oneof(fc.constant('application/json'), header),
        'cache-control': header,
        range: header,
        accept: header,
        traceparent: header,
      }),
      async (payload, url, headers) => {
        const { statusCode } = await app.inject({ method: 'POST', url, payload, headers })
        return statusCode < 500
      },
    ),
    { numRuns: 150 },
  )
  t.pass()
})
