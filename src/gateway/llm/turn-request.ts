import type { ToolOffer } from './chat.ts'
import type { Json } from './json.ts'

/** Under which an answer goes out. */
export type Names = { id: string; created: number }

/** One turn of a model, whichever surface it was asked through. */
export type TurnRequest = {
  /** A chat request in OpenAI's shape. */
  body: Json
  /** What it came as, where it did: what needs no change is sent as it was. */
  bytes?: Buffer
  /** As the client named it. */
  model: string
  /** As the pool serves it. */
  served: string
  stream: boolean
  includeUsage: boolean
  offer: ToolOffer
  /** Thoughts that stand in the text are told apart, for surfaces that have a place for them. */
  splitsThoughts: boolean
  /** It was asked again after calls that could not be used. */
  isRepair?: boolean
  /** The id under which a loop answers, for all its turns. */
  names?: Names
  /** Earlier turns of the same answer were streamed already. */
  continues?: boolean
  /** A loop must know what a turn took, whether or not the client asks. */
  needsUsage?: boolean
}
