import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { createOriginOf } from '../../../src/gateway/http/origin.ts'

const from = (host?: string) => ({ protocol: 'http', headers: { host } }) as FastifyRequest
const own = { host: '127.0.0.1', port: 8642 }

t.test('PUBLIC_URL is the origin, whatever a request names', async t => {
  t.equal(
    createOriginOf({ ...own, publicUrl: 'https://tools.example' })(from('evil')),
    'https://tools.example',
  )
})

t.test('else it is what the request names, if that is a host', async t => {
  const originOf = createOriginOf(own)
  for (const host of ['localhost:8642', 'tools.example', '[::1]:8642', '10.0.0.1:80'])
    t.equal(originOf(from(host)), `http://${host}`)
  for (const host of [undefined, '', 'a b', 'a/b', 'user@a', 'a"b', '<script>', 'a:b', 'a\u00e9'])
    t.equal(originOf(from(host)), 'http://127.0.0.1:8642', String(host))
  t.equal(createOriginOf({ host: '::1', port: 1 })(from()), 'http://[::1]:1')
})
