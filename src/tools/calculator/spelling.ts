/** Python's and other names of functions, as mathjs has them. */
const names: Record<string, string> = {
  ln: 'log',
  lg: 'log10',
  fabs: 'abs',
  comb: 'combinations',
  perm: 'permutations',
  trunc: 'fix',
  int: 'fix',
  float: 'bignumber',
  fmod: 'mod',
  arcsin: 'asin',
  arccos: 'acos',
  arctan: 'atan',
  stdev: 'std',
}
const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/**
 * Rewrites other spellings of arithmetic: Python's `**`, `//` and `math.`, full-width and Chinese
 * signs, raised digits, a trailing `=`. Floor division becomes `./`, which nobody needs for numbers.
 */
export function respell(expression: string): string {
  const plain = expression
    .replace(
      /[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g,
      raised => `^(${[...raised].map(digit => superscripts.indexOf(digit)).join('')})`,
    )
    .normalize('NFKC')
    .replace(/[×✕·⋅]/g, '*')
    .replace(/÷/g, '/')
    .replace(/[−–—]/g, '-')
    .replace(/、/g, ',')
    .replace(/[【［]/g, '[')
    .replace(/[】］]/g, ']')
    .replace(/√\s*(\d+(\.\d+)?)/g, 'sqrt($1)')
    .replace(/√/g, 'sqrt')
    .replace(/π/g, 'pi')
    .replace(/\s*=\s*\??\s*$/, '')
    .replace(/\*\*/g, '^')
    .replace(/\/\//g, './')
    .replace(/\b(?:math|np|numpy)\./g, '')
    .replace(/\b[A-Za-z_]\w*(?=\s*\()/g, name =>
      Object.hasOwn(names, name) ? (names[name] ?? name) : name,
    )
  return withoutThousands(plain)
}

/** `1,234,567` is one number where no function could take it for three. */
function withoutThousands(text: string): string {
  if (/[A-Za-z]\s*\(|\[/.test(text)) return text
  return text.replace(/(?<![\d.,])\d{1,3}(,\d{3})+(?![\d,])/g, number => number.replaceAll(',', ''))
}
