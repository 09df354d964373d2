import { errors, type Saying } from './error-table.ts'

export { errors, type Saying } from './error-table.ts'

/** The closed union of error codes. */
export type ErrorCode = keyof typeof errors
type Args<Code extends ErrorCode> = Parameters<(typeof errors)[Code]['say']>

/** An error a caller may see. `args` rebuilds it on the other side of a worker boundary. */
export type ToolError = Error &
  Saying & { code: ErrorCode; status: number; args: readonly unknown[] }

/** Makes the error of `code`; throw what it returns. */
export const fail = <Code extends ErrorCode>(code: Code, ...args: Args<Code>): ToolError =>
  rebuild(code, args)

/** As `fail`, keeping the error that caused it. */
export const failFrom = <Code extends ErrorCode>(
  cause: unknown,
  code: Code,
  ...args: Args<Code>
): ToolError => Object.assign(rebuild(code, args), { cause })

/** Makes an error anew from its code and arguments, as a worker hands them over. */
export function rebuild(code: ErrorCode, args: readonly unknown[]): ToolError {
  const { status, say } = errors[code]
  const saying = (say as (...args: readonly unknown[]) => Saying)(...args)
  const error = Object.assign(new Error(saying.message), saying, { code, status, args })
  error.name = 'ToolError'
  Error.captureStackTrace(error, rebuild)
  return error
}

/** True for errors made here. */
export const isToolError = (error: unknown): error is ToolError =>
  error instanceof Error &&
  'code' in error &&
  Object.hasOwn(errors, error.code as string) &&
  'args' in error

/** Whatever was thrown, as an error a caller may see; what is not ours is our own fault, a 500. */
export const toToolError = (error: unknown): ToolError =>
  isToolError(error) ? error : failFrom(error, 'TG_INTERNAL')

/** One line for faces that have only text: `TG_X: message. hint`. */
export const errorText = ({ code, message, hint }: ToolError): string =>
  `${code}: ${message}.${hint ? ` ${hint}` : ''}`
