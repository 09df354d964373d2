import Type, { type Static } from 'typebox'

/** The languages in which names and conditions are given. */
export const Language = Type.Enum(['en', 'zh'], {
  description:
    'Language of names and conditions; default: Chinese for a place written in Chinese, else English',
})
/** The language of names and descriptions. */
export type Language = Static<typeof Language>

/** The language asked for, else the one that the place is written in. */
export const languageOf = (input: { place: string; language?: Language }): Language =>
  input.language ?? (/\p{Script=Han}/u.test(input.place) ? 'zh' : 'en')
