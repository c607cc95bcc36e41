import { familyHead, labelText, sampleText } from '../../base/exposition-text.ts'
import type { AuditLevel } from './policy.ts'

/** What goes wrong with events: the buffer of a backend is full, or the backend itself fails. */
export type AuditPlugin = 'buffered' | 'truncate' | 'log' | 'webhook'

/** Counters under upstream's names. */
export type AuditMetrics = {
  event(): void
  /** Once a request. */
  level(level: AuditLevel): void
  /** Events that were not recorded as they should. */
  failed(plugin: AuditPlugin, events: number): void
  rejected(): void
  text(): string
}

export function createAuditMetrics(): AuditMetrics {
  let events = 0
  let rejected = 0
  const levels = new Map<string, number>()
  const failures = new Map<string, number>()
  const add = (counts: Map<string, number>, key: string, change: number) => counts.set(key, (counts.get(key) ?? 0) + change)
  return {
    event: () => {
      events++
    },
    level: (level) => void add(levels, level, 1),
    failed: (plugin, count) => void add(failures, plugin, count),
    rejected: () => {
      rejected++
    },
    text: () =>
      counter('event_total', 'Audit events that were made.', [['', events]]) +
      counter('error_total', 'Audit events that were not recorded as they should, by what failed.', labelled('plugin', failures)) +
      counter('level_total', 'Requests by the level of their audit events.', labelled('level', levels)) +
      counter('requests_rejected_total', 'Requests refused because they could not be recorded.', [['', rejected]]),
  }
}

const labelled = (label: string, counts: ReadonlyMap<string, number>) =>
  [...counts].map(([value, count]) => [labelText({ [label]: value }), count] as const)

function counter(name: string, help: string, values: readonly (readonly [labels: string, value: number])[]): string {
  const full = `apiserver_audit_${name}`
  return familyHead(full, 'counter', help) + values.map(([labels, value]) => sampleText(full, labels, value)).join('')
}
