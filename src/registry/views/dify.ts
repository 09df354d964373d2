import { documentOf, type Document } from './openapi.ts'
import { viewLimits, type View } from './view.ts'

/** `/openapi/dify.json`: the common core under `/dify`, where answers are spaced as Dify expects. */
export const dify: View<Document> = (tools, options) =>
  documentOf(tools, options, {
    prefix: '/dify',
    audience: 'for Dify, which takes at most 99 at once and offers an agent 10',
    operationsMax: viewLimits.difyOperationsMax,
  })
