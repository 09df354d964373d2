import { closest, distance } from 'fastest-levenshtein'

/** COCO's 80 kinds of objects, in the order of the models' classes, each with other names. */
const kinds = [
  [
    'person',
    '人',
    '人物',
    '行人',
    'people',
    'human',
    'man',
    'woman',
    'boy',
    'girl',
    'child',
    'pedestrian',
    '男人',
    '女人',
    '小孩',
  ],
  ['bicycle', '自行车', '单车', '脚踏车', 'bike', 'cycle'],
  ['car', '汽车', '轿车', '小汽车', '小轿车', 'automobile', 'auto', 'sedan', 'taxi'],
  ['motorcycle', '摩托车', '摩托', '电动车', 'motorbike', 'scooter'],
  ['airplane', '飞机', '客机', 'aeroplane', 'plane', 'aircraft', 'jet'],
  ['bus', '公交车', '公共汽车', '巴士', '大巴', '客车', 'coach'],
  ['train', '火车', '列车', '地铁', 'subway'],
  ['truck', '卡车', '货车', 'lorry', 'pickup'],
  ['boat', '船', '小船', '轮船', 'ship'],
  ['traffic light', '红绿灯', '交通灯', '信号灯', 'stoplight'],
  ['fire hydrant', '消防栓', '消火栓', 'hydrant'],
  ['stop sign', '停车标志', '停止标志', '停车牌'],
  ['parking meter', '停车计时器', '停车收费表'],
  ['bench', '长椅', '长凳'],
  ['bird', '鸟', '小鸟', '鸟类'],
  ['cat', '猫', '小猫', '猫咪', 'kitten', 'kitty'],
  ['dog', '狗', '小狗', '犬', 'puppy'],
  ['horse', '马', '马匹', 'pony'],
  ['sheep', '羊', '绵羊', 'lamb', 'goat'],
  ['cow', '牛', '奶牛', 'cattle', 'bull', 'ox'],
  ['elephant', '大象', '象'],
  ['bear', '熊', '狗熊'],
  ['zebra', '斑马'],
  ['giraffe', '长颈鹿'],
  ['backpack', '背包', '双肩包', '书包', 'rucksack'],
  ['umbrella', '雨伞', '伞', '阳伞', 'parasol'],
  ['handbag', '手提包', '手包', '包', 'purse', 'bag'],
  ['tie', '领带', 'necktie'],
  ['suitcase', '行李箱', '手提箱', '旅行箱', 'luggage'],
  ['frisbee', '飞盘'],
  ['skis', '滑雪板', 'ski'],
  ['snowboard', '单板滑雪板', '单板'],
  ['sports ball', '球', '运动球', '足球', '篮球', 'ball', 'football', 'basketball', 'soccer ball'],
  ['kite', '风筝'],
  ['baseball bat', '棒球棒', '球棒', '棒球棍'],
  ['baseball glove', '棒球手套'],
  ['skateboard', '滑板'],
  ['surfboard', '冲浪板'],
  ['tennis racket', '网球拍', '球拍', 'racket', 'racquet'],
  ['bottle', '瓶子', '瓶', '水瓶'],
  ['wine glass', '酒杯', '红酒杯', '高脚杯', 'glass', 'goblet'],
  ['cup', '杯子', '杯', '水杯', '茶杯', 'mug'],
  ['fork', '叉子', '叉', '餐叉'],
  ['knife', '刀', '餐刀', '刀子', 'knives'],
  ['spoon', '勺子', '勺', '汤匙'],
  ['bowl', '碗'],
  ['banana', '香蕉'],
  ['apple', '苹果'],
  ['sandwich', '三明治'],
  ['orange', '橙子', '橘子'],
  ['broccoli', '西兰花', '西蓝花'],
  ['carrot', '胡萝卜'],
  ['hot dog', '热狗', 'hotdog'],
  ['pizza', '披萨', '比萨'],
  ['donut', '甜甜圈', '多纳圈', 'doughnut'],
  ['cake', '蛋糕'],
  ['chair', '椅子', '椅', 'stool'],
  ['couch', '沙发', 'sofa'],
  ['potted plant', '盆栽', '盆景', 'pottedplant', 'plant'],
  ['bed', '床'],
  ['dining table', '餐桌', '桌子', '饭桌', 'diningtable', 'table', 'desk'],
  ['toilet', '马桶', '厕所', '坐便器'],
  ['tv', '电视', '电视机', '显示器', '屏幕', 'television', 'tvmonitor', 'monitor', 'screen'],
  ['laptop', '笔记本电脑', '笔记本', '电脑', 'notebook', 'computer'],
  ['mouse', '鼠标', '老鼠'],
  ['remote', '遥控器', '遥控', 'remote control'],
  ['keyboard', '键盘'],
  ['cell phone', '手机', '电话', '移动电话', 'cellphone', 'phone', 'mobile phone', 'smartphone'],
  ['microwave', '微波炉'],
  ['oven', '烤箱'],
  ['toaster', '烤面包机', '面包机'],
  ['sink', '水槽', '洗手池', '水池', 'basin'],
  ['refrigerator', '冰箱', 'fridge'],
  ['book', '书', '书本', '书籍'],
  ['clock', '时钟', '钟', '钟表', 'watch'],
  ['vase', '花瓶'],
  ['scissors', '剪刀'],
  ['teddy bear', '泰迪熊', '玩具熊'],
  ['hair drier', '吹风机', '电吹风', 'hair dryer', 'hairdryer'],
  ['toothbrush', '牙刷'],
] as const

/** What the models call what they find, by class. */
export const labels: readonly string[] = kinds.map(([label]) => label)

const range = (from: string, to: string): string[] =>
  labels.slice(labels.indexOf(from), labels.indexOf(to) + 1)

/** Words for several kinds at once. */
const groups: Readonly<Record<string, readonly string[]>> = {
  vehicle: range('bicycle', 'boat'),
  交通工具: range('bicycle', 'boat'),
  车: ['car', 'bus', 'truck'],
  车辆: ['car', 'motorcycle', 'bus', 'truck'],
  animal: range('bird', 'giraffe'),
  动物: range('bird', 'giraffe'),
  pet: ['cat', 'dog'],
  宠物: ['cat', 'dog'],
  food: range('banana', 'cake'),
  食物: range('banana', 'cake'),
  fruit: ['banana', 'apple', 'orange'],
  水果: ['banana', 'apple', 'orange'],
  furniture: range('chair', 'dining table'),
  家具: range('chair', 'dining table'),
}

const named: ReadonlyMap<string, readonly string[]> = new Map([
  ...kinds.flatMap(([label, ...names]) => [label, ...names].map(name => [name, [label]] as const)),
  ...Object.entries(groups),
])

/** The labels that a caller's word means: COCO's own, a synonym, a Chinese name, or a group. */
export function labelsMeant(word: string): readonly string[] | undefined {
  const plain = word.trim().toLowerCase().replace(/[_-]+/g, ' ')
  const forms = [plain, plain.replace(/s$/, ''), plain.replace(/es$/, '')]
  return forms.map(form => named.get(form)).find(meant => meant !== undefined)
}

/** The known name nearest to a word that means nothing; undefined when none is near. */
export function nearestLabel(word: string): string | undefined {
  const near = closest(word.toLowerCase(), [...named.keys()])
  return distance(word.toLowerCase(), near) <= Math.floor(word.length / 2.5) ? near : undefined
}
