import type { Found } from '../vision/boxes.ts'
import type { Picture } from '../vision/picture.ts'

/** A model that finds objects; boxes are in pixels of the picture it is given. */
export type Detector = {
  /** The size it looks at: a larger picture is made smaller for it anyway. */
  readonly size: { readonly width: number; readonly height: number }
  /** Found objects less likely than this are usually wrong. */
  readonly threshold: number
  readonly detect: (picture: Picture, threshold: number) => Promise<Found[]>
}
