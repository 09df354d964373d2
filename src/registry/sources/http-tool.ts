import Type, { type Static } from 'typebox'

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const Values = Type.Record(Type.String({ maxLength: 200 }), Type.Unknown())

/** A plain endpoint, as config describes it. `{argument}` stands for an argument everywhere. */
export const HttpTool = Type.Object(
  {
    name: Text(60),
    title: Type.Optional(Text(120)),
    description: Text(4_096),
    method: Type.Optional(Type.Enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
    /** Put behind the source's URL. */
    path: Type.Optional(Type.String({ maxLength: 4_096 })),
    /**
     * By name, `?` behind it where it may be left out: a description, or a JSON Schema. The types
     * `image`, `audio`, `document` and `file` are files.
     */
    input: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}\\??$' }),
        Type.Union([Type.String({ maxLength: 1_000 }), Values]),
        { maxProperties: 100 },
      ),
    ),
    query: Type.Optional(Values),
    headers: Type.Optional(Type.Record(Text(100), Type.String({ maxLength: 8_192 }))),
    body: Type.Optional(Type.Unknown()),
    bodyAs: Type.Optional(Type.Enum(['json', 'form', 'multipart', 'text'])),
    /** Where in the answer the result stands: `data.imgUrl`; absent = the whole of it. */
    answer: Type.Optional(Type.String({ maxLength: 200 })),
    /** The result is a file: its URL, a data: URL or its base64. */
    download: Type.Optional(Type.Enum(['image', 'audio', 'file'])),
    /** What the output is, as JSON Schema, when it is an object. */
    output: Type.Optional(Values),
    readOnly: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
/** One such endpoint. */
export type HttpTool = Static<typeof HttpTool>
