import type { MessagePort } from 'node:worker_threads'
import { isToolError } from '../../registry/errors.ts'
import { lintImported } from '../../registry/lint.ts'
import { describe } from '../../registry/sources/describe.ts'
import { nameTools } from '../../registry/sources/names.ts'
import { toTool, versionOf } from '../../registry/sources/record.ts'
import {
  type Draft,
  type Quarantined,
  type SourceDefinition,
  sourceId,
} from '../../registry/sources/source.ts'
import type { Batch, Job, LintedJson } from './describe.ts'

/** Drafts in one message: few enough that taking it in is no pause for the main thread. */
const batchCharactersMax = 200_000

/** The work of a thread: describes a share of one source, hands the drafts over bit by bit, and ends. */
export async function work(port: MessagePort, job: Job): Promise<void> {
  try {
    let taken = Promise.resolve()
    for (const batch of batches(job)) {
      // While one is taken in, the next is made ready.
      await taken
      taken = new Promise(resolve => port.once('message', () => resolve()))
      port.postMessage(batch)
    }
    await taken
    port.postMessage({ done: true } satisfies Batch)
  } catch (error) {
    port.postMessage(
      isToolError(error)
        ? { error: { code: error.code, args: error.args } }
        : { problem: (error as Error).message },
    )
  } finally {
    port.close()
  }
}

function* batches({ definition, description, share }: Job): Generator<Batch> {
  const described = describe(definition, description, share)
  const names = nameTools(sourceId(definition), described.drafts, () => false)
  const quarantined: Quarantined[] = [...described.quarantined]
  let [linted, characters]: [LintedJson[], number] = [[], 0]
  for (const [index, draft] of described.drafts.entries()) {
    const json = JSON.stringify(draft)
    const reason = problemOf(definition, draft, names[index]!)
    if (reason) {
      quarantined.push({ name: draft.origin, reason })
      continue
    }
    linted.push({ json, version: versionOf(json, described) })
    characters += json.length
    if (characters < batchCharactersMax) continue
    yield { linted }
    ;[linted, characters] = [[], 0]
  }
  yield { linted, quarantined, notes: described.notes }
}

/** What no view can say of a tool, without the name that the linter puts before it. */
function problemOf(definition: SourceDefinition, draft: Draft, name: string): string | undefined {
  const run = () => Promise.resolve({})
  try {
    const problems = lintImported(toTool(draft, { name, definition, version: '1.0.0', run }))
    return problems.length === 0
      ? undefined
      : problems
          .slice(0, 3)
          .map(text => text.replace(`tool "${name}": `, ''))
          .join('; ')
  } catch (error) {
    return `it cannot be described: ${(error as Error).message}`
  }
}
