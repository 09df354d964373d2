import { fail } from '../../registry/errors.ts'
import type { ToolOffer, TurnChoice, Usage } from './chat.ts'
import { argumentsProblem } from './mend/arguments.ts'
import type { HeldCall } from './mend/choice.ts'
import type { Mended } from './mend/chunk.ts'
import { demandsCall, offersTools } from './validate.ts'

/** Calls that take the place of those that were no good. */
export type Repair = { calls: HeldCall[]; usage: Usage | undefined }
/** What a turn called, and how to ask for it again. */
export type RepairOptions = {
  offer: ToolOffer
  mended: Mended
  node: string
  /** The client has seen the calls already: nothing can take their place. */
  sent: boolean
  /** This was the second try. */
  isRepair: boolean
  /** Asks the model again, after what it said and what was wrong with it. */
  again(said: string, wrong: string): Promise<{ choices: TurnChoice[]; usage: Usage | undefined }>
}

/**
 * Looks at what a turn called. Where that cannot be used, the model is told why and asked once
 * more; a second failure is the upstream's error, never broken JSON that looks like a call.
 */
export async function repairCalls(options: RepairOptions): Promise<Repair | undefined> {
  const { offer, mended, node, sent, isRepair } = options
  const [choice] = mended.choices
  if (!choice || mended.choices.length > 1 || choice.finish === 'length') return undefined
  const problem = problemOf(offer, mended)
  if (!problem) return undefined
  const unusable = fail('TG_UPSTREAM_INVALID', node, problem.text)
  if (isRepair || sent) {
    if (problem.bearable) return undefined
    throw unusable
  }
  const turn = await options.again(choice.content || callsAsText(mended), problem.text)
  const calls = turn.choices[0]?.calls ?? []
  if (calls.length > 0) {
    const { index } = choice
    return {
      calls: calls.map(({ name, arguments: text }) => ({ index, name, arguments: text })),
      usage: turn.usage,
    }
  }
  if (problem.bearable) return undefined
  throw unusable
}

type Problem = {
  text: string
  /** The client can live with it: arguments that do not fit a schema are its own to judge. */
  bearable?: boolean
}

function problemOf(
  offer: ToolOffer,
  { choices, held, broken, usage }: Mended,
): Problem | undefined {
  const [choice] = choices
  if (broken[0]) return { text: `The arguments of the call of ${broken[0]} are not valid JSON` }
  const made = [...(choice?.calls ?? []), ...held]
  if (made.length > 0) return callProblem(offer, made, held)
  const names = offer.tools.map(({ name }) => name).join(', ')
  // 0.18 drops calls of names that are not in the request: tokens were made, nothing came.
  const silent = !choice?.content && !choice?.reasoning && (usage?.completion_tokens ?? 0) > 1
  if (offersTools(offer) && silent)
    return { text: `That called a tool that does not exist; there are ${names}` }
  return demandsCall(offer) ? { text: 'That called no tool, though one must be called' } : undefined
}

type Made = { name: string; arguments: string }

function callProblem({ tools }: ToolOffer, made: Made[], held: Made[]): Problem | undefined {
  const names = tools.map(({ name }) => name).join(', ')
  for (const call of made) {
    const tool = tools.find(({ name }) => name === call.name)
    if (!tool && held.includes(call)) {
      return {
        text: `There is no tool ${JSON.stringify(call.name)}; there are ${names}`,
        bearable: true,
      }
    }
    const problem = argumentsProblem(tool?.parameters, call.arguments)
    if (!problem) continue
    const readable = problem !== 'the arguments are not a JSON object'
    return { text: `The call of ${call.name} cannot be used: ${problem}`, bearable: readable }
  }
  return undefined
}

const callsAsText = ({ choices, held }: Mended): string =>
  [...(choices[0]?.calls ?? []), ...held]
    .map(({ name, arguments: text }) => `${name}(${text})`)
    .join('\n') || '(nothing)'
