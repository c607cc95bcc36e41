import { familyHead, histogramText, newDistribution, observe } from '../../base/exposition-text.ts'
import type { Clock } from '../../base/clock.ts'

/** Prometheus' own buckets, which upstream leaves as they are. */
const bucketSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** How long the rules of custom kinds take to be compiled and to be run, under upstream's names. */
export type CelMetrics = {
  compiling<T>(work: () => T): T
  evaluating<T>(work: () => T): T
  /** Prometheus text. */
  text(): string
}

export function createCelMetrics(clock: Clock): CelMetrics {
  const compilations = newDistribution(bucketSeconds)
  const evaluations = newDistribution(bucketSeconds)
  const measured =
    (into: typeof compilations) =>
    <T>(work: () => T): T => {
      const fromMs = clock.monotonicMs()
      try {
        return work()
      } finally {
        observe(into, bucketSeconds, (clock.monotonicMs() - fromMs) / 1000)
      }
    }
  const family = (what: string, help: string, distribution: typeof compilations) => {
    const name = `apiserver_cel_${what}_duration_seconds`
    return familyHead(name, 'histogram', help) + histogramText(name, '', distribution, bucketSeconds)
  }
  return {
    compiling: measured(compilations),
    evaluating: measured(evaluations),
    text: () =>
      family('compilation', 'CEL compilation time in seconds.', compilations) +
      family('evaluation', 'CEL evaluation time in seconds.', evaluations),
  }
}
