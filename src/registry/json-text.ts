/** How deep JSON from outside may nest: deeper texts are made to overflow stacks. */
export const depthMax = 64

/** True when JSON text nests deeper than `max`; looks at the text, before anything is built of it. */
export function nestsDeeper(text: string, max: number): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (inString) {
      if (char === 0x5c) at += 1
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x5b || char === 0x7b) {
      depth += 1
      if (depth > max) return true
    } else if (char === 0x5d || char === 0x7d) depth -= 1
  }
  return false
}
