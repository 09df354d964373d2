/**
 * JSON spaced as Python's `json.dumps(ensure_ascii=False)` writes it. Dify drops the second copy of
 * an answer that it would otherwise show the model twice, if its own dump equals our text.
 */
export function pythonJson(value: unknown): string {
  if (typeof value === 'number') return pythonNumber(value)
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${JSON.stringify(name)}: ${pythonJson(member)}`)
  return `{${members.join(', ')}}`
}

/** Python writes small numbers with an exponent of two digits: 1e-05. */
function pythonNumber(value: number): string {
  const text = JSON.stringify(value)
  const small = value !== 0 && Math.abs(value) < 1e-4
  if (!small && !text.includes('e')) return text
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}
