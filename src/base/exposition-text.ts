/** The pieces of the Prometheus text format: https://prometheus.io/docs/instrumenting/exposition_formats/. Pure. */
export type Labels = Readonly<Record<string, string>>

export const familyHead = (name: string, type: 'counter' | 'gauge' | 'histogram', help: string) =>
  `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n`

/** `a="b",c="d"`: what stands between the braces. */
export const labelText = (labels: Labels) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escapedValue(value)}"`)
    .join(',')

export const sampleText = (name: string, labels: string, value: number) =>
  `${name}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}\n`

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' }
const escapedValue = (text: string) => text.replace(/[\\\n"]/g, (c) => escapes[c]!)
const escapedHelp = (text: string) => text.replace(/[\\\n]/g, (c) => escapes[c]!)

export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

/** Observations of one series: how many fell into each bucket, and all together. */
export type Distribution = { readonly counts: number[]; sum: number; count: number }

export const newDistribution = (bounds: readonly number[]): Distribution => ({ counts: bounds.map(() => 0), sum: 0, count: 0 })

/** `bounds`: the buckets' upper bounds, ascending. */
export function observe(distribution: Distribution, bounds: readonly number[], value: number): void {
  distribution.sum += value
  distribution.count++
  for (let i = 0; i < bounds.length; i++) {
    if (value > bounds[i]!) continue
    distribution.counts[i]!++
    return
  }
}

export function histogramText(name: string, labels: string, { counts, sum, count }: Distribution, bounds: readonly number[]): string {
  const before = labels === '' ? '' : `${labels},`
  let text = ''
  let below = 0
  for (const [i, bound] of bounds.entries()) {
    below += counts[i]!
    text += `${name}_bucket{${before}le="${bound}"} ${below}\n`
  }
  return `${text}${name}_bucket{${before}le="+Inf"} ${count}\n${sampleText(`${name}_sum`, labels, sum)}${sampleText(`${name}_count`, labels, count)}`
}
