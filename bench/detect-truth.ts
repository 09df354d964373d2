/** One object as a person marked it: label and box. */
export type Marked = readonly [
  label: string,
  box: readonly [x1: number, y1: number, x2: number, y2: number],
]

/** What we marked by eye on the pictures of ../shared/media/detect. */
export const truth: Readonly<Record<string, readonly Marked[]>> = {
  'baseball.jpg': [
    ['person', [172, 0, 238, 119]],
    ['person', [370, 205, 440, 405]],
    ['person', [294, 277, 466, 446]],
    ['person', [272, 300, 375, 436]],
    ['baseball bat', [385, 185, 459, 224]],
  ],
  'cat_reflection.jpg': [
    ['cat', [128, 148, 632, 422]],
    ['cat', [0, 186, 165, 424]],
  ],
  'eagle.jpg': [['bird', [134, 84, 601, 449]]],
  'five_cups.png': [
    ['cup', [28, 148, 113, 274]],
    ['cup', [115, 148, 199, 273]],
    ['cup', [201, 148, 285, 272]],
    ['cup', [288, 148, 371, 272]],
    ['cup', [374, 148, 459, 272]],
  ],
  'five_people_field.jpg': [
    ['person', [42, 65, 160, 298]],
    ['person', [165, 137, 247, 262]],
    ['person', [240, 135, 300, 283]],
    ['person', [292, 143, 500, 297]],
    ['frisbee', [89, 151, 139, 196]],
    ['frisbee', [183, 196, 217, 231]],
    ['frisbee', [216, 186, 249, 220]],
    ['frisbee', [252, 165, 298, 205]],
  ],
  'giraffe_zebra.jpg': [
    ['giraffe', [168, 30, 448, 446]],
    ['zebra', [250, 204, 426, 455]],
  ],
  'mmdet_demo_bench.jpg': [
    ['bench', [219, 180, 455, 383]],
    ['bench', [374, 134, 433, 187]],
    ['car', [0, 112, 63, 142]],
    ['car', [168, 108, 225, 141]],
    ['car', [194, 109, 296, 154]],
    ['car', [270, 104, 330, 130]],
    ['car', [297, 116, 380, 149]],
    ['car', [396, 110, 432, 131]],
    ['car', [434, 104, 482, 131]],
    ['car', [483, 109, 523, 130]],
    ['car', [587, 110, 612, 127]],
    ['car', [611, 113, 640, 136]],
  ],
  'person_dog_horse.jpg': [
    ['person', [188, 97, 277, 371]],
    ['dog', [61, 262, 202, 347]],
    ['horse', [402, 137, 602, 343]],
  ],
  'puppy_kitten.png': [
    ['dog', [40, 30, 352, 395]],
    ['cat', [300, 25, 527, 370]],
  ],
  'ultralytics_bus.jpg': [
    ['bus', [15, 230, 805, 730]],
    ['person', [60, 400, 240, 897]],
    ['person', [228, 405, 345, 855]],
    ['person', [668, 400, 810, 877]],
    ['person', [0, 560, 78, 870]],
  ],
}
