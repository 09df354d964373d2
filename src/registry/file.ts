import Type, { type TUnsafe } from 'typebox'

/** A file that was stored; tools get it in place of the string a caller sent. */
export type FileRef = {
  /** Content-addressed id, with an extension: `3f…c1.png`. */
  readonly id: string
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
  readonly sha256: string
}

/** The kinds of file a tool may ask for. */
export type FileKind = 'image' | 'audio' | 'document' | 'any'
/** Marks an input property whose string is a URL, a data: URL or a file id. Value: FileKind. */
export const fileKeyword = 'x-toolgate-file'
/** Marks an output property whose string is an artifact id. Value: its media type. */
export const artifactKeyword = 'x-toolgate-artifact'

type FileOptions = { description?: string }
const fileInput = (kind: FileKind, options: FileOptions): TUnsafe<FileRef> =>
  Type.Unsafe<FileRef>({
    type: 'string',
    minLength: 1,
    ...options,
    [fileKeyword]: kind,
  })

/** A picture as input: an https URL, a data: URL or the id of an uploaded file. */
export const ImageFile = (options: FileOptions = {}): TUnsafe<FileRef> =>
  fileInput('image', options)
/** A recording as input. */
export const AudioFile = (options: FileOptions = {}): TUnsafe<FileRef> =>
  fileInput('audio', options)
/** A document (PDF, office file, text) as input. */
export const DocumentFile = (options: FileOptions = {}): TUnsafe<FileRef> =>
  fileInput('document', options)
/** A file as output: `run` returns the id that `saveFile` gave, faces turn it into a URL. */
export const Artifact = (mediaType: string, options: FileOptions = {}): TUnsafe<string> =>
  Type.Unsafe<string>({ type: 'string', ...options, [artifactKeyword]: mediaType })
