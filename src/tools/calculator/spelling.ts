/** Python's and other names of functions and numbers, as they are known here. */
const names: Record<string, string> = {
  ln: 'log',
  lg: 'log10',
  fabs: 'abs',
  comb: 'combinations',
  nCr: 'combinations',
  perm: 'permutations',
  nPr: 'permutations',
  trunc: 'fix',
  int: 'fix',
  float: '',
  fmod: 'mod',
  arcsin: 'asin',
  arccos: 'acos',
  arctan: 'atan',
  arctan2: 'atan2',
  stdev: 'std',
  average: 'mean',
  avg: 'mean',
  len: 'count',
  True: 'true',
  False: 'false',
  mph: '(mile/hour)',
  kmh: '(km/hour)',
  kph: '(km/hour)',
}

/** Units and words of Chinese sums. The longer come first: 平方公里 before 公里. */
const chinese: [words: RegExp, spelling: string][] = [
  [/换算(?:成|为|到)|转换(?:成|为|到)|换成|转成/g, ' to '],
  [/摄氏度/g, ' degC '],
  [/华氏度/g, ' degF '],
  [/平方公里|平方千米/g, ' km^2 '],
  [/平方米/g, ' m^2 '],
  [/立方米/g, ' m^3 '],
  [/公里|千米/g, ' km '],
  [/厘米/g, ' cm '],
  [/毫米/g, ' mm '],
  [/英里/g, ' mile '],
  [/英尺/g, ' foot '],
  [/英寸/g, ' inch '],
  [/米/g, ' m '],
  [/公斤|千克/g, ' kg '],
  [/毫克/g, ' mg '],
  [/克/g, ' g '],
  [/磅/g, ' lb '],
  [/吨/g, ' tonne '],
  [/毫升/g, ' mL '],
  [/升/g, ' L '],
  [/小时/g, ' hour '],
  [/分钟/g, ' minute '],
  [/秒/g, ' s '],
  [/天/g, ' day '],
]

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/**
 * Rewrites other spellings of arithmetic as mathjs reads it: Python's `**`, `//` and `math.`,
 * full-width and Chinese signs, raised digits, a trailing `=`. Floor division becomes `./`, which
 * nobody needs for numbers.
 */
export function respell(expression: string): string {
  const signs = expression
    .replace(
      /[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g,
      raised => `^(${raised.replace(/./g, digit => String(superscripts.indexOf(digit)))})`,
    )
    .normalize('NFKC')
    .replace(/[×✕⋅·∙]/g, '*')
    .replace(/÷/g, '/')
    .replace(/[−–—]/g, '-')
    .replace(/【/g, '[')
    .replace(/】/g, ']')
    .replace(/、/g, ',')
    .replace(/≤/g, '<=')
    .replace(/≥/g, '>=')
    .replace(/≠/g, '!=')
    .replace(/°([CF])/g, ' deg$1')
    .replace(/°/g, ' deg')
    .replace(/√\s*(\d+(?:\.\d+)?)/g, 'sqrt($1)')
    .replace(/√/g, 'sqrt')
    .replace(/π/g, 'pi')
    .replace(/\s*=\s*\??\s*$/, '')
  const words = chinese.reduce((text, [word, spelling]) => text.replace(word, spelling), signs)
  return withoutThousands(pythonic(words))
}

const pythonic = (text: string): string =>
  text
    .replace(/(?<=\d)_(?=\d)/g, '')
    // `1./2` is 1 over 2: only what was `//` may become the elementwise sign.
    .replace(/(?<=\d)\.(?![\d.])/g, '.0')
    .replace(/\.(?=[*/^])/g, '. ')
    .replace(/\*\*/g, '^')
    .replace(/\/\//g, './')
    .replace(/\b(?:math|np|numpy)\.(?=[A-Za-z])/g, '')
    .replace(/\b[A-Za-z]\w*/g, name => (Object.hasOwn(names, name) ? (names[name] ?? name) : name))

/** `1,234,567` is one number where no function could take it for three. */
function withoutThousands(text: string): string {
  if (/[A-Za-z]\s*\(|\[/.test(text)) return text
  return text.replace(/(?<![\d.,])\d{1,3}(,\d{3})+(?![\d,])/g, number => number.replaceAll(',', ''))
}
