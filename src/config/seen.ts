import Type from 'typebox'

/** Where the trail of calls goes, and how much of it is kept. */
export const Audit = Type.Object(
  {
    to: Type.Optional(
      Type.String({ minLength: 1, description: '`stdout`, or the path of a file; absent = none' }),
    ),
    /** A file that is this long is put aside as `.1`, the one before as `.2`, and so on. */
    fileBytesMax: Type.Integer({ default: 64 * 1024 * 1024, minimum: 1024 }),
    filesMax: Type.Integer({ default: 5, minimum: 1, maximum: 100 }),
    bodies: Type.Boolean({ default: false, description: 'Arguments and answers too' }),
  },
  { additionalProperties: false, default: {} },
)

/** Where traces go; the names of the environment are OpenTelemetry's own. */
export const Traces = Type.Object(
  {
    endpoint: Type.Optional(Type.String({ description: 'Base of an OTLP/HTTP collector' })),
    headers: Type.Record(Type.String(), Type.String(), { default: {} }),
    service: Type.String({ default: 'toolgate', minLength: 1 }),
    /** Share of the traces begun here that are recorded; a caller's own decision holds. */
    share: Type.Number({ default: 1, minimum: 0, maximum: 1 }),
  },
  { additionalProperties: false, default: {} },
)

type Loose = Record<string, unknown>
type Read = (value: string, config: Loose) => void

/** Sets members of one part of the configuration. */
const within =
  (part: string, members: (value: string) => Loose): Read =>
  (value, config) => {
    const { [part]: known = {} } = config
    if (typeof known === 'object' && known !== null) config[part] = { ...known, ...members(value) }
  }

/** What the environment may say of what is seen. */
export const seenVariables: Record<string, Read> = {
  TOOLGATE_CALL_LOG: (value, config) => {
    config['callLog'] = Number(value)
  },
  TOOLGATE_AUDIT: within('audit', to => ({ to })),
  OTEL_EXPORTER_OTLP_ENDPOINT: within('traces', endpoint => ({ endpoint })),
  OTEL_EXPORTER_OTLP_HEADERS: within('traces', text => ({ headers: headersFrom(text) })),
  OTEL_SERVICE_NAME: within('traces', service => ({ service })),
}

/** `a=b,c=d%20e`, as OpenTelemetry writes headers. */
function headersFrom(text: string): Record<string, string> {
  const pairs = text.split(',').map(pair => pair.split(/=(.*)/s))
  return Object.fromEntries(
    pairs.map(([name = '', value = '']) => [name.trim(), decoded(value.trim())]),
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new Error('OTEL_EXPORTER_OTLP_HEADERS: a value is not percent-encoded', { cause })
  }
}
