// A server whose tools are imported: 5,000 operations in its document, and one that echoes.
import { createServer } from 'node:http'

const operations = Number(process.env['BENCH_OPERATIONS'] ?? 5_000)
const pet = { $ref: '#/components/schemas/Pet' }
const json = (schema: object) => ({ 'application/json': { schema } })
const operation = (at: number) => ({
  post: {
    operationId: `makeThing${at}`,
    summary: `Makes a thing of kind ${at}.`,
    description: `Makes a thing of kind ${at}. ${'It says at some length what it is good for. '.repeat(6)}`,
    tags: [`group ${at % 40}`],
    parameters: [
      { name: 'id', in: 'path', required: true, schema: { type: 'integer' } },
      { name: 'page', in: 'query', schema: { type: 'integer', minimum: 1, default: 1 } },
      { name: 'X-Trace', in: 'header', schema: { type: 'string' } },
    ],
    requestBody: { required: true, content: json(pet) },
    responses: { 200: { description: 'Made', content: json(pet) } },
  },
})
const document = JSON.stringify({
  openapi: '3.0.3',
  info: { title: 'Many', version: '1.0.0' },
  paths: {
    '/echo': {
      post: {
        operationId: 'echo',
        requestBody: {
          content: json({ type: 'object', properties: { text: { type: 'string' } } }),
        },
        responses: { 200: { content: json({ type: 'object' }) } },
      },
    },
    ...Object.fromEntries(
      Array.from({ length: operations - 1 }, (_, at) => [`/things/${at}/{id}`, operation(at)]),
    ),
  },
  components: {
    schemas: {
      Pet: {
        type: 'object',
        required: ['name'],
        properties: {
          id: { type: 'integer', readOnly: true },
          name: { type: 'string', description: 'Its name', maxLength: 80 },
          kind: { enum: ['cat', 'dog', 'bird'] },
          owner: { $ref: '#/components/schemas/Owner' },
          friends: { type: 'array', items: pet },
        },
      },
      Owner: {
        type: 'object',
        properties: { name: { type: 'string' }, email: { type: 'string', format: 'email' } },
      },
    },
  },
})

const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  if (request.method === 'GET') return response.end(document)
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => response.end(Buffer.concat(chunks)))
  return undefined
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number }
  process.stdout.write(`http://127.0.0.1:${port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
