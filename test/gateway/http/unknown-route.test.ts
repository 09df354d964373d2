import fastify, { type InjectOptions } from 'fastify'
import t from 'tap'
import { shapeErrors } from '../../../src/gateway/http/errors.ts'
import { answerUnknownRoutes } from '../../../src/gateway/http/unknown-route.ts'

const app = fastify({ routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true } })
t.teardown(() => app.close())
answerUnknownRoutes(app)
shapeErrors(app)
app.get('/', async () => 'root')
app.post('/tools/:name', async () => 'tool')
app.get('/files/:id', async () => 'file')
app.delete('/files/:id', async () => 'gone')
app.get('/docs/*', async () => 'docs')
await app.register(async scope => scope.post('/inner', async () => 'inner'), { prefix: '/v1' })

t.test('a path that no route has is a 404 that names it', async t => {
  const paths = ['/tool', '/tools', '/tools/a/b', '/files', '/v1', '/v1/outer', '/v1/inner/x']
  for (const url of paths) {
    const { statusCode, headers, body } = await app.inject({ method: 'POST', url: `${url}?x=1` })
    t.equal(statusCode, 404, url)
    t.equal(headers.allow, undefined)
    t.match(JSON.parse(body), {
      error: { code: 'TG_ROUTE_UNKNOWN', message: `nothing is served at "${url}"`, hint: /\/docs/ },
    })
  }
})

t.test('a path that takes other methods is a 405 that names them', async t => {
  const requests: [string, string, string][] = [
    ['GET', '/tools/echo', 'POST'],
    ['PUT', '/tools/echo?x=1', 'POST'],
    ['GET', '/tools/echo/', 'POST'],
    ['GET', '//tools//echo', 'POST'],
    ['GET', '/tools/%E5%A4%A9', 'POST'],
    ['PATCH', '/files/a1.png', 'DELETE, GET, HEAD'],
    ['POST', '/', 'GET, HEAD'],
    ['POST', '/docs/a/b.css', 'GET, HEAD'],
    ['GET', '/v1/inner', 'POST'],
    ['HEAD', '/v1/inner', 'POST'],
  ]
  for (const [method, url, allow] of requests) {
    const answer = await app.inject({ method, url } as InjectOptions)
    t.equal(answer.statusCode, 405, `${method} ${url}`)
    t.equal(answer.headers.allow, allow)
    if (method !== 'HEAD')
      t.match(answer.json(), {
        error: {
          code: 'TG_METHOD',
          message: `${method} is not allowed here`,
          details: { allowed: allow.split(', ') },
        },
      })
  }
})

t.test('a body that nobody wants is not read, however broken', async t => {
  for (const [method, url, statusCode] of [
    ['PUT', '/tools/echo', 405],
    ['POST', '/nowhere', 404],
  ] as const)
    for (const type of ['application/json', 'application/x-unheard-of'])
      t.match(await app.inject({ method, url, headers: { 'content-type': type }, payload: '{"' }), {
        statusCode,
      })
})
