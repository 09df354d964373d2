/** A language that Tesseract reads: its own code, which names the npm package with its data. */
const tesseractCodes = {
  ja: 'jpn',
  ko: 'kor',
  fr: 'fra',
  de: 'deu',
  es: 'spa',
} as const

/** What `language` may be; `auto`, `zh` and `en` are read by one model that knows both. */
export const languages = [
  'auto',
  'zh',
  'en',
  ...(Object.keys(tesseractCodes) as (keyof typeof tesseractCodes)[]),
] as const

/** A language of the picture's text. */
export type Language = (typeof languages)[number]

/** Tesseract's code for a language that PP-OCR does not read; undefined for those it does. */
export const tesseractCode = (language: Language): string | undefined =>
  language in tesseractCodes ? tesseractCodes[language as keyof typeof tesseractCodes] : undefined
