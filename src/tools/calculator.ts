import Type from 'typebox'
import { defineTool } from '../registry/tool.ts'

export default defineTool({
  name: 'calculator',
  title: 'Calculator',
  description:
    'Works out arithmetic exactly: big whole numbers, decimals, functions such as sqrt, sin, log, mean, and units (3 km to mile). Not for algebra with unknowns.',
  category: 'math',
  tags: ['math'],
  keywords: [
    '计算',
    '计算器',
    '数学',
    '算术',
    '单位换算',
    '平方根',
    '阶乘',
    'math',
    'arithmetic',
    'convert',
    'unit',
    'sum',
  ],
  input: Type.Object({
    expression: Type.String({
      description:
        'An expression, e.g. 2^64, 17 * (3 + 4), sqrt(2), 20 degC to degF; Python spelling is understood',
      minLength: 1,
      maxLength: 1_000,
    }),
  }),
  output: Type.Object({
    result: Type.String({
      description: 'The value, as text since it may be longer than a number holds',
    }),
    expression: Type.String({ description: 'The expression as it was given' }),
  }),
  text: ({ result }) => result,
  examples: [
    {
      input: { expression: '2^64' },
      output: { result: '18446744073709551616', expression: '2^64' },
    },
    { input: { expression: '0.1 + 0.2' }, output: { result: '0.3', expression: '0.1 + 0.2' } },
  ],
  annotations: { openWorld: false },
  cache: { ttlMs: 86_400_000 },
  timeoutMs: 20_000,
  concurrency: 64,
  runsOn: 'worker',
  module: import.meta.url,
  aliases: { agentlego: 'Calculator' },
  async run({ expression }) {
    const { evaluate } = await import('./calculator/evaluate.ts')
    return { result: await evaluate(expression), expression }
  },
})
