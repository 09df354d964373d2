/** Every bound of the LLM side, by name; an operator's configuration states some of them. */
export const llmLimits = {
  /** A request's body. */
  bodyBytesMax: 16 * 1024 * 1024,
  /** An answer that is not streamed, and what one stream may leave unparsed. */
  answerBytesMax: 64 * 1024 * 1024,
  /** One server-sent event. */
  eventBytesMax: 8 * 1024 * 1024,
  /** Streams open at once, over all nodes. */
  streamsMax: 1_024,
  /** Requests at once on one node, where its entry says nothing. */
  concurrency: 1_024,
  /** Requests waiting, for each node that could take them. */
  queuedMax: 256,
  /** How long a request waits for a place. */
  queueMs: 30_000,
  /** How long a request waits while every node of its model is down. */
  nodelessMs: 3_000,
  /** Nodes tried for one request, the first included. */
  attemptsMax: 4,
  connectMs: 3_000,
  /** A stream's headers: a healthy node sends them within milliseconds. */
  headersMs: 60_000,
  /** Between two bytes of a stream, the first included. */
  idleMs: 120_000,
  /** A node that has said `[DONE]` and does not end its answer. */
  lingerMs: 1_000,
  /** A whole answer that is not streamed. */
  answerMs: 600_000,
  /** A whole stream. */
  streamMs: 3_600_000,
  /** A client that takes nothing off its socket. */
  stalledMs: 120_000,
  /** A comment is sent on a stream that was silent for this long. */
  keepAliveMs: 15_000,
  /** Below the 5 s after which LMDeploy closes an idle socket. */
  idleSocketMs: 3_000,
  probeMs: 5_000,
  probeTimeoutMs: 3_000,
  /** Probes in a row that may time out: a busy old node answers none while it generates. */
  probeFailuresMax: 3,
  probeFailuresBusyMax: 20,
  /** How often a node is asked again which models it has. */
  modelsMs: 30_000,
  /** Failures in a row after which a node is left alone, other than a refused connection. */
  failuresMax: 3,
  ejectMs: 1_000,
  ejectMsMax: 30_000,
  nodesMax: 1_000,
  modelsMax: 10_000,
  choicesMax: 128,
  toolsMax: 1_024,
  messagesMax: 10_000,
  imagesMax: 64,
  imageBytesMax: 32 * 1024 * 1024,
  imageMs: 10_000,
} as const

/** The bounds as numbers, so that a test or a config may set its own. */
export type LlmLimits = { readonly [Name in keyof typeof llmLimits]: number }

/** Those that a configuration names, under the names that it has for them. */
type Configured = {
  bodyBytesMax: number
  llmQueuedMax: number
  llmQueueMs: number
  llmStreamsMax: number
  llmAnswerMs: number
  llmStreamMs: number
  llmIdleMs: number
}
/** The bounds that an operator has stated. */
export const limitsOf = (configured: Configured): Partial<LlmLimits> => ({
  bodyBytesMax: configured.bodyBytesMax,
  queuedMax: configured.llmQueuedMax,
  queueMs: configured.llmQueueMs,
  streamsMax: configured.llmStreamsMax,
  answerMs: configured.llmAnswerMs,
  streamMs: configured.llmStreamMs,
  idleMs: configured.llmIdleMs,
})
