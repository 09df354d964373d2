import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { testApp } from '../fixtures/app.ts'
import { modernRequest } from '../fixtures/mcp-client.ts'
import '../fixtures/seeded.ts'

const runs = { numRuns: 300 }

const loopback = ['localhost', '127.0.0.1', '127.8.9.10', '[::1]', 'LOCALHOST']
/** Names that look like this machine and are not. */
const alike = [
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil.example#localhost',
  'localhost@evil.example',
  'evil.example/localhost',
  '127.0.0.1,evil.example',
  'xlocalhost',
  '1127.0.0.1',
  '0.0.0.0',
  '[::ffff:1.2.3.4]',
  '[::]',
  'null',
]
const port = fc.constantFrom('', ':8642', ':80', ':99999', ':', ':x')
// An empty Host is one that inject makes up.
const printable = fc
  .string({ minLength: 1, maxLength: 20 })
  .map(text => text.replaceAll(/[^\x21-\x7e]/g, '.'))
const host = fc
  .tuple(fc.oneof(fc.constantFrom(...loopback, ...alike), printable), port)
  .map(([name, end]) => name + end)
const origin = fc.oneof(
  { weight: 1, arbitrary: fc.constant(undefined) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('http://', 'https://', 'file://', 'data:', '//', ''), host)
      .map(([scheme, name]) => scheme + name),
  },
)

/** Our own reckoning, by another way than the gateway's: what a browser would connect to. */
const isThisMachine = (name: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(name)
/** What a browser writes into Origin for a page that came from that host. */
const isSameHost = (from: string, name: string): boolean =>
  from.toLowerCase() === `http://${name}`.toLowerCase() ||
  from.toLowerCase() === `https://${name}`.toLowerCase()

const headersOf = (named: string, from: string | undefined): Record<string, string> => ({
  host: named,
  ...(from === undefined ? {} : { origin: from }),
})

t.test('no Host and no Origin but our own opens an admin route', async t => {
  const { app } = await testApp(t)
  let opened = 0
  await fc.assert(
    fc.asyncProperty(
      host,
      origin,
      fc.constantFrom('/keys', '/llm/nodes', '/registry/sources/a'),
      async (named, from, url) => {
        const { statusCode } = await app.inject({ url, headers: headersOf(named, from) })
        if (statusCode === 403 || statusCode === 400) return true
        opened += 1
        const isOurs = from === undefined || isSameHost(from, named)
        return statusCode < 500 && isThisMachine(named) && isOurs
      },
    ),
    runs,
  )
  t.ok(opened > 0, `${opened} of them were this machine`)
})

t.test('no page but one of this machine, or a listed one, reaches MCP', async t => {
  const { app } = await testApp(t, { file: { corsOrigins: ['https://app.example'] } })
  const { headers, payload } = modernRequest('tools/list')
  const some = fc.oneof(origin, fc.constantFrom('https://app.example', 'https://app.example.evil'))
  await fc.assert(
    fc.asyncProperty(host, some, async (named, from) => {
      const { statusCode } = await app.inject({
        method: 'POST',
        url: '/mcp',
        payload,
        headers: { ...headers, ...headersOf(named, from) },
      })
      if (statusCode === 403 || statusCode === 400) return true
      const page = from === undefined ? undefined : URL.parse(from)
      const isKnown =
        from === undefined || from === 'https://app.example' || isThisMachine(page?.host ?? '')
      return statusCode === 200 && isKnown && isThisMachine(named.replace(/:$/, ''))
    }),
    runs,
  )
  t.pass()
})

t.test('whatever Host says, documents name an origin, and nothing is copied elsewhere', async t => {
  const { app } = await testApp(t)
  const named = async (server: FastifyInstance, text: string) => {
    const { body, headers, statusCode } = await server.inject({
      url: '/openapi.json',
      headers: { host: text },
    })
    if (statusCode === 400) return true
    const [, url = ''] = /"servers":\[\{"url":"([^"]*)"/.exec(body) ?? []
    const isOrigin = URL.canParse(url) && /^http:\/\/[a-z0-9.:[\]-]+$/i.test(url)
    return statusCode === 200 && isOrigin && !JSON.stringify(headers).includes('evil')
  }
  await fc.assert(
    fc.asyncProperty(host, text => named(app, text)),
    runs,
  )
  t.pass()
})

t.test('who sends whichever headers twice, long or strange gets an honest answer', async t => {
  const { app } = await testApp(t, { env: { TOOLGATE_KEY: 'of ann' } })
  const value = fc.oneof(
    printable,
    fc.constantFrom('Bearer', 'Bearer ', 'Basic', 'Basic :', 'Basic OjpvZiBhbm4=', 'of ann,x'),
    fc.integer({ min: 1, max: 9_000 }).map(length => 'a'.repeat(length)),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('authorization', 'x-api-key', 'x-forwarded-for', 'forwarded', 'cookie'),
      value,
      async (name, text) => {
        const { statusCode, body } = await app.inject({
          method: 'POST',
          url: '/tools/echo',
          headers: { [name]: text },
          payload: { text: 'x' },
        })
        return statusCode === 401 && /TG_KEY_(MISSING|WRONG)/.test(body)
      },
    ),
    runs,
  )
  t.pass()
})
