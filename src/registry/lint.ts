import { Check } from 'typebox/schema'
import { knownNames } from './views/alias.ts'
import { core } from './views/core.ts'
import { isPortableName, pythonKeywords } from './views/flatten.ts'
import { gpt } from './views/gpt.ts'
import { normalise } from './views/normalise.ts'
import type { ProfileName } from './views/profiles.ts'
import { rules } from './views/rules.ts'
import { type ViewOptions, viewLimits } from './views/view.ts'
import { asObject, type Found, nested } from './views/walk.ts'
import {
  artifactKeyword,
  fileInputsOf,
  fileKeyword,
  type JsonObject,
  type JsonSchema,
  propertiesOf,
  requiredOf,
  type Tool,
  toolLimits,
} from './tool.ts'

/** What is wrong with a document of a profile: one sentence a problem, each with the rule and the cure. */
export const lintDocument = (document: object, profile: ProfileName): string[] =>
  rules
    .filter(({ profiles }) => profiles.includes(profile))
    .flatMap(rule =>
      rule
        .check(document as JsonObject, profile)
        .map(text => `${profile}: ${text} (rule ${rule.id}: ${rule.why})`),
    )

const someOrigin: ViewOptions = { origin: 'https://gateway.example', secured: true }

/**
 * What is wrong with a tool: one sentence a problem, each with how to mend it. Ours and a user's own
 * must be written well; imported ones are down-converted, so only what no view can say counts.
 */
export function lintTool(tool: Tool): readonly string[] {
  if (tool.source !== 'builtin' && tool.source !== 'local')
    return lintedElsewhere.has(tool) ? [] : lintImported(tool)
  const record = lintRecord(tool)
  if (record.length > 0) return record
  // The other documents are made of the same parts; tests lint them all, a start with 10,000 tools
  // has no time to.
  return named(tool, [
    ...lintDocument(core([tool], someOrigin), 'core'),
    ...(fileInputsOf(tool).length > 0 ? lintDocument(gpt([tool], someOrigin), 'gpt') : []),
  ])
}

const lintedElsewhere = new WeakSet<Tool>()
/** Notes that `lintImported` found nothing, in a thread: thousands of tools at once would stop this one. */
export const noteLinted = (tool: Tool): Tool => {
  lintedElsewhere.add(tool)
  return tool
}

/** What keeps an imported tool from being said at all; a source quarantines it with these reasons. */
export function lintImported(tool: Tool): readonly string[] {
  const unnamed = requiredOf(normalise(tool.input, 'input')).filter(name => !isPortableName(name))
  const problems = [
    ...nameProblems(tool),
    ...unnamed.map(
      name =>
        `its required argument "${name}" has a name that no client can send: leave the tool out, or rename it at its source`,
    ),
  ]
  if (problems.length > 0) return named(tool, problems)
  return named(tool, lintDocument(core([tool], someOrigin), 'core'))
}

const named = (tool: Tool, problems: readonly string[]): string[] =>
  problems.map(text => `tool "${tool.name}": ${text}`)

function lintRecord(tool: Tool): string[] {
  return named(tool, [
    ...nameProblems(tool),
    ...textProblems(tool),
    ...schemaProblems(tool.input, 'input'),
    ...schemaProblems(tool.output, 'output'),
    ...fileProblems(tool),
    ...aliasProblems(tool),
    ...exampleProblems(tool),
  ])
}

const nameProblems = ({ name }: Tool): string[] =>
  /^[a-z][a-z0-9_]{0,59}$/.test(name) ? [] : ['use a name of a-z, 0-9 and _, at most 60 characters']

function textProblems({ title, description, version, cache }: Tool): string[] {
  const max = toolLimits.descriptionCharactersMax
  return [
    ...(title.trim() ? [] : ['give it a title']),
    ...(description.trim() ? [] : ['give it a description: when to use it, and when not']),
    ...(description.length > max
      ? [`its description has ${description.length} characters: use at most ${max}`]
      : []),
    ...(/^\d+\.\d+\.\d+/.test(version)
      ? []
      : [`its version "${version}" is no semver: use one such as 1.0.0`]),
    ...(cache && !(cache.ttlMs > 0)
      ? ['its cache.ttlMs must be more than 0: leave the cache out to store nothing']
      : []),
  ]
}

