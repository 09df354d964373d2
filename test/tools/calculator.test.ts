import fc from 'fast-check'
import t from 'tap'
import { isToolError } from '../../src/registry/errors.ts'
import { parseArguments } from '../../src/registry/parse.ts'
import calculator from '../../src/tools/calculator.ts'
import { toolContext } from '../fixtures/tool-context.ts'
import '../fixtures/seeded.ts'

const calculate = async (expression: string): Promise<string> => {
  const output = await calculator.run(parseArguments(calculator, { expression }), toolContext())
  return output['result'] as string
}
/** Far more than any sum takes, since tests share a machine; a hang takes for ever. */
const promptMs = 3_000

const codeOf = (expression: string): Promise<string | undefined> =>
  calculate(expression).then(
    () => undefined,
    (error: unknown) => (isToolError(error) ? error.code : String(error)),
  )

/** Expressions by what they show; an array has one result for all its spellings. */
const sums: Record<string, [expression: string, result: string][]> = {
  'whole numbers are exact': [
    ['2^200', '1606938044258990275541962092341162602522202993782792835301376'],
    ['123456789012345678901234567890 + 1', '123456789012345678901234567891'],
    ['25!', '15511210043330985984000000'],
    ['combinations(52, 5)', '2598960'],
    ['gcd(12, 18) + lcm(4, 6)', '18'],
    ['10^21', '1000000000000000000000'],
  ],
  'decimals and fractions are exact': [
    ['0.1 + 0.2', '0.3'],
    ['0.1 + 0.2 == 0.3', 'true'],
    ['1/3', '0.3333333333333333'],
    ['1/3 * 3', '1'],
    ['1/3 + 1/3 + 1/3 == 1', 'true'],
    ['2^-2', '0.25'],
    ['1e-400', '1e-400'],
    ['2^2000 / 3', '3.827102317580848e+601'],
    ['1.0001^100000', '22015.456048527954'],
  ],
  'functions are as precise as a double, without its noise': [
    ['sqrt(2)', '1.4142135623730951'],
    ['sqrt(2)^2 == 2', 'true'],
    ['sin(30 deg)', '0.5'],
    ['sin(pi)', '0'],
    ['cos(pi/6)', '0.8660254037844387'],
    ['log10(1000)', '3'],
    ['log(8, 2)', '3'],
    ['log10(2^5000)', '1505.149978319906'],
    ['8^(1/3)', '2'],
    ['median(3, 1, 2) + mean([1, 2, 3, 6])', '5'],
    ['round(2.5) + round(3.14159, 2)', '6.14'],
    ['hypot(3, 4) + cbrt(-27)', '2'],
    ['gamma(5) + erf(0)', '24'],
  ],
  'units convert, and go together': [
    ['3 km to mile', '1.8641135767120018 mile'],
    ['20 degC to degF', '68 degF'],
    ['5 km/h to m/s', '1.3888888888888888 m / s'],
    ['60 mph to km/h', '96.56064 km / h'],
    ['1 kg + 200 g', '1.2 kg'],
    ['3 m * 4 m', '12 m^2'],
    ['10 m / 2 m', '5'],
    ['5 kg * 9.81 m/s^2', '49.05 N'],
    ['3 km > 2000 m', 'true'],
    ['mean(1 km, 3 km)', '2 km'],
  ],
  'Python is understood': [
    ['2**10', '1024'],
    ['-2**2', '-4'],
    ['-7 // 2', '-4'],
    ['-7 % 3', '2'],
    ['math.sqrt(16) + math.pi * 0', '4'],
    ['math.comb(5, 2)', '10'],
    ['1_000 * 3', '3000'],
    ['1./2', '0.5'],
    ['1 < 2 < 3 and not False', 'true'],
    ['max([3, 7])', '7'],
    ['0xff', '255'],
    ['2 > 1 ? 3 : 4', '3'],
    ['ceil(2.1) + trunc(-2.9) + lcm(4, 6)', '13'],
    ['round(pi, 2) + round(1234 * pi, -2)', '3903.14'],
  ],
  'Chinese and typeset signs are understood': [
    ['（３＋4）×2÷7', '2'],
    ['√2²', '2'],
    ['√(9+16)', '5'],
    ['2²+3³', '31'],
    ['3公里换成英里', '1.8641135767120018 mile'],
    ['37℃ to ℉', '98.6 degF'],
    ['1,234,567 * 2', '2469134'],
    ['1+1=', '2'],
    ['1+1=？', '2'],
    ['2π', '6.283185307179586'],
  ],
  'a percent sign is a hundredth, of what stands before it in a sum': [
    ['5%', '0.05'],
    ['200 + 10%', '220'],
    ['200 * 10%', '20'],
    ['10 % 3', '1'],
  ],
}
for (const [name, list] of Object.entries(sums))
  t.test(name, async t => {
    for (const [expression, result] of list)
      t.equal(await calculate(expression), result, expression)
  })

t.test('the examples are what the tool answers', async t => {
  for (const { input, output } of calculator.examples)
    t.strictSame(
      await calculator.run(parseArguments(calculator, input), toolContext()),
      output,
      String(input['expression']),
    )
})

