import type { ToolOffer } from '../chat.ts'
import { parseJson } from '../json.ts'
import {
  callsWithinUser,
  demand,
  describe,
  type Exchange,
  type Family,
  plain,
  type PlainCall,
  readCall,
  withSystem,
} from './family.ts'
import { createTagParser, type Tag } from './tags.ts'
import type { TextParser } from '../mend/choice.ts'

const endTokens = /<\|e(?:om|ot)_id\|>/g

/** One call, or several with `; ` between them. */
function readCalls(body: string): PlainCall[] | undefined {
  const text = body.replace(endTokens, '').trim()
  const whole = readCall(text)
  if (whole) return [whole]
  const calls = text.split(/(?<=\});\s*(?=\{)/).map(readCall)
  return calls.length > 1 && calls.every(call => call !== undefined) ? calls : undefined
}

/** 3.1 and 3.2 with `<|python_tag|>`; some fine-tunes with `<function=f>{…}</function>`. */
export const llama3Tags: readonly Tag[] = [
  { open: '<|python_tag|>', read: readCalls },
  {
    open: '<function=',
    close: '</function>',
    read(body) {
      const cut = body.indexOf('>')
      const text = body.slice(cut + 1).trim()
      return cut > 0 && parseJson(text) !== undefined
        ? [{ name: body.slice(0, cut), arguments: text }]
        : undefined
    },
  },
]

/** Llama 3.1 to 3.3. */
export const llama3: Family = {
  keepsSpecialTokens: true,
  render(messages, offer) {
    const told = callsWithinUser(messages, writeCalls)
    return offer.tools.length === 0 ? told : withSystem(told, writeTools(offer))
  },
  createParser: offer => bareJson(createTagParser(llama3Tags), offer),
}

const writeTools = (offer: ToolOffer): string =>
  [
    'These functions can be called:',
    ...offer.tools.map(tool => JSON.stringify(describe(tool))),
    'To call one, answer with this JSON alone: {"name": "the function", "parameters": {"an": "argument"}}',
    'Answer in words when no function is needed.',
    demand(offer),
  ]
    .filter(Boolean)
    .join('\n')

const header = (role: string): string => `<|eot_id|><|start_header_id|>${role}<|end_header_id|>\n\n`

const writeCalls = ({ content, calls }: Exchange): string =>
  calls
    .map(({ name, arguments: text, result }, index) => {
      const call = JSON.stringify({ name, parameters: parseJson(text) ?? {} })
      const before = header('assistant') + (index === 0 ? content : '')
      return `${before}<|python_tag|>${call}${header('ipython')}${plain(result)}`
    })
    .join('')

/** Without its tag a call is an answer that is nothing but JSON: held until that is certain. */
function bareJson(inner: TextParser, { tools }: ToolOffer): TextParser {
  let text = ''
  let state: 'unsure' | 'json' | 'text' = 'unsure'
  return {
    push(more) {
      if (state === 'text') return inner.push(more)
      text += more
      const begun = text.trimStart()
      if (state === 'unsure' && begun) state = begun.startsWith('{') ? 'json' : 'text'
      return state === 'text' ? inner.push(text) : []
    },
    end() {
      if (state === 'text') return inner.end()
      const calls = readCalls(text)
      const known = calls?.every(({ name }) => tools.some(tool => tool.name === name))
      if (calls && known) return calls.map(call => ({ call }))
      return text ? [{ text }] : []
    },
  }
}
