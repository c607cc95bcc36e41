import { familyHead, labelText, sampleText } from '../../../base/exposition-text.ts'
import type { AdmissionRequest } from '../../contract.ts'
import { type LevelVersion, type Policy, textOf } from './policy.ts'

/** Upstream's counters of what was judged. */
export type PodSecurityMetrics = {
  evaluated(request: AdmissionRequest, mode: keyof Policy, evaluation: { readonly isAllowed: boolean; readonly by: LevelVersion }): void
  exempted(request: AdmissionRequest): void
  failed(request: AdmissionRequest): void
  text(): string
}

/** Versions of the rules beyond it are not known yet. */
const minorVersion = 36

export function createPodSecurityMetrics(): PodSecurityMetrics {
  /** By what tells a series apart, so that its labels are written once. */
  const evaluations = new Map<string, { readonly labels: string; count: number }>()
  const exemptions = new Map<string, number>()
  const errors = new Map<string, number>()
  const add = (counts: Map<string, number>, labels: string) => void counts.set(labels, (counts.get(labels) ?? 0) + 1)
  return {
    evaluated: (request, mode, { isAllowed, by }) => {
      const { operation, kind, subresource } = request
      const key = `${mode}|${isAllowed}|${by.level}|${by.version}|${operation}|${kind.plural}|${subresource}`
      let series = evaluations.get(key)
      if (!series) {
        const decided = { decision: isAllowed ? 'allow' : 'deny', mode, policy_level: by.level, policy_version: versionOf(by) }
        evaluations.set(key, (series = { labels: `${labelText(decided)},${placeOf(request)}`, count: 0 }))
      }
      series.count++
    },
    exempted: (request) => add(exemptions, placeOf(request)),
    failed: (request) => add(errors, `fatal="false",${placeOf(request)}`),
    text: () =>
      family(
        'pod_security_evaluations_total',
        'Pods and templates that were judged by a Pod Security Standard.',
        summed(evaluations.values()),
      ) +
      family('pod_security_exemptions_total', 'Requests that are exempt from Pod Security.', exemptions) +
      family('pod_security_errors_total', 'Labels that could not be read when something was judged.', errors),
  }
}

/** Some kinds are one to the labels. */
function summed(series: Iterable<{ readonly labels: string; readonly count: number }>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { labels, count } of series) counts.set(labels, (counts.get(labels) ?? 0) + count)
  return counts
}

function versionOf(by: LevelVersion): string {
  if (by.version === 'latest' || by.level === 'privileged') return 'latest'
  return by.version > minorVersion ? 'future' : textOf(by).slice(by.level.length + 1)
}

const placeOf = ({ operation, kind, subresource }: AdmissionRequest) =>
  labelText({ request_operation: operation.toLowerCase(), resource: resourceOf(kind.plural), subresource })
const resourceOf = (plural: string) => (plural === 'pods' ? 'pod' : plural === 'namespaces' ? 'namespace' : 'controller')

const family = (name: string, help: string, counts: ReadonlyMap<string, number>) =>
  familyHead(name, 'counter', help) + [...counts].map(([labels, count]) => sampleText(name, labels, count)).join('')
