import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createHotAnswers, listLimits } from '../../../src/gateway/mcp/hot-answer.ts'
import { allTools } from '../../../src/gateway/mcp/scope.ts'
import { createMcpTools } from '../../../src/gateway/mcp/tools.ts'
import { greet } from '../../fixtures/face-tools.ts'
import { gatewayOf } from '../../fixtures/gateway.ts'

t.test('a long list is written down in turns, and once', async t => {
  const many = Array.from({ length: listLimits.toolsAtOnce * 4 }, (_, index) => ({
    ...greet,
    name: `tool_${index}`,
  }))
  const { registry, invoke } = gatewayOf(many)
  const tools = createMcpTools({ registry, invoke })
  const answers = createHotAnswers({ registry, tools, version: '0.0.0', secured: () => false })
  const offer = { scope: allTools(registry), search: false }
  const request = { id: 1, modern: true, meta: {}, method: 'tools/list' } as const
  const turnsOf = async (work: Promise<Buffer>): Promise<number> => {
    let turns = 0
    let done = false
    const ended = work.then(() => (done = true))
    for (; !done; turns++) await turn()
    await ended
    return turns
  }
  t.ok((await turnsOf(answers.list(request, offer))) >= 4, 'others had their turns')
  t.ok((await turnsOf(answers.list(request, offer))) <= 2, 'it was remembered')
  const { result } = JSON.parse((await answers.list(request, offer)).toString())
  t.equal(result.tools.length, many.length)
})
