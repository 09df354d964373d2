import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Llm } from '../call.ts'
import type { Json } from '../json.ts'

/** `GET /v1/models`: each model once, however many nodes have it; Anthropic's list for its clients. */
export function listModels(llm: Llm, request: FastifyRequest, startedAt: number): Json {
  if (request.headers['anthropic-version'] !== undefined) return listAnthropicModels(llm, startedAt)
  return { object: 'list', data: llm.pool.models().map(id => openAiModel(id, startedAt)) }
}

/** The same as Anthropic's clients read it. */
export function listAnthropicModels(llm: Llm, startedAt: number): Json {
  const models = llm.pool.models()
  return {
    data: models.map(id => anthropicModel(id, startedAt)),
    has_more: false,
    first_id: models[0] ?? null,
    last_id: models.at(-1) ?? null,
  }
}

/** `GET /v1/models/{id}`: ids may be paths. */
export async function oneModel(
  llm: Llm,
  request: FastifyRequest,
  startedAt: number,
): Promise<Json> {
  const { '*': id = '' } = request.params as { '*'?: string }
  const served = await llm.pool.resolve(id)
  return request.headers['anthropic-version'] === undefined
    ? openAiModel(served, startedAt)
    : anthropicModel(served, startedAt)
}

const openAiModel = (id: string, startedAt: number): Json => ({
  id,
  object: 'model',
  created: Math.floor(startedAt / 1000),
  owned_by: 'lmdeploy',
})

const anthropicModel = (id: string, startedAt: number): Json => ({
  type: 'model',
  id,
  display_name: id,
  created_at: new Date(startedAt).toISOString(),
  lifecycle: 'active',
  deprecated_at: null,
  retires_at: null,
  capabilities: null,
  line: null,
  max_input_tokens: null,
  max_tokens: null,
})

/** Sends JSON whose bytes are made here. */
export const sendJson = (reply: FastifyReply, json: unknown): FastifyReply =>
  reply.type('application/json; charset=utf-8').send(JSON.stringify(json))
