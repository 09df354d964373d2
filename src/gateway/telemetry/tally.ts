import { Counter, Histogram, type MetricValueWithName, type Registry as Metrics } from 'prom-client'

/** Up to three label values: enough for all that is counted on the way of a call. */
export type Labels = readonly [string, string?, string?]
/** A counter that costs a few lookups; prom-client's own costs as much as a cached call. */
export type Tally = { add(first: string, second?: string, third?: string): void }
/** A histogram as cheap. */
export type Timing = { observe(seconds: number, first: string, second?: string): void }

type Stated = { name: string; help: string; labelNames: readonly string[] }
type Cells<Cell> = {
  at(first: string, second?: string, third?: string): Cell
  all(): [Labels, Cell][]
}

/** Cells by label values, found without making a string of them. */
function createCells<Cell>(make: () => Cell): Cells<Cell> {
  const cells = new Map<string, Map<string, Map<string, Cell>>>()
  return {
    at(first, second = '', third = '') {
      const cell = cells.get(first)?.get(second)?.get(third)
      return cell ?? add(first, second, third)
    },
    all: () =>
      [...cells].flatMap(([first, seconds]) =>
        [...seconds].flatMap(([second, thirds]) =>
          [...thirds].map(([third, cell]): [Labels, Cell] => [[first, second, third], cell]),
        ),
      ),
  }

  function add(first: string, second: string, third: string): Cell {
    const seconds = getOrAdd(cells, first, () => new Map<string, Map<string, Cell>>())
    const thirds = getOrAdd(seconds, second, () => new Map<string, Cell>())
    return getOrAdd(thirds, third, make)
  }
}

function getOrAdd<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

const labelled = (names: readonly string[], values: Labels): Record<string, string> =>
  Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))

/** Registers a counter that is read when somebody asks for the metrics. */
export function createTally(metrics: Metrics, stated: Stated): Tally {
  const cells = createCells(() => ({ count: 0 }))
  new Counter({
    ...stated,
    labelNames: [...stated.labelNames],
    registers: [metrics],
    collect() {
      this.reset()
      for (const [values, { count }] of cells.all())
        this.inc(labelled(stated.labelNames, values), count)
    },
  })
  return {
    add(first, second, third) {
      cells.at(first, second, third).count += 1
    },
  }
}

/** Registers a histogram of seconds; `buckets` are upper bounds, rising. */
export function createTiming(
  metrics: Metrics,
  stated: Stated & { buckets: readonly number[] },
): Timing {
  const { name, help, labelNames, buckets } = stated
  const cells = createCells(() => ({ sum: 0, counts: new Float64Array(buckets.length + 1) }))
  const histogram = new Histogram({
    name,
    help,
    labelNames: [...labelNames],
    buckets: [...buckets],
    registers: [metrics],
  })
  // It is only the place in the registry, which asks by this name first: the values are ours.
  const read = async () => ({ name, help, type: 'histogram', values: valuesOf() })
  Object.assign(histogram, { get: read, getForPromString: read })
  return {
    observe(seconds, first, second) {
      const cell = cells.at(first, second)
      let index = 0
      while (index < buckets.length && seconds > (buckets[index] ?? 0)) index += 1
      cell.counts[index] = (cell.counts[index] ?? 0) + 1
      cell.sum += seconds
    },
  }

  function valuesOf(): MetricValueWithName<string>[] {
    return cells.all().flatMap(([values, { sum, counts }]) => {
      const labels = labelled(labelNames, values)
      let value = 0
      const below = [...counts].map((count, index) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le: buckets[index] ?? '+Inf' },
        value: (value += count),
      }))
      const rest = [
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value },
      ]
      return [...below, ...rest]
    })
  }
}
