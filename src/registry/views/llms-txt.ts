import { briefOf, viewDefaults, type View } from './view.ts'

/** `/llms.txt`: one page for a model that comes by: what there is and where. */
export const llmsTxt: View<string> = (tools, { origin, secured, title = viewDefaults.title }) =>
  `# ${title}

> One gateway to ${tools.length} ${tools.length === 1 ? 'tool' : 'tools'}. Each is called with POST ${origin}/tools/{name} and a JSON object of arguments${secured ? '; send the key as Authorization: Bearer' : ''}.

## Interfaces

- [OpenAPI](${origin}/openapi.json): every tool in a form that every importer reads
- [OpenAPI, full](${origin}/openapi/full.json): with files, text answers and every error
- [MCP](${origin}/mcp): streamable HTTP
- [Registry](${origin}/registry): cards with schemas, examples and availability
- [OpenAI functions](${origin}/registry/openai): also anthropic, gemini, mistral, qwen and others

## Tools

${tools.map(tool => `- [${tool.name}](${origin}/registry/tools/${tool.name}): ${briefOf(tool).replace(/\s+/g, ' ')}`).join('\n')}
`
