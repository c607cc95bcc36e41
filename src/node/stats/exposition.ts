/** Families of numbers, and their text. Pure. */
import { type Distribution, familyHead, type Labels, labelText, newDistribution, numberText, observe } from '../../base/exposition-text.ts'

export type { Labels } from '../../base/exposition-text.ts'

/** `atMs`: when it was measured; not given: when it is read. */
export type Sample = { readonly labels?: Labels; readonly value: number; readonly atMs?: number; readonly suffix?: string }

export type Family = {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

/** Families without a sample are left out. */
export function exposition(families: Iterable<Family>): string {
  let text = ''
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue
    text += familyHead(name, type, help)
    for (const { labels = {}, value, atMs, suffix = '' } of samples) {
      const between = labelText(labels)
      const at = atMs === undefined ? '' : ` ${Math.round(atMs)}`
      text += `${name}${suffix}${between === '' ? '' : `{${between}}`} ${numberText(value)}${at}\n`
    }
  }
  return text
}

type Declaration = { readonly name: string; readonly help: string; readonly labels?: readonly string[] }

/** Label values joined by a character that none of them holds. */
const separator = '\u0000'

function labelsOf(names: readonly string[], key: string): Labels {
  const values = key.split(separator)
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']))
}

/** A counter for each combination of label values; these must come out of a bounded set. */
export class Counter {
  readonly #declaration: Declaration
  readonly #counts = new Map<string, number>()

  constructor(declaration: Declaration) {
    this.#declaration = declaration
  }

  /** Values in the order of the declared labels. */
  add(...values: readonly string[]): void {
    const key = values.join(separator)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  family(): Family {
    const { name, help, labels = [] } = this.#declaration
    const samples = [...this.#counts].map(([key, value]) => ({ labels: labelsOf(labels, key), value }))
    return { name, type: 'counter', help, samples: labels.length === 0 && samples.length === 0 ? [{ value: 0 }] : samples }
  }
}

/** A histogram for each combination of label values. `buckets`: upper bounds, ascending. */
export class Histogram {
  readonly #declaration: Declaration & { readonly buckets: readonly number[] }
  readonly #distributions = new Map<string, Distribution>()

  constructor(declaration: Declaration & { readonly buckets: readonly number[] }) {
    this.#declaration = declaration
  }

  observe(value: number, ...values: readonly string[]): void {
    const { buckets } = this.#declaration
    const key = values.join(separator)
    let distribution = this.#distributions.get(key)
    if (!distribution) this.#distributions.set(key, (distribution = newDistribution(buckets)))
    observe(distribution, buckets, value)
  }

  family(): Family {
    const { name, help, labels: names = [], buckets } = this.#declaration
    const samples = [...this.#distributions].flatMap(([key, { counts, sum, count }]): Sample[] => {
      const labels = labelsOf(names, key)
      let below = 0
      return [
        ...buckets.map((bound, i) => {
          below += counts[i]!
          return { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: below }
        }),
        { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
        { suffix: '_sum', labels, value: sum },
        { suffix: '_count', labels, value: count },
      ]
    })
    return { name, type: 'histogram', help, samples }
  }
}
