import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import '@fastify/swagger'
import { fail } from '../../registry/errors.ts'

const policy = [
  "default-src 'self'",
  "img-src 'self' data: blob: https: http:",
  "style-src 'self' 'unsafe-inline'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
].join('; ')

/** `/docs`: the API reference, served from here alone, no CDN. `/` leads to it. */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  const config = { access: 'document' as const }
  const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const read = (name: string): Promise<string> =>
    readFile(new URL(`../../../web/${name}`, import.meta.url), 'utf8')
  const [page, script] = await Promise.all([read('docs.html'), read('docs.js')])

  const schema = { hide: true }
  app.get('/', { config, schema }, (_request, reply) => reply.redirect('/docs', 302))
  app.get('/docs', { config, schema }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(page),
  )
  app.get('/docs/page.js', { config, schema }, (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(script),
  )
  await app.register(fastifyStatic, { root: assets, serve: false, maxAge: '1d' })
  app.get<{ Params: { file: string } }>(
    '/docs/assets/:file',
    { config, schema },
    (request, reply) => {
      const { file } = request.params
      if (!/^[\w-][\w.-]*\.(css|js|png)$/.test(file)) throw fail('TG_ROUTE_UNKNOWN', request.url)
      return reply.sendFile(file)
    },
  )
}
