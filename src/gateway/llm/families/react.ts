import type { ToolOffer } from '../chat.ts'
import { parseRecord } from '../json.ts'
import {
  demand,
  describe,
  type Exchange,
  type Family,
  type PlainCall,
  rewriteCalls,
  withSystem,
} from './family.ts'
import { heldBack } from './tags.ts'
import type { Piece, TextParser } from '../mend/choice.ts'

const labels = ['Thought:', 'Action:', 'Action Input:', 'Observation:', 'Final Answer:'] as const
type Label = (typeof labels)[number]

/** For models that were never taught a format: one in plain words, which any of them can follow. */
export const react: Family = {
  keepsSpecialTokens: false,
  render(messages, offer) {
    const told = rewriteCalls(messages, writeCalls)
    return offer.tools.length === 0 ? told : withSystem(told, writeTools(offer))
  },
  createParser: createReactParser,
}

const writeTools = (offer: ToolOffer): string =>
  [
    'You can use these tools:',
    ...offer.tools.map(tool => JSON.stringify(describe(tool))),
    'To use one, write exactly these lines and then stop:',
    'Thought: why a tool is needed\nAction: the name of the tool\nAction Input: its arguments as one JSON object',
    'You will be shown the result after "Observation:". When you know the answer, write:',
    'Final Answer: the answer',
    demand(offer),
  ]
    .filter(Boolean)
    .join('\n')

const writeCalls = ({ content, calls }: Exchange) =>
  calls.flatMap(({ name, arguments: text, result }, index) => [
    {
      role: 'assistant',
      content: `${index === 0 && content ? `Thought: ${content}\n` : ''}Action: ${name}\nAction Input: ${text}`,
    },
    { role: 'user', content: `Observation: ${result}` },
  ])

/** Reads labelled text line by line; what follows an invented observation is dropped. */
function createReactParser(_offer: ToolOffer): TextParser {
  let pending = ''
  let label: Label = 'Final Answer:'
  let action = ''
  let input = ''
  let stopped = false
  /** True where `pending` begins a line. */
  let fresh = true

  const call = (): Piece[] => {
    const made = readAction(action, input)
    const text =
      action.trim() && !made
        ? [{ text: `Action: ${action.trim()}\nAction Input: ${input.trim()}` }]
        : []
    action = ''
    input = ''
    return made ? [{ call: made }] : text
  }
  const take = (text: string): Piece[] => {
    if (text === '') return []
    if (label === 'Action:') action += text
    else if (label === 'Action Input:') input += text
    else if (label === 'Thought:') return [{ reasoning: text }]
    else return [{ text }]
    return []
  }
  const enter = (next: Label): Piece[] => {
    const done = next !== 'Action Input:' && (action || input) ? call() : []
    stopped ||= next === 'Observation:'
    label = next
    return done
  }
  const step = (last: boolean): Piece[] => {
    const pieces: Piece[] = []
    while (!stopped) {
      const found = nextLabel(pending, fresh)
      if (!found) break
      pieces.push(...take(pending.slice(0, found.at).replace(/\s+$/, '')), ...enter(found.label))
      pending = pending.slice(found.at + found.label.length).replace(/^[ \t]+/, '')
      fresh = false
    }
    if (stopped) pending = ''
    const held = last ? 0 : heldBack(pending, marks) || (/\n\s*$/.exec(pending)?.[0].length ?? 0)
    const taken = pending.slice(0, pending.length - held)
    pieces.push(...take(taken))
    pending = pending.slice(taken.length)
    fresh = taken === '' ? fresh : taken.endsWith('\n')
    return pieces
  }
  return {
    push(text) {
      pending += text
      return step(false)
    },
    end: () => [...step(true), ...call()],
  }
}

/** A label counts at the beginning of a line alone. */
const startLabel = /(?:^|\n)[ \t]*(Thought:|Action:|Action Input:|Observation:|Final Answer:)/
const lineLabel = /\n[ \t]*(Thought:|Action:|Action Input:|Observation:|Final Answer:)/
const marks = [...labels, ...labels.map(label => `\n${label}`)]

function nextLabel(text: string, fresh: boolean): { label: Label; at: number } | undefined {
  const pattern = fresh ? startLabel : lineLabel
  const match = pattern.exec(text)
  if (!match) return undefined
  return { label: match[1] as Label, at: match.index + match[0].length - match[1]!.length }
}

function readAction(action: string, input: string): PlainCall | undefined {
  const name = action
    .trim()
    .split('\n')[0]
    ?.trim()
    .replace(/[`'"()]/g, '')
  if (!name) return undefined
  const bare = input.trim().replace(/^```(?:json)?\s*|\s*```$/g, '')
  const cut = bare.slice(bare.indexOf('{'), bare.lastIndexOf('}') + 1)
  if (parseRecord(cut)) return { name, arguments: cut }
  return bare === '' ? { name, arguments: '{}' } : { name, arguments: bare }
}
