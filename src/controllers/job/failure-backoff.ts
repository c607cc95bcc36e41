import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { finishedMs } from './pod-facts.ts'

/** Failures in a row since the last success, and when the last one was. */
export type FailureRecord = { readonly failures: number; readonly lastFailureMs: number }

const initialMs = 10_000
const maxMs = 600_000

/** The record after these pods ended as well. */
export function recordAfter(record: FailureRecord | undefined, succeeded: readonly Pod[], failed: readonly Pod[]): FailureRecord {
  const lastSuccessMs = Math.max(-1, ...succeeded.map(finishedMs))
  const failures = failed.map(finishedMs).filter((ms) => ms > lastSuccessMs)
  const before = record && succeeded.length === 0 ? record.failures : 0
  return { failures: before + failures.length, lastFailureMs: Math.max(record?.lastFailureMs ?? 0, ...failures) }
}

/** How long no pod is created after failures: 10 s after the first, doubling up to 10 minutes; ms from now, 0: at once. */
export function backoffLeftMs({ failures, lastFailureMs }: FailureRecord, nowMs: number): number {
  if (failures === 0) return 0
  return Math.max(0, lastFailureMs + Math.min(maxMs, initialMs * 2 ** Math.min(failures - 1, 30)) - nowMs)
}
