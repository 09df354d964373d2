import type { FastifyBaseLogger } from 'fastify'
import { symbols } from 'pino'
import type { CallFacts, CallListener } from './watch-calls.ts'

/**
 * One line a call. `share` of the calls that went well get one, evenly spread; a call that failed
 * always does, unless there are to be none at all.
 */
export function createCallLog(options: {
  log: Pick<FastifyBaseLogger, 'child'>
  share: number
}): CallListener {
  const { log, share } = options
  const calls = Object.assign(log.child({}), {
    // pino asks anew for each member of each line how to write it, which takes ten times as long.
    [symbols.asJsonSym]: textOf,
    // Nothing of it is an error's text, in which secrets would have to be looked for.
    [symbols.hooksSym]: {},
  })
  let due = 0
  return facts => {
    if (share === 0) return
    if (facts.outcome === 'ok') {
      due += share
      if (due < 1) return
      due -= 1
    }
    calls.info(lineOf(facts), 'call')
  }
}

type Line = ReturnType<typeof lineOf>

function lineOf({ name, outcome, ms, context, answer }: CallFacts) {
  const { requestId, face, caller, report } = context
  return {
    requestId,
    face,
    tool: answer?.tool.name ?? name.slice(0, nameCharactersMax),
    caller,
    outcome,
    ms: Math.round(ms * 100) / 100,
    cache: report.hit ?? report.forward,
    // Of an answer out of the store the text is there already.
    bytes: answer && Buffer.byteLength(answer.result.json),
  }
}

/** What a caller made up as a name may be as long as a path. */
const nameCharactersMax = 80

/** What pino has made of a level, and of what stands in all lines of a logger. */
type Written = {
  [symbols.lsCacheSym]: Readonly<Record<number, string>>
  [symbols.chindingsSym]: string
}

/** A line as pino would write it. What may hold any character is the tool's name and the caller's. */
function textOf(this: Written, line: Line, message: string, level: number, time: string): string {
  const { requestId, face, tool, caller, outcome, ms, cache, bytes } = line
  const start = `${this[symbols.lsCacheSym][level]}${time}${this[symbols.chindingsSym]}`
  const who = caller === undefined ? '' : `,"caller":${JSON.stringify(caller)}`
  const what = `,"requestId":"${requestId}","face":"${face}","tool":${JSON.stringify(tool)}${who}`
  const store = cache === undefined ? '' : `,"cache":"${cache}"`
  const size = bytes === undefined ? '' : `,"bytes":${bytes}`
  return `${start}${what},"outcome":"${outcome}","ms":${ms}${store}${size},"msg":"${message}"}\n`
}
