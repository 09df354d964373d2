import { artifactKeyword, type JsonObject, type JsonSchema } from '../tool.ts'
import { asObject } from '../views/walk.ts'
import { bareType, binaryType, fileName, isJson, isText, pickMedia } from './media.ts'
import type { Operation } from './operations.ts'
import type { AnswerPlan } from './plan.ts'
import type { ImportSchema } from './schema.ts'

/** What an operation gives: the schema of the output, and how an answer becomes one. */
export type Answers = { output: JsonSchema; answer: AnswerPlan; accept: string }

/** The property that holds an answer which is no object. */
export const resultKey = 'result'

/** An output with one value. */
export const resultOutput = (schema: JsonSchema): JsonSchema => ({
  type: 'object',
  properties: { [resultKey]: schema },
  required: [resultKey],
})

/** An output that is a file. */
export const fileOutput = (mediaType: string, description?: string): JsonSchema => {
  const name = fileName(mediaType)
  return {
    type: 'object',
    properties: {
      [name]: {
        type: 'string',
        ...(description ? { description } : {}),
        [artifactKeyword]: mediaType,
      },
    },
    required: [name],
  }
}

/** The response of success: 200, else another of 2XX, else the default. */
export function successOf(responses: Operation['responses']): JsonObject | undefined {
  const byStatus = new Map(responses.map(([status, response]) => [status.toUpperCase(), response]))
  const other = responses.find(([status]) => /^2(\d\d|XX)$/i.test(status))
  return byStatus.get('200') ?? byStatus.get('201') ?? other?.[1] ?? byStatus.get('DEFAULT')
}

/** Reads what a successful answer is; objects stay as declared, all else stands under `result`. */
export function answersOf(
  operation: Operation,
  schemas: ImportSchema,
  note: (loss: string) => void,
): Answers {
  const content = asObject(successOf(operation.responses)?.['content'])
  const picked = pickMedia(content, [
    isJson,
    type => type === 'text/plain',
    type => type === '*/*' || type === 'application/*',
    type => !isText(type),
  ])
  if (!picked)
    return { output: resultOutput({}), answer: { as: 'value' }, accept: 'application/json, */*' }
  const [mediaType, media] = picked
  const type = bareType(mediaType)
  if (isText(type) && !isJson(type))
    return {
      output: resultOutput({ type: 'string', description: `Text in ${type}` }),
      answer: { as: 'text' },
      accept: `${type}, text/*;q=0.9, */*;q=0.5`,
    }
  const isAnything = type.includes('*')
  const file = binaryType(asObject(media['schema']))
  if (!isJson(type) && !(isAnything && file === undefined)) {
    const fileType = isAnything || file?.includes('/') === false ? (file ?? type) : type
    return {
      output: fileOutput(fileType),
      answer: { as: 'file', name: fileName(fileType), mediaType: fileType },
      accept: isAnything ? '*/*' : `${type}, */*;q=0.5`,
    }
  }
  return {
    ...jsonAnswer(schemas(media['schema'], 'output', note)),
    accept: 'application/json, */*;q=0.5',
  }
}

function jsonAnswer(schema: JsonSchema): Omit<Answers, 'accept'> {
  if (schema['type'] !== 'object') return { output: resultOutput(schema), answer: { as: 'value' } }
  return {
    output: { ...schema, properties: asObject(schema['properties']) },
    answer: { as: 'object' },
  }
}
