import type { Config } from '../../config.ts'
import { createPool } from '../../gateway/llm/pool.ts'
import type { NodeView } from '../../gateway/llm/node.ts'
import { type Ask, jsonOf } from './ask.ts'
import { error, type Finding, ok, reasonOf, warning } from './finding.ts'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
type Spec = Config['llm']['nodes'][number]

/** Asks every LMDeploy node what it is, what it serves, and what it was started with. */
export async function checkNodes(nodes: readonly Spec[], ask: Ask): Promise<Finding[]> {
  if (nodes.length === 0) return [ok('llm', 'no nodes configured')]
  const pool = createPool({ nodes, log: silent })
  try {
    await pool.ready()
    const views = pool.nodes()
    const found = await Promise.all(views.map((view, index) => examine(view, nodes[index], ask)))
    return found.flat()
  } finally {
    await pool.close()
  }
}

async function examine(view: NodeView, spec: Spec | undefined, ask: Ask): Promise<Finding[]> {
  const check = `llm ${view.url}`
  if (view.state !== 'ready')
    return [
      error(
        check,
        `is not ready: ${view.reason ?? view.state}`,
        'see that LMDeploy’s api_server runs there, and that its key and address are right',
      ),
    ]
  const [model] = view.models
  if (model === undefined) return [error(check, 'serves no model', 'start api_server with a model')]
  const headers: Record<string, string> = spec?.key ? { authorization: `Bearer ${spec.key}` } : {}
  const length = await contextLength(view.url, headers, ask)
  const findings = [
    ok(
      check,
      `LMDeploy ${view.version ?? 'of an unknown version'}, ${view.models.join(', ')}, context ${length ?? 'not told by this version'}`,
    ),
  ]
  return [...findings, await toolParser({ check, url: view.url, model, headers, spec }, ask)]
}

async function contextLength(
  url: string,
  headers: Record<string, string>,
  ask: Ask,
): Promise<string | undefined> {
  const { text } = await ask(`${url}/v1/models`, { headers })
  const [, tokens] = /"(?:max_model_len|context_length|session_len)"\s*:\s*(\d+)/.exec(text) ?? []
  return tokens && `${tokens} tokens`
}

type Node = {
  check: string
  url: string
  model: string
  headers: Record<string, string>
  spec: Spec | undefined
}

/** A node says only by refusing whether it was started with a parser of tool calls. */
async function toolParser({ check, url, model, headers, spec }: Node, ask: Ask): Promise<Finding> {
  const body = {
    model,
    max_tokens: 1,
    messages: [{ role: 'user', content: 'hi' }],
    tools: [
      {
        type: 'function',
        function: { name: 'none', parameters: { type: 'object', properties: {} } },
      },
    ],
  }
  try {
    const { status, text } = await ask(`${url}/v1/chat/completions`, { headers, body })
    if (status === 200) return ok(check, 'takes tools itself')
    if (/tool-call-parser|tool_call_parser|tools? .*not support/i.test(text)) {
      if (spec?.tools && spec.tools !== 'native')
        return ok(check, `the gateway writes its tool prompts, in the format ${spec.tools}`)
      return warning(
        check,
        'was started without a parser of tool calls, so the gateway writes its prompts',
        'start api_server with --tool-call-parser, or state the node’s `tools`',
      )
    }
    const told = jsonOf(text)
    const message =
      typeof told === 'object' && told && 'message' in told ? String(told.message) : ''
    return warning(
      check,
      `answers a request with tools with ${status} ${message.slice(0, 120)}`.trim(),
      'see the log of api_server',
    )
  } catch (cause) {
    return warning(
      check,
      `a request with tools: ${reasonOf(cause)}`,
      'the node is busy or slow: try again when it is idle',
    )
  }
}
