import type { FastifyRequest } from 'fastify'
import { fail } from '../../registry/errors.ts'
import type { Llm } from './call.ts'
import type { Pool } from './pool.ts'

/** What a caller sees of the LLM side: models outside of its key's scope do not exist. */
export function llmFor(llm: Llm, { holder }: Pick<FastifyRequest, 'holder'>): Llm {
  return holder?.models ? { ...llm, pool: narrowPool(llm.pool, holder.models) } : llm
}

/** A model's id may be a path, of which the last part is the name. */
function narrowPool(pool: Pool, allows: (model: string) => boolean): Pool {
  const sees = (model: string): boolean => allows(model) || allows(model.split('/').at(-1) ?? '')
  return {
    ...pool,
    models: () => pool.models().filter(sees),
    resolve: model => pool.resolve(model, sees),
    async exchange(exchange) {
      if (exchange.model === undefined)
        throw fail('TG_REQUEST_INVALID', 'this key is for some models alone: name one')
      return pool.exchange(exchange)
    },
  }
}
