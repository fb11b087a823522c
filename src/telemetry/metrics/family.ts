/** Most combinations of labels in one family. Labels come from configuration, so this only bounds what nobody has thought of. */
const MAX_CHILDREN = 1_000

/** One line of a family, or several of a histogram, in prom-client's form. */
interface Sample {
  value: number
  labels: Record<string, string | number>
  /** Where it is not that of the family. */
  metricName?: string
}

/** A value for one combination of labels. */
type Child<Value> = Value & { labels: Record<string, string> }

/** What the families of both kinds have in common. Plain numbers in a Map: prom-client's own take ten times as long to add to. */
abstract class Family<Value extends object> {
  readonly name: string
  readonly help: string
  aggregator: 'sum' | 'min' = 'sum'
  abstract readonly type: string
  readonly #labelNames: readonly string[]
  readonly #max: number
  readonly #children = new Map<string, Child<Value>>()

  constructor (name: string, help: string, labelNames: readonly string[], max = MAX_CHILDREN) {
    this.name = name
    this.help = help
    this.#labelNames = labelNames
    this.#max = max
  }

  /** What prom-client asks a family for. */
  async get (): Promise<object> {
    const { name, help, type, aggregator } = this
    return { name, help, type, aggregator, values: [...this.#children.values()].flatMap(child => this.toSamples(child)) }
  }

  /** @param labels in the order of their names; an empty one is left out. Beyond the bound all of them become `other` */
  protected childOf (labels: readonly string[]): Child<Value> {
    const name = labels.join('\0')
    const known = this.#children.get(name)
    if (known !== undefined) return known
    const others = labels.map(() => 'other')
    if (this.#children.size >= this.#max && name !== others.join('\0')) return this.childOf(others)
    const given = this.#labelNames.flatMap((label, index) => labels[index] === '' ? [] : [[label, labels[index] ?? 'other']])
    const child = { labels: Object.fromEntries(given) as Record<string, string>, ...this.newValue() }
    this.#children.set(name, child)
    return child
  }

  protected abstract newValue (): Value
  protected abstract toSamples (child: Child<Value>): Sample[]
}

/** What only grows. */
export class CounterFamily extends Family<{ value: number }> {
  readonly type = 'counter'

  add (labels: readonly string[], value: number): void {
    this.childOf(labels).value += value
  }

  protected newValue (): { value: number } {
    return { value: 0 }
  }

  protected toSamples ({ value, labels }: Child<{ value: number }>): Sample[] {
    return [{ value, labels }]
  }
}

interface Distribution {
  /** How many values each bucket has by itself; the last one has those above all bounds. */
  counts: number[]
  sum: number
}

/** How values are distributed. */
export class HistogramFamily extends Family<Distribution> {
  readonly type = 'histogram'
  readonly #bounds: readonly number[]

  constructor (name: string, help: string, labelNames: readonly string[], bounds: readonly number[], max?: number) {
    super(name, help, labelNames, max)
    this.#bounds = bounds
    // One without labels is told from the beginning: a rate misses the first step of what appears late.
    if (labelNames.length === 0) this.childOf([])
  }

  add (labels: readonly string[], value: number): void {
    const child = this.childOf(labels)
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++
    child.counts[bucket] = (child.counts[bucket] ?? 0) + 1
    child.sum += value
  }

  protected newValue (): Distribution {
    return { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 }
  }

  protected toSamples ({ counts, sum, labels }: Child<Distribution>): Sample[] {
    const { name } = this
    let count = 0
    const buckets = counts.map((own, index) => {
      count += own
      return { metricName: `${name}_bucket`, labels: { ...labels, le: this.#bounds[index] ?? '+Inf' }, value: count }
    })
    return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: count }]
  }
}

/** What is read when it is told. */
export class GaugeFamily extends Family<object> {
  readonly type = 'gauge'
  readonly #read: () => number

  /** @param aggregator how those of several processes become one */
  constructor (name: string, help: string, read: () => number, aggregator: 'sum' | 'min') {
    super(name, help, [])
    this.#read = read
    this.aggregator = aggregator
    this.childOf([])
  }

  protected newValue (): object {
    return {}
  }

  protected toSamples ({ labels }: Child<object>): Sample[] {
    return [{ value: this.#read(), labels }]
  }
}
