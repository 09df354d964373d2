import type { FastifyBaseLogger } from 'fastify'
import type { CallFacts, CallListener } from './watch-calls.ts'

/**
 * One line a call. `share` of the calls that went well get one, evenly spread; a call that failed
 * always does, unless there are to be none at all.
 */
export function createCallLog(options: {
  log: Pick<FastifyBaseLogger, 'info'>
  share: number
}): CallListener {
  const { log, share } = options
  let due = 0
  return facts => {
    if (share === 0) return
    if (facts.outcome === 'ok') {
      due += share
      if (due < 1) return
      due -= 1
    }
    log.info(lineOf(facts), 'call')
  }
}

function lineOf({ name, outcome, ms, context, answer }: CallFacts): object {
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
