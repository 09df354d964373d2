import Type from 'typebox'
import { defineTool } from '../registry/tool.ts'
import { evaluate } from './calculator/evaluate.ts'
import { loadMath } from './calculator/library.ts'
import { limits } from './calculator/problems.ts'
import { fractionOf, show } from './calculator/show.ts'
import { once } from './vision/once.ts'

/** The library takes 0.1 s and 10 MiB to load: with the first sum, not with the gateway. */
const library = once(async () => loadMath())

/** Works out arithmetic. It runs on the loop: every step of an expression is bounded. */
export default defineTool({
  name: 'calculator',
  title: 'Calculator',
  description:
    'Works out arithmetic: whole numbers and decimals exactly, functions such as sqrt, log, sin, mean, comparisons, and units (3 km to mile). Not for algebra with unknowns, nor for currencies.',
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
        'An expression: 2^64, 17 * (3 + 4), sqrt(2), mean(1, 2, 6), 20 degC to degF. Python spelling (2**64, 7//2, math.pi) and （3＋4）×2 are understood',
      minLength: 1,
      maxLength: limits.charactersMax,
    }),
  }),
  output: Type.Object({
    result: Type.String({
      description: 'The value as text: whole numbers in full, others to 16 digits, units after it',
    }),
    fraction: Type.Optional(
      Type.String({ description: 'The exact value where the decimals have no end, e.g. 1/3' }),
    ),
    expression: Type.String({ description: 'The expression as it was given' }),
  }),
  text: ({ result }) => result,
  examples: [
    {
      input: { expression: '2**200' },
      output: {
        result: '1606938044258990275541962092341162602522202993782792835301376',
        expression: '2**200',
      },
    },
    {
      input: { expression: '(0.1 + 0.2) / 9' },
      output: {
        result: '0.03333333333333333',
        fraction: '1/30',
        expression: '(0.1 + 0.2) / 9',
      },
    },
  ],
  annotations: { openWorld: false },
  cache: { ttlMs: 86_400_000 },
  timeoutMs: 5_000,
  aliases: { agentlego: 'Calculator' },
  async run({ expression }) {
    const value = evaluate(await library(), expression)
    const fraction = fractionOf(value)
    return { result: show(value), ...(fraction ? { fraction } : {}), expression }
  },
})
