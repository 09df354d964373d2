/**
 * Small letters, digits and a percent sign, five columns of seven dots each, the lowest bit on top:
 * labels are drawn the same on every machine, also where no font is installed.
 */
const columns: Readonly<Record<string, string>> = {
  a: '2054545478',
  b: '7f48444438',
  c: '3844444420',
  d: '384444487f',
  e: '3854545418',
  f: '087e090102',
  g: '0c5252523e',
  h: '7f08040478',
  i: '00447d4000',
  j: '2040443d00',
  k: '7f10284400',
  l: '00417f4000',
  m: '7c04180478',
  n: '7c08040478',
  o: '3844444438',
  p: '7c14141408',
  q: '081414187c',
  r: '7c08040408',
  s: '4854545420',
  t: '043f444020',
  u: '3c4040207c',
  v: '1c2040201c',
  w: '3c4030403c',
  x: '4428102844',
  y: '0c5050503c',
  z: '4464544c44',
  0: '3e5149453e',
  1: '00427f4000',
  2: '4261514946',
  3: '2141454b31',
  4: '1814127f10',
  5: '2745454539',
  6: '3c4a494930',
  7: '0171090503',
  8: '3649494936',
  9: '064949291e',
  '%': '2313086462',
}

/** Size of a letter in dots, with the dot between it and the next. */
export const glyph = { width: 6, height: 7 } as const

/** Whether a dot of a text is set; what there is no glyph for is a space. */
export function isDot(text: string, x: number, y: number): boolean {
  const hex = columns[text[Math.floor(x / glyph.width)] ?? '']
  const column = x % glyph.width
  if (hex === undefined || column === glyph.width - 1) return false
  return (Number.parseInt(hex.slice(column * 2, column * 2 + 2), 16) & (1 << y)) !== 0
}