t.test('what is no arithmetic is a 400 that says why', async t => {
  const refused = {
    'a = 3': /assigned/,
    'f(x) = x': /defined/,
    '1; 2': /one expression/,
    'import("x")': /no function "import"/,
    'createUnit("x")': /no function/,
    'evaluate("1")': /no function/,
    'toString()': /no function/,
    'sqrt.constructor("x")()': /no|parts/,
    constructor: /no number, unit or function/,
    __proto__: /no number, unit or function/,
    '"text"': /text/,
    '[1, 2]': /list/,
    '1:9': /range/,
    '{a: 1}': /object/,
    'x + 1': /"x" is no number/,
    i: /no number/,
    sqrt: /write sqrt\(…\)/,
    'sin(1, 2)': /takes 1 argument, not 2/,
    'std(1)': /at least 2/,
    'zeros(1e5, 1e5)': /no function/,
    'range(1e9)': /no function/,
    '(3) ./ 2': /operator|dot/,
    '5 & 3': /not arithmetic/,
    Infinity: /no number/,
    '1 +': /end of expression/,
    '  ': /empty/,
    [`${'('.repeat(101)}1${')'.repeat(101)}`]: /brackets/,
  }
  for (const [expression, message] of Object.entries(refused))
    await t.rejects(
      calculate(expression),
      { code: 'TG_EXPRESSION', status: 400, message },
      expression,
    )
})

t.test('what has no value or is too big is a 422, at once', async t => {
  const refused = [
    '9**9**9',
    '1e9!',
    '1701!',
    '2^1e10',
    '0.5^100000',
    '1e6000',
    'e^1000',
    'exp(-1000)',
    'comb(100000, 50000)',
    'perm(10^4000, 2)',
    '9^4000 * 9^4000',
    `${'1700!+'.repeat(30)}1`,
    '1/0',
    '1//0',
    '5 % 0',
    'sqrt(2)/0',
    '0^-1',
    '0.5^0.5/0',
    'log(0)',
    'sqrt(-1)',
    '(-8)^(1/3)',
    'tan(pi/2)',
    'factorial(-1)',
    'factorial(2.5)',
    'comb(-1, 2)',
    'round(1, 1000)',
    'sign(3 km)',
    '3 km + 2',
    '1 km + 1 s',
    '3 km to s',
    '5 to km',
    '1 km > 1 s',
    '(1 km)^99',
    'sqrt(1 km)',
  ]
  await calculate('1')
  for (const expression of refused) {
    const started = performance.now()
    await t.rejects(
      calculate(expression),
      { code: 'TG_REFUSED', status: 422 },
      expression.slice(0, 40),
    )
    t.ok(performance.now() - started < promptMs, 'at once')
  }
  t.equal(await codeOf('9**9**9'), 'TG_REFUSED')
  t.equal(await codeOf('1e9!'), 'TG_REFUSED')
})

const atoms = [
  '0',
  '1',
  '7',
  '0.3',
  '1e300',
  '1e-9',
  '9999999999999',
  'pi',
  'km',
  's',
  'true',
  '100!',
]
const sum = fc.letrec<{ sum: string }>(tie => ({
  sum: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(...atoms),
    fc
      .tuple(
        tie('sum'),
        fc.constantFrom('+', '-', '*', '/', '^', '//', '%', ' to ', '<', ' and '),
        tie('sum'),
      )
      .map(parts => `(${parts.join('')})`),
    tie('sum').map(inner => `${inner}!`),
    fc
      .tuple(
        fc.constantFrom(
          'sqrt',
          'exp',
          'log',
          'factorial',
          'gamma',
          'sin',
          'comb',
          'lcm',
          'std',
          'round',
        ),
        fc.array(tie('sum'), { maxLength: 3 }),
      )
      .map(([name, values]) => `${name}(${values.join(',')})`),
  ),
})).sum

t.test('no expression hangs or is a fault of ours', async t => {
  const answers = async (expression: string): Promise<boolean> => {
    const started = performance.now()
    const code = await codeOf(expression)
    const quick = performance.now() - started < promptMs
    return quick && (code === undefined || /^TG_(EXPRESSION|REFUSED|ARGUMENT_INVALID)$/.test(code))
  }
  await calculate('1')
  await t.resolves(fc.assert(fc.asyncProperty(sum, answers), { numRuns: 500 }), 'sums')
  const signs = fc.string({
    unit: fc.constantFrom(...'0123456789.e+-*/^%!()[]{},;:?=<>"\'ab√×π '.split('')),
    maxLength: 60,
  })
  await t.resolves(fc.assert(fc.asyncProperty(signs, answers), { numRuns: 500 }), 'signs')
  await t.resolves(fc.assert(fc.asyncProperty(fc.string(), answers), { numRuns: 200 }), 'anything')
})

t.test('whole numbers agree with the arithmetic of the engine', async t => {
  const big = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n })
  const agrees = async (a: bigint, b: bigint) =>
    (await calculate(`(${a}) + (${b})`)) === String(a + b) &&
    (await calculate(`(${a}) * (${b})`)) === String(a * b) &&
    (b === 0n || (await calculate(`(${a}) // (${b}) * (${b}) + (${a}) % (${b})`)) === String(a))
  await t.resolves(fc.assert(fc.asyncProperty(big, big, agrees), { numRuns: 100 }))
})
