import { randomUUID } from 'node:crypto'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { guardAccess } from '../../src/gateway/auth/access.ts'
import { shapeErrors } from '../../src/gateway/http/errors.ts'
import { parseJsonBodies } from '../../src/gateway/http/json-body.ts'
import { toolRoutes } from '../../src/gateway/http/tools.ts'
import { agentLegoApp, uploadsInto } from '../fixtures/agentlego-app.ts'
import { broken, greet, keyed, mirror } from '../fixtures/face-tools.ts'
import { type Gateway, gatewayOf } from '../fixtures/gateway.ts'
import { lagentApp } from '../fixtures/lagent-app.ts'
import { mcpApp } from '../fixtures/mcp-app.ts'
import { legacyRequest, modernRequest } from '../fixtures/mcp-client.ts'

type Call = { name: string; args: Record<string, unknown> }
/** Makes a call on one face and gives the one line that it says of the failure. */
type Face = (call: Call) => Promise<string>

async function restApp(gateway: Gateway): Promise<FastifyInstance> {
  const app = fastify({ genReqId: () => randomUUID() })
  shapeErrors(app)
  parseJsonBodies(app)
  guardAccess(app, { keys: [], anonymous: false, keyInQuery: false, documents: 'public' })
  await app.register(formbody)
  await app.register(multipart)
  await app.register(toolRoutes, {
    registry: gateway.registry,
    invoke: gateway.invoke,
    storeUpload: uploadsInto(gateway),
    fileUrl: (_request, id) => id,
    openArtifact: id => gateway.openArtifact(id),
    excerpt: async answer => answer,
    redisMs: 50,
  })
  return app
}

async function facesOf(gateway: Gateway): Promise<Record<string, Face>> {
  const [rest, mcp, lego, lagent] = await Promise.all([
    restApp(gateway),
    mcpApp(gateway),
    agentLegoApp(gateway),
    lagentApp(gateway),
  ])
  const overMcp =
    (requestOf: typeof modernRequest | typeof legacyRequest, path = '/mcp'): Face =>
    async ({ name, args }) => {
      const request = requestOf('tools/call', { name, arguments: args })
      const response = await mcp.inject({ method: 'POST', url: path, ...request })
      // The SDK answers the older era over a stream.
      const { result, error } = JSON.parse(response.body.replace(/^[^{]*/, ''))
      return error ? error.message : result.isError ? result.content[0].text : 'no error'
    }
  return {
    async rest({ name, args }) {
      const response = await rest.inject({ method: 'POST', url: `/tools/${name}`, payload: args })
      const { code, message, hint } = response.json().error
      return `${code}: ${message}.${hint ? ` ${hint}` : ''}`
    },
    'mcp 2026-07-28': overMcp(modernRequest),
    'mcp 2025-11-25': overMcp(legacyRequest),
    async 'mcp call_tool'(call) {
      const inner = { name: 'call_tool', args: { name: call.name, arguments: call.args } }
      return overMcp(modernRequest, '/mcp?search=true')(inner)
    },
    async agentlego({ name, args }) {
      const { detail } = (
        await lego.inject({ method: 'POST', url: `/${name}`, payload: args })
      ).json()
      return typeof detail === 'string' ? detail : detail[0].msg
    },
    async lagent({ name, args }) {
      const response = await lagent.inject({
        method: 'POST',
        url: `/lagent/${name}`,
        payload: args,
      })
      return response.json().errmsg
    },
  }
}

const calls: [code: string, call: Call][] = [
  ['TG_ARGUMENT_UNKNOWN', { name: 'greet', args: { name: 'Ada', tims: 2 } }],
  ['TG_ARGUMENT_MISSING', { name: 'greet', args: {} }],
  ['TG_ARGUMENT_INVALID', { name: 'greet', args: { name: 'Ada', times: 'many' } }],
  ['TG_ARGUMENT_INVALID', { name: 'greet', args: { name: 'A'.repeat(21) } }],
  ['TG_ARGUMENT_INVALID', { name: 'broken', args: { how: 'somehow' } }],
  ['TG_TOOL_UNKNOWN', { name: 'great', args: {} }],
  ['TG_UNAVAILABLE', { name: 'keyed', args: {} }],
  ['TG_NOT_FOUND', { name: 'mirror', args: { image: 'gone.png' } }],
  ['TG_UPSTREAM_FAILED', { name: 'broken', args: { how: 'upstream' } }],
  ['TG_RATE_LIMITED', { name: 'broken', args: { how: 'busy' } }],
  ['TG_REFUSED', { name: 'broken', args: { how: 'refused' } }],
  ['TG_INTERNAL', { name: 'broken', args: { how: 'bug' } }],
]

t.test('the same bad call gives the same code and message on every face', async t => {
  const faces = await facesOf(gatewayOf([greet, mirror, broken, keyed]))
  for (const [code, call] of calls) {
    const said = await faces['rest']?.(call)
    t.match(said, new RegExp(`^${code}: `))
    for (const [face, ask] of Object.entries(faces))
      t.equal(await ask(call), said, `${face}: ${code} ${JSON.stringify(call)}`)
  }
})
