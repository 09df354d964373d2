import type { ToolOffer } from '../chat.ts'
import { parseJson } from '../json.ts'
import {
  demand,
  describe,
  type Exchange,
  type Family,
  plain,
  readCall,
  rewriteCalls,
  withSystem,
  type PlainCall,
} from './family.ts'
import { createTagParser, type Tag } from './tags.ts'

/** `<tool_call>` holds JSON from Qwen2.5 and 3, and XML from Qwen3-Coder and its kin. */
export const qwenTags: readonly Tag[] = [
  {
    open: '<tool_call>',
    close: '</tool_call>',
    read(body) {
      const call = readCall(body) ?? readXml(body)
      return call && [call]
    },
  },
]

/** `<function=f><parameter=p>value</parameter></function>`: values are JSON where they can be. */
function readXml(body: string): PlainCall | undefined {
  const name = /<function=([^>\s]+)>/.exec(body)?.[1]
  if (!name) return undefined
  const values: [string, unknown][] = []
  for (const [, key = '', value = ''] of body.matchAll(
    /<parameter=([^>\s]+)>([^]*?)<\/parameter>/g,
  )) {
    const text = value.replace(/^\n|\n$/g, '')
    const json = parseJson(text)
    values.push([key, json === undefined ? text : json])
  }
  return { name, arguments: JSON.stringify(Object.fromEntries(values)) }
}

/** Qwen2.5 and 3, and whoever learned their format. */
export const qwen: Family = {
  keepsSpecialTokens: false,
  render(messages, offer) {
    const told = mergeUsers(rewriteCalls(messages, writeCalls))
    return offer.tools.length === 0 ? told : withSystem(told, writeTools(offer))
  },
  createParser: () => createTagParser(qwenTags),
}

const writeTools = (offer: ToolOffer): string =>
  [
    '# Tools',
    'These functions can be called; each line between the tags is one of them:',
    '<tools>',
    ...offer.tools.map(tool => JSON.stringify({ type: 'function', function: describe(tool) })),
    '</tools>',
    'To call one, write its name and its arguments as JSON between these tags:',
    '<tool_call>\n{"name": "the function", "arguments": {"an": "argument"}}\n</tool_call>',
    demand(offer),
  ]
    .filter(Boolean)
    .join('\n')

function writeCalls({ content, calls }: Exchange) {
  const called = calls.map(
    ({ name, arguments: text }) =>
      `<tool_call>\n${JSON.stringify({ name, arguments: parseJson(text) ?? {} })}\n</tool_call>`,
  )
  const answered = calls.map(({ result }) => `<tool_response>\n${plain(result)}\n</tool_response>`)
  return [
    { role: 'assistant', content: [content, ...called].filter(Boolean).join('\n') },
    { role: 'user', content: answered.join('\n') },
  ]
}

/** Templates that insist on turns taken in order get no two user turns in a row. */
function mergeUsers(messages: ReturnType<typeof rewriteCalls>) {
  return messages.reduce<typeof messages>((merged, message) => {
    const before = merged.at(-1)
    const joined = before?.['role'] === 'user' && message['role'] === 'user'
    if (
      !joined ||
      typeof before['content'] !== 'string' ||
      typeof message['content'] !== 'string'
    ) {
      return [...merged, message]
    }
    const content = `${before['content']}\n${message['content']}`
    return [...merged.slice(0, -1), { ...before, content }]
  }, [])
}
