import type { Tool } from '../tool.ts'
import { core, openwebui } from './core.ts'
import { coze } from './coze.ts'
import { dify } from './dify.ts'
import { mergeFull } from './full.ts'
import { gpt } from './gpt.ts'
import type { Document } from './openapi.ts'
import type { ViewOptions } from './view.ts'

/** Nothing but tools, for who has no fixed routes to describe. */
export const noFixedRoutes: Document = {
  openapi: '3.1.0',
  info: { title: '', version: '' },
  paths: {},
}

/** Every OpenAPI document there is, by the name in `/openapi/{name}.json`; `full` takes the fixed routes. */
export const profiles = {
  core,
  full: (tools: readonly Tool[], options: ViewOptions, fixed: object): Document =>
    mergeFull(fixed as Document, tools, options),
  dify,
  gpt,
  coze,
  openwebui,
} satisfies Record<
  string,
  (tools: readonly Tool[], options: ViewOptions, fixed: object) => Document
>

/** The name of an OpenAPI document. */
export type ProfileName = keyof typeof profiles
