const bucketSeconds = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25]
/** Upstream's: names that come after so many others are counted together. */
const seriesMax = 2000

export type WebhookCall = {
  readonly name: string
  readonly type: 'admit' | 'validating'
  readonly operation: string
  readonly rejected: boolean
  /** HTTP status of the refusal, or 200. */
  readonly code: number
  readonly durationMs: number
}

export type RejectionCause = 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error'

/** Figures on webhooks under upstream's names; nothing is kept and nothing written before the first call. */
export type WebhookMetrics = {
  called(call: WebhookCall): void
  rejected(call: Pick<WebhookCall, 'name' | 'type' | 'operation' | 'code'>, cause: RejectionCause): void
  failedOpen(call: Pick<WebhookCall, 'name' | 'type'>): void
  excluded(call: Pick<WebhookCall, 'name' | 'type' | 'operation'>): void
  /** Prometheus text. */
  text(): string
}

type Histogram = { readonly counts: number[]; sum: number; count: number }

export function createWebhookMetrics(): WebhookMetrics {
  const counters = new Map<string, Map<string, number>>()
  const durations = new Map<string, Histogram>()
  const count = (family: string, labels: Readonly<Record<string, string | number | boolean>>) => {
    let series = counters.get(family)
    if (!series) counters.set(family, (series = new Map()))
    const key = bounded(series, labels)
    series.set(key, (series.get(key) ?? 0) + 1)
  }
  return {
    called: ({ name, type, operation, rejected, code, durationMs }) => {
      count('apiserver_admission_webhook_request_total', { code, name, operation, rejected, type })
      const key = bounded(durations, { name, operation, rejected, type })
      let histogram = durations.get(key)
      if (!histogram) durations.set(key, (histogram = { counts: bucketSeconds.map(() => 0), sum: 0, count: 0 }))
      const seconds = durationMs / 1000
      histogram.sum += seconds
      histogram.count++
      const bucket = bucketSeconds.findIndex((bound) => seconds <= bound)
      if (bucket >= 0) histogram.counts[bucket]!++
    },
    rejected: ({ name, type, operation, code }, cause) =>
      count('apiserver_admission_webhook_rejection_count', {
        error_type: cause,
        name,
        operation,
        rejection_code: Math.min(code, 600),
        type,
      }),
    failedOpen: ({ name, type }) => count('apiserver_admission_webhook_fail_open_count', { name, type }),
    excluded: ({ name, type, operation }) =>
      count('apiserver_admission_match_condition_exclusions_total', { kind: 'webhook', name, operation, type }),
    text: () => {
      let text = ''
      for (const [family, series] of counters) {
        text += `# TYPE ${family} counter\n`
        for (const [labels, value] of series) text += `${family}{${labels}} ${value}\n`
      }
      return text + durationText(durations)
    },
  }
}

function bounded(series: ReadonlyMap<string, unknown>, labels: Readonly<Record<string, string | number | boolean>>): string {
  const format = (all: typeof labels) =>
    Object.entries(all)
      .map(([name, value]) => `${name}=${JSON.stringify(String(value))}`)
      .join(',')
  const key = format(labels)
  return series.has(key) || series.size < seriesMax ? key : format({ ...labels, name: 'other' })
}

function durationText(durations: ReadonlyMap<string, Histogram>): string {
  if (durations.size === 0) return ''
  const family = 'apiserver_admission_webhook_admission_duration_seconds'
  let text = `# TYPE ${family} histogram\n`
  for (const [labels, { counts, sum, count }] of durations) {
    let below = 0
    for (const [i, bound] of bucketSeconds.entries()) text += `${family}_bucket{${labels},le="${bound}"} ${(below += counts[i]!)}\n`
    text += `${family}_bucket{${labels},le="+Inf"} ${count}\n${family}_sum{${labels}} ${sum}\n${family}_count{${labels}} ${count}\n`
  }
  return text
}