function schemaProblems(schema: JsonSchema, part: 'input' | 'output'): string[] {
  if (schema['type'] !== 'object' || typeof schema['properties'] !== 'object')
    return [`make its ${part} an object with properties: Type.Object({ … })`]
  if (/"\$(ref|defs|dynamicRef|recursiveRef)":/.test(JSON.stringify(schema)))
    return [`write its ${part} without $ref: state each schema where it is used, to a fixed depth`]
  const found = nested(schema, part)
  if (found.length > viewLimits.nodesMax)
    return [`its ${part} has ${found.length} schemas: use at most ${viewLimits.nodesMax}`]
  return found.flatMap(({ at, schema }) => objectProblems({ at, schema: asObject(schema) }))
}

function objectProblems({ at, schema }: Found): string[] {
  if (typeof schema['properties'] !== 'object') return []
  const open =
    schema['additionalProperties'] === undefined || schema['additionalProperties'] === true
  return [
    ...(open
      ? [
          `${at}: close the object with additionalProperties: false, so that a misspelt name is heard of`,
        ]
      : []),
    ...Object.entries(propertiesOf(schema)).flatMap(([name, property]) =>
      propertyProblems(name, asObject(property), `${at}: ${name}`),
    ),
  ]
}

function propertyProblems(name: string, property: JsonSchema, at: string): string[] {
  const text = property['description']
  const max = viewLimits.propertyCharactersMax
  return [
    ...(/^[a-z][a-z0-9_]{0,63}$/.test(name) && !pythonKeywords.has(name)
      ? []
      : [`${at}: use a name of a-z, 0-9 and _ that is no Python keyword, at most 64 characters`]),
    ...((typeof text === 'string' && text.trim()) ||
    fileKeyword in property ||
    artifactKeyword in property
      ? []
      : [`${at}: describe it: what it is, its unit and range`]),
    ...(typeof text === 'string' && text.length > max
      ? [`${at}: describe it in at most ${max} characters`]
      : []),
  ]
}

function fileProblems(tool: Tool): string[] {
  const marked = (schema: JsonSchema, keyword: string): number =>
    nested(schema, '').filter(found => keyword in asObject(found.schema)).length
  const top = Object.values(propertiesOf(tool.output)).filter(
    property => artifactKeyword in property,
  ).length
  return [
    ...(marked(tool.input, fileKeyword) > fileInputsOf(tool).length
      ? ['put its file inputs at the top of the input: faces fill them there alone']
      : []),
    ...(marked(tool.output, artifactKeyword) > top
      ? ['put its artifacts at the top of the output: faces make URLs of them there alone']
      : []),
  ]
}

function aliasProblems(tool: Tool): string[] {
  return knownNames(tool).flatMap(([face, name]) => {
    const pattern =
      face === 'lagent' ? /^[A-Za-z_]\w{0,63}(\.[A-Za-z_]\w{0,63})?$/ : /^[A-Za-z_]\w{0,63}$/
    const cure =
      face === 'lagent'
        ? 'use Action or Action.method: letters, digits and _, at most one dot'
        : 'use letters, digits and _'
    return pattern.test(name) ? [] : [`its ${face} alias "${name}" cannot be called: ${cure}`]
  })
}

function exampleProblems(tool: Tool): string[] {
  return tool.examples.flatMap(({ input, output }, index) => {
    const at = `example ${index + 1}`
    const fits = [
      ...(Check(tool.input, input) ? [] : [`${at}: its input does not fit the input schema`]),
      ...(Check(tool.output, output) ? [] : [`${at}: its output does not fit the output schema`]),
    ]
    if (fits.length > 0) return fits
    const text: unknown = tool.text(output, input)
    return typeof text === 'string' && text !== ''
      ? []
      : [`${at}: text() must return what a model should read, a string that is not empty`]
  })
}
