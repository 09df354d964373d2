// The baseline of MCP: the official SDK alone, serving one constant tool over node:http.
import { createServer } from 'node:http'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import { answer, Input, Output } from './tool.ts'

const text = JSON.stringify(answer)
const inputSchema = fromJsonSchema<{ place: string }>(JSON.parse(JSON.stringify(Input)))
const outputSchema = fromJsonSchema(JSON.parse(JSON.stringify(Output)))

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'constant', version: '0.0.0' })
  server.registerTool(
    'bench',
    { title: 'Bench', description: 'Answers at once.', inputSchema, outputSchema },
    async () => ({ content: [{ type: 'text', text }], structuredContent: answer }),
  )
  return server
})

const http = createServer((request, response) => {
  const chunks: Buffer[] = []
  request
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .on('end', () => {
      void serve(request.headers as Record<string, string>, Buffer.concat(chunks)).then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      )
    })
})

async function serve(headers: Record<string, string>, body: Buffer) {
  const answered = await handler.fetch(
    new Request('http://127.0.0.1/mcp', { method: 'POST', headers }),
    { parsedBody: JSON.parse(body.toString()) },
  )
  return {
    status: answered.status,
    headers: Object.fromEntries(answered.headers),
    body: await answered.text(),
  }
}

http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as { port: number }
  process.stdout.write(`http://127.0.0.1:${port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
