import { mkdir, writeFile } from 'node:fs/promises'
import { toolPath } from './local-tools.ts'

const template = (name: string, title: string): string => `import Type from 'typebox'
import { defineTool } from 'toolgate'

export default defineTool({
  name: '${name}',
  title: '${title}',
  description: 'Says hello to somebody. Say here when to use the tool, and when not.',
  input: Type.Object({
    who: Type.String({ description: 'Whom to greet, e.g. 世界', minLength: 1, maxLength: 80 }),
  }),
  output: Type.Object({
    greeting: Type.String({ description: 'The greeting' }),
  }),
  text: ({ greeting }) => greeting,
  examples: [{ input: { who: 'world' }, output: { greeting: 'Hello, world!' } }],
  async run({ who }) {
    return { greeting: \`Hello, \${who}!\` }
  },
})
`

/** `toolgate new NAME`: writes the file of a tool that works, to be changed. */
export async function newCommand(name: string | undefined, folder = 'tools'): Promise<number> {
  if (!name || !/^[a-z][a-z0-9_]{0,59}$/.test(name))
    throw new Error(
      'give the tool a name of a-z, 0-9 and _, at most 60 characters: toolgate new my_tool',
    )
  const words = name.replaceAll('_', ' ')
  const path = toolPath(folder, name)
  await mkdir(folder, { recursive: true })
  try {
    await writeFile(path, template(name, words.charAt(0).toUpperCase() + words.slice(1)), {
      flag: 'wx',
    })
  } catch (cause) {
    throw new Error(`${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
  process.stdout.write(`${path} written: TOOLGATE_TOOLS=${folder} npm run dev\n`)
  return 0
}
