import { propertiesOf } from '../tool.ts'
import { isPortableName } from './flatten.ts'
import type { ProfileName } from './profiles.ts'
import { viewLimits } from './view.ts'
import { asObject, bodiesOf, methods, operationsOf, schemasOf } from './walk.ts'
import {
  answerProblems,
  eachTool,
  hasKey,
  isPlainJson,
  isText,
  namesOf,
  problem,
  propertyProblems,
  type Rule,
  typeProblems,
} from './rule-checks.ts'

const all: readonly ProfileName[] = ['core', 'full', 'dify', 'gpt', 'coze', 'openwebui']
const flat: readonly ProfileName[] = ['core', 'dify', 'gpt', 'coze', 'openwebui']
const but = (left: ProfileName): ProfileName[] => all.filter(name => name !== left)
/** What importers demand of an OpenAPI document, each demand once. */
export const rules: readonly Rule[] = [
  {
    id: '1.version',
    profiles: but('coze'),
    why: 'GPT, AgentLego and LangChain expect OpenAPI 3.1.0',
    check: ({ openapi }) => problem(openapi !== '3.1.0', 'set openapi to 3.1.0'),
  },
  {
    id: '1.types',
    profiles: all,
    why: 'Dify, AgentLego and Semantic Kernel drop the whole document over a list of types or a boolean schema',
    check: document =>
      eachTool(document, found =>
        schemasOf(found).flatMap(({ at, schema }) => typeProblems(schema, at)),
      ),
  },
  {
    id: '2',
    profiles: all,
    why: 'Dify reads info without looking, Coze wants all three',
    check: ({ info }) =>
      ['title', 'version', 'description'].flatMap(name =>
        problem(!isText(asObject(info)[name]), `give info.${name} a text`),
      ),
  },
  {
    id: '3',
    profiles: all,
    why: 'Dify and Haystack join the server and the path as texts, AgentLego drops a base path, Coze takes exactly one',
    check: ({ servers }) => {
      const [first, ...more] = Array.isArray(servers) ? (servers as unknown[]) : []
      const url = asObject(first)['url']
      const origin = isText(url) && /^https?:\/\/[^/?#@{}\s]+$/.test(url) && URL.canParse(url)
      return problem(
        !origin || more.length > 0,
        'give exactly one server: an absolute origin without a path or a slash at the end',
      )
    },
  },
  {
    id: '4',
    profiles: all,
    why: 'Open WebUI, LlamaIndex and Semantic Kernel take every key of a path for an operation',
    check: ({ paths }) =>
      Object.entries(asObject(paths)).flatMap(([path, item]) =>
        Object.keys(asObject(item)).flatMap(key =>
          problem(!methods.has(key), `${path}: move ${key} into the operations`),
        ),
      ),
  },
  {
    id: '5.names',
    profiles: all,
    why: 'an operation is called by its operationId; ADK cuts it at 60 characters',
    check: document => {
      const seen = new Set<unknown>()
      return operationsOf(document).flatMap(({ operation: { operationId: id }, at }) => {
        const twice = seen.has(id)
        seen.add(id)
        const legal = isText(id) && /^[a-z][a-z0-9_]{0,59}$/.test(id)
        return problem(
          !legal || twice,
          `${at}: give it an operationId of its own, of a-z, 0-9 and _, at most 60 characters`,
        )
      })
    },
  },
  {
    id: '5.texts',
    profiles: all,
    why: 'GPT refuses over 300 characters, LangChain and Semantic Kernel need responses, Coze a summary',
    check: document =>
      operationsOf(document).flatMap(({ operation, at }) => [
        ...['summary', 'description'].flatMap(name => {
          const text = operation[name]
          const fits = isText(text) && text.length <= viewLimits.operationCharactersMax
          return problem(!fits, `${at}: give it a ${name} of at most 300 characters`)
        }),
        ...problem(
          Object.keys(asObject(operation['responses'])).length === 0,
          `${at}: state its responses`,
        ),
      ]),
  },
  {
    id: '6.gpt',
    profiles: ['gpt'],
    why: 'GPT Actions take 30 operations and 1 MB of pretty-printed JSON',
    check: document => [
      ...problem(
        operationsOf(document).length > viewLimits.gptOperationsMax,
        'leave out operations until there are 30',
      ),
      ...problem(
        Buffer.byteLength(JSON.stringify(document, null, 2)) > viewLimits.gptBytesMax,
        'leave out operations until it is under 1 MB',
      ),
    ],
  },
  {
    id: '6.dify',
    profiles: ['dify'],
    why: 'Dify refuses 100 operations and more',
    check: document =>
      problem(
        operationsOf(document).length > viewLimits.difyOperationsMax,
        'leave out operations until there are 99',
      ),
  },
  {
    id: '7',
    profiles: all,
    why: 'Dify and Open WebUI do not encode path and query parameters, GPT sends no headers',
    check: document =>
      eachTool(document, ({ method, operation, at }) => [
        ...problem(method !== 'post', `${at}: make it a POST`),
        ...problem('parameters' in operation, `${at}: take all arguments in the body`),
        ...problem(
          !('application/json' in asObject(asObject(operation['requestBody'])['content'])),
          `${at}: take application/json`,
        ),
      ]),
  },
  {
    id: '8',
    profiles: flat,
    why: 'Dify sends the first media type and reads all, Coze takes one, GPT skips a body that is no object',
    check: (document, profile) =>
      eachTool(document, found => {
        const bodies = bodiesOf(found)
        const schema = bodies[0]?.schema ?? {}
        // OpenAPI 3.0 forbids an empty list here, and its readers refuse the document over one.
        const listed =
          Array.isArray(schema['required']) || (profile === 'coze' && !('required' in schema))
        return [
          ...problem(
            bodies.length !== 1 || bodies[0]?.at !== found.at,
            `${found.at}: take application/json and nothing else`,
          ),
          ...problem(
            schema['type'] !== 'object' || !('properties' in schema) || !listed,
            `${found.at}: give its body type object, properties and required`,
          ),
        ]
      }),
  },
  {
    id: '9',
    profiles: flat,
    why: 'Dify, Open WebUI and LangChain follow references in some places only',
    check: document => problem(hasKey(document, '$ref'), 'write out every $ref'),
  },
  {
    id: '10',
    profiles: flat,
    why: 'Dify shows a model the type and the description of a scalar, and nothing else',
    check: (document, profile) =>
      eachTool(document, found =>
        bodiesOf(found).flatMap(({ schema }) =>
          Object.entries(propertiesOf(schema)).flatMap(([name, property]) =>
            profile === 'gpt' && name === 'openaiFileIdRefs'
              ? []
              : propertyProblems(property, `${found.at}: ${name}`),
          ),
        ),
      ),
  },
  {
    id: '11',
    profiles: all,
    why: 'Gemini refuses other names, and Python clients make them arguments of a function',
    check: (document, profile) =>
      eachTool(document, found =>
        bodiesOf(found).flatMap(({ schema }) =>
          Object.keys(propertiesOf(schema))
            .filter(name => !isPortableName(name) && profile !== 'full')
            .map(
              name =>
                `${found.at}: name the argument ${name} with letters, digits and _, at most 64, and no Python keyword`,
            ),
        ),
      ),
  },
  {
    id: '12',
    profiles: flat,
    why: 'Coze takes 200 and default alone, AgentLego fails over an answer without application/json, GPT over an object without properties',
    check: document =>
      eachTool(document, ({ operation, at }) => {
        const responses = asObject(operation['responses'])
        const statuses = Object.keys(responses).sort().join()
        return [
          ...problem(
            statuses !== '200,default',
            `${at}: state the responses 200 and default, no others`,
          ),
          ...Object.entries(responses).flatMap(([status, response]) =>
            answerProblems(response, `${at}: ${status}`),
          ),
        ]
      }),
  },
  {
    id: '13',
    profiles: flat,
    why: 'Dify turns format binary into a file that an agent cannot give, ADK sends it wrong',
    check: document =>
      eachTool(document, found =>
        schemasOf(found).flatMap(({ at, schema }) =>
          problem(
            /binary|byte|base64|image|audio/.test(JSON.stringify(schema?.['format'] ?? '')),
            `${at}: take and give files as a URL in plain text`,
          ),
        ),
      ),
  },
  {
    id: '14',
    profiles: all,
    why: 'GPT asks its user before every POST that does not say it changes nothing',
    check: document =>
      eachTool(document, ({ operation, at }) =>
        problem(
          typeof operation['x-openai-isConsequential'] !== 'boolean',
          `${at}: state x-openai-isConsequential`,
        ),
      ),
  },
  {
    id: '15',
    profiles: all,
    why: 'Semantic Kernel fails over a scheme that is not defined, ADK picks the first',
    check: document => {
      const schemes = asObject(asObject(document['components'])['securitySchemes'])
      const bearer = Object.values(schemes).map(asObject)
      const fine =
        bearer.every(({ type, scheme }) => type === 'http' && scheme === 'bearer') &&
        bearer.length <= 1
      const undefinedNames = operationsOf(document).flatMap(({ operation, at }) =>
        namesOf(operation['security'])
          .filter(name => !(name in schemes))
          .map(name => `${at}: define the security scheme ${name}, or do not name it`),
      )
      return [...problem(!fine, 'define one security scheme, http and bearer'), ...undefinedNames]
    },
  },
  {
    id: '16',
    profiles: all,
    why: 'importers parse the document at once, as JSON',
    check: document => problem(!isPlainJson(document), 'leave out what JSON cannot write'),
  },
  {
    id: '10.1',
    profiles: all,
    why: 'ADK never calls an operation that declares security when it holds no key',
    check: document => {
      const secured =
        Object.keys(asObject(asObject(document['components'])['securitySchemes'])).length > 0
      return eachTool(document, ({ operation, at }) =>
        problem(
          secured !== namesOf(operation['security']).length > 0,
          `${at}: speak of security in the scheme and in every tool, or nowhere`,
        ),
      )
    },
  },
]
