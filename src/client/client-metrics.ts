import type { Clock } from '../base/clock.ts'
import { type Distribution, familyHead, histogramText, labelText, newDistribution, observe, sampleText } from '../base/exposition-text.ts'

/** Upper bounds of upstream's buckets. */
const durationSeconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
const sizeBytes = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216]

/** Hosts that are told apart: webhooks name as many as anybody likes. What comes later is of the host `other`. */
const hostsMax = 256

type At = { readonly method: string; readonly host: string }
type Begun = At & { readonly clock: Clock; readonly sentBytes: number; readonly isWatch?: boolean }

export type CountedRequest = {
  /** The head of the answer has come. */
  answered(code: number): void
  /** The answer is whole, or nothing more comes of it; the first call counts. Bytes that nobody told are undefined. */
  ended(receivedBytes: number | undefined): void
}

type Histogram = { readonly labels: string; readonly distribution: Distribution }

/**
 * What the clients of a process have asked other servers for, by the names that upstream's components have for it (`rest_client_…`). One
 * for all clients of the process. There is no family of waits for a rate limiter: these clients have none.
 */
export class ClientMetrics {
  readonly #hosts = new Set<string>()
  readonly #requests = new Map<string, number>()
  readonly #durations = new Map<string, Histogram>()
  readonly #sent = new Map<string, Histogram>()
  readonly #received = new Map<string, Histogram>()

  /** A request begins. A watch has no duration, for it is its reader who ends it. */
  begin({ clock, method, host, sentBytes, isWatch = false }: Begun): CountedRequest {
    const at = { method, host: this.#knownHost(host) }
    const startedMs = clock.monotonicMs()
    let hasAnswered = false
    let hasEnded = false
    const end = (receivedBytes: number | undefined) => {
      if (hasEnded) return
      hasEnded = true
      if (!hasAnswered) this.#count(at, '<error>')
      if (!isWatch) this.#measure(at, { seconds: (clock.monotonicMs() - startedMs) / 1000, sentBytes, receivedBytes })
    }
    return {
      answered: (code) => {
        hasAnswered = true
        this.#count(at, String(code))
      },
      ended: end,
    }
  }

  /** In the Prometheus text format. */
  text(): string {
    let text = familyHead('rest_client_requests_total', 'counter', 'Requests to other servers, by code, method and host.')
    for (const [labels, value] of this.#requests) text += sampleText('rest_client_requests_total', labels, value)
    text += histograms('rest_client_request_duration_seconds', 'How long requests to other servers took.', this.#durations, durationSeconds)
    text += histograms('rest_client_request_size_bytes', 'Bytes of the bodies of requests to other servers.', this.#sent, sizeBytes)
    return text + histograms('rest_client_response_size_bytes', 'Bytes of answers whose length was told.', this.#received, sizeBytes)
  }

  #count({ method, host }: At, code: string): void {
    const labels = labelText({ code, host, method })
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1)
  }

  #measure({ method: verb, host }: At, took: { seconds: number; sentBytes: number; receivedBytes: number | undefined }): void {
    const labels = labelText({ host, verb })
    observe(distributionOf(this.#durations, labels, durationSeconds), durationSeconds, took.seconds)
    observe(distributionOf(this.#sent, labels, sizeBytes), sizeBytes, took.sentBytes)
    if (took.receivedBytes !== undefined) observe(distributionOf(this.#received, labels, sizeBytes), sizeBytes, took.receivedBytes)
  }

  #knownHost(host: string): string {
    if (this.#hosts.has(host)) return host
    if (this.#hosts.size >= hostsMax) return 'other'
    this.#hosts.add(host)
    return host
  }
}

function distributionOf(known: Map<string, Histogram>, labels: string, bounds: readonly number[]): Distribution {
  let found = known.get(labels)
  if (!found) known.set(labels, (found = { labels, distribution: newDistribution(bounds) }))
  return found.distribution
}

function histograms(name: string, help: string, all: ReadonlyMap<string, Histogram>, bounds: readonly number[]): string {
  let text = familyHead(name, 'histogram', help)
  for (const { labels, distribution } of all.values()) text += histogramText(name, labels, distribution, bounds)
  return text
}
