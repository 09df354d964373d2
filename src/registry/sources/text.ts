import { cut } from '../views/view.ts'

/** Bidirectional overrides, invisible letters and tags: they hide words from whoever reviews a text. */
const invisible =
  /[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu
// oxlint-disable-next-line no-control-regex -- these are what is taken out
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/**
 * A text of another server as data: no control or invisible characters, cut to a limit with a mark.
 * What is no text is an empty one.
 */
export function cleanText(value: unknown, charactersMax: number): string {
  if (typeof value !== 'string') return ''
  // What is cut off anyway need not be cleaned; the factor leaves room for what cleaning takes away.
  const part = value.slice(0, charactersMax * 4).toWellFormed()
  const clean = part.replaceAll('\r\n', '\n').replace(control, '').replace(invisible, '').trim()
  return cut(value.length > part.length ? `${clean} …` : clean, charactersMax)
}

/** A value that should be a text, as one; what is none is empty. Numbers are texts that YAML misread. */
export const asText = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
