import { createRequire } from 'node:module'
import type * as mathjs from 'mathjs'

/** mathjs: it reads expressions, and knows units and special functions. */
export type MathLibrary = typeof mathjs

/** What is worked with while reading; decimals are kept as they are written. */
const config = { number: 'BigNumber' } as const

/**
 * Loads the library from the one file that it ships for browsers: the same code as its 1,000 modules,
 * in 0.1 s where those take 1.5 s. Made anew each time, so keep it.
 */
export function loadMath(): MathLibrary {
  const require = createRequire(import.meta.url)
  const root = require.resolve('mathjs/package.json').replace(/package\.json$/, '')
  const bundle = require(`${root}lib/browser/math.js`) as {
    create(settings: typeof config): MathLibrary
  }
  return bundle.create(config)
}
