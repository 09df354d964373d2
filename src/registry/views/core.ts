import { documentOf, type Document } from './openapi.ts'
import type { View } from './view.ts'

/**
 * `/openapi.json`: the form that every importer we know takes without a warning. Flat arguments, one
 * media type each way, `200` and `default`, nothing referenced.
 */
export const core: View<Document> = (tools, options) =>
  documentOf(tools, options, { prefix: '', audience: 'in a form that every importer reads' })

/** `/openapi/openwebui.json`: Open WebUI takes the common core as it is. */
export const openwebui: View<Document> = core
