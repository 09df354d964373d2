/** A `data:` URL taken apart. */
export type Data = { bytes: Uint8Array; mediaType?: string }

/** Decodes a `data:` URL, base64 or percent; a string says what is wrong with it. */
export function parseDataUrl(value: string): Data | string {
  const comma = value.indexOf(',')
  if (comma < 0) return 'is a data: URL without a comma'
  const header = value.slice('data:'.length, comma)
  const body = value.slice(comma + 1)
  const isBase64 = /;\s*base64\s*$/i.test(header)
  const bytes = isBase64
    ? decodeBase64(decodePercent(body)?.toString('latin1'))
    : decodePercent(body)
  if (!bytes) return `is a data: URL with broken ${isBase64 ? 'base64' : 'percent encoding'}`
  const mediaType = header.replace(/;\s*base64\s*$/i, '')
  return { bytes, ...(mediaType ? { mediaType } : {}) }
}

/** The bytes of base64 in either alphabet, padded or not; undefined when it is something else. */
export function decodeBase64(value: string | undefined): Buffer | undefined {
  const text = value?.replace(/[\r\n\t ]+/g, '')
  if (text === undefined || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return undefined
  const digits = text.replace(/=+$/, '').length
  return digits % 4 === 1 ? undefined : Buffer.from(text, 'base64')
}

function decodePercent(text: string): Buffer | undefined {
  if (!text.includes('%')) return Buffer.from(text)
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined
  const bytes = Buffer.from(text)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    const isEscape = byte === 0x25
    bytes[length++] = isEscape
      ? Number.parseInt(bytes.toString('latin1', at + 1, at + 3), 16)
      : byte
    if (isEscape) at += 2
  }
  return bytes.subarray(0, length)
}
