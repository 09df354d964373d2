import type { ToolOffer } from '../chat.ts'
import { parseJson } from '../json.ts'
import {
  callsWithinUser,
  contentText,
  demand,
  describe,
  type Exchange,
  type Family,
  plain,
  readCall,
} from './family.ts'
import { createTagParser, type Tag } from './tags.ts'

const start = '<|action_start|>'
const end = '<|action_end|>'
const plugin = '<|plugin|>'

const readPlugin = (body: string) => {
  const call = readCall(body)
  return call && [call]
}
/** Some tokenizers put a space between the two tokens, which LMDeploy's own parser stumbles over. */
export const internlmTags: readonly Tag[] = [
  { open: `${start}${plugin}`, close: end, read: readPlugin },
  { open: `${start} ${plugin}`, close: end, read: readPlugin },
]

const turn = (role: string): string => `<|im_end|>\n<|im_start|>${role}\n`

/**
 * InternLM2, 2.5, 3 and Intern-S1. The plugin's turns are written inside the turns that every chat
 * template has, as special tokens in text: 0.3.0 knows no role for them.
 */
export const internlm: Family = {
  keepsSpecialTokens: true,
  render(messages, offer) {
    const told = callsWithinUser(messages, writeCalls)
    if (offer.tools.length === 0) return told
    const [first, ...rest] = told
    const has = first?.['role'] === 'system'
    const system = has
      ? contentText(first['content'])
      : 'Answer the user; call a tool when it helps.'
    const content = `${system}${turn(`system name=${plugin}`)}${writeTools(offer)}`
    return [{ role: 'system', content }, ...(has ? rest : told)]
  },
  createParser: () => createTagParser(internlmTags),
}

function writeTools(offer: ToolOffer): string {
  const said = demand(offer)
  const list = JSON.stringify(offer.tools.map(describe), null, 4)
  return said ? `${list}\n${said}` : list
}

/** One call a turn is all this family knows: several are told one after the other. */
const writeCalls = ({ content, calls }: Exchange): string =>
  calls
    .map(({ name, arguments: text, result }, index) => {
      const call = JSON.stringify({ name, parameters: parseJson(text) ?? {} })
      const before = turn('assistant') + (index === 0 ? content : '')
      return `${before}${start}${plugin}\n${call}${end}${turn(`environment name=${plugin}`)}${plain(result)}`
    })
    .join('')
