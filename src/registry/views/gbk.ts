/** What the web's decoder makes of two bytes and Python's does not: a letter, private use, no character. */
const beyondPython = /[\uFFFD\u2149\uE000-\uF8FF]/gu

/** Every character that GBK writes in two bytes, read out of the decoder that Node has anyway. */
function readTable(): ReadonlySet<string> {
  const pairs: number[] = []
  for (let lead = 0x81; lead <= 0xfe; lead++)
    for (let trail = 0x40; trail <= 0xfe; trail++) if (trail !== 0x7f) pairs.push(lead, trail)
  return new Set(new TextDecoder('gbk').decode(Uint8Array.from(pairs)).replace(beyondPython, ''))
}

/** Makes a constant on first use: most gateways never need this one. */
function lazy<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined
  return () => (made ??= { value: make() }).value
}
const table = lazy(readTable)
const has = (character: string): boolean => character < '\u0080' || table().has(character)

/**
 * A text in the characters of GBK alone. Lagent drops all others without a word; one with a plain
 * twin (a superscript, a ligature) is written as that, and only the rest is left out.
 */
export function toGbk(text: string): string {
  const kept = Array.from(text, character =>
    has(character) ? character : Array.from(character.normalize('NFKC')).filter(has).join(''),
  )
  return kept.join('').replace(/ {2,}/g, ' ').trim()
}
