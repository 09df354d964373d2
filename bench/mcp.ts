// The figures of MCP: cached calls and lists against the official SDK alone. `node bench/mcp.ts [--smoke] [--write]`
import { full, type Load, ratioOf, type Sent, smoke } from './load.ts'
import { startServer } from './processes.ts'
import { type Figure, report } from './report.ts'

const load: Load = process.argv.includes('--smoke') ? smoke : full
const gatewayFile = process.env['BENCH_MCP_GATEWAY'] ?? './servers/gateway.ts'

const accept = 'application/json, text/event-stream'
const call = { name: 'bench', arguments: { place: 'Shanghai' } }
const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '0.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const modern = (method: string, params: object, name?: string): Sent => ({
  path: '/mcp',
  headers: {
    accept,
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(name ? { 'mcp-name': name } : {}),
  },
  bodies: [message(method, { ...params, _meta: envelope })],
})
const legacy = (method: string, params: object): Sent => ({
  path: '/mcp',
  headers: { accept, 'mcp-protocol-version': '2025-11-25' },
  bodies: [message(method, params)],
})

await report('mcp', await figures())

async function figures(): Promise<Figure[]> {
  const [gateway, sdk] = await Promise.all([
    startServer(gatewayFile),
    startServer('./servers/mcp-sdk.ts'),
  ])
  const against = async (what: string, goal: string, sent: Sent): Promise<Figure> => {
    const { ratio, measured, baseline } = await ratioOf(gateway, sdk, { load, ...sent })
    const note = `${Math.round(measured)} and ${Math.round(baseline)} requests/s`
    return { what, seen: `${ratio.toFixed(2)} ×`, goal, note }
  }
  try {
    return [
      await against(
        'cached call over MCP 2026-07-28, against the official SDK with one constant tool',
        '≥ 1.0 ×, aim 2',
        modern('tools/call', call, 'bench'),
      ),
      await against('the same over 2025-11-25', '≥ 1.0 ×, aim 2', legacy('tools/call', call)),
      await against('tools/list of one tool, 2026-07-28', '≥ 1.0 ×', modern('tools/list', {})),
    ]
  } finally {
    await Promise.all([gateway.stop(), sdk.stop()])
  }
}

function message(method: string, params: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
}
