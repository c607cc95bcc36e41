import { deepClone } from '../machinery/deep-clone.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { KindDefinition, PrepareContext } from './kind.ts'

/** The moment that tests look from. */
export const testNowMs = Date.parse('2026-06-01T12:00:00Z')

export const testContext: PrepareContext = { now: '2026-06-01T12:00:00Z', user: 'tester' }

/** RFC 3339, some seconds before the test's now. */
export function ago(seconds: number): string {
  return `${new Date(testNowMs - seconds * 1000).toISOString().slice(0, 19)}Z`
}

/** The cells that `kubectl get` shows, with `-o wide` ones after a bar: `web 1/1 Running 0 5m | 10.0.0.1 n1`. */
export function row<T extends KubeObject>(kind: KindDefinition<T>, object: T): string {
  const cells = (priority: number) =>
    kind.columns
      .filter((c) => c.priority === priority)
      .map((c) => String(c.cell(object, testNowMs)))
      .join(' ; ')
  const wide = cells(1)
  return wide === '' ? cells(0) : `${cells(0)} | ${wide}`
}

/** Column names as kubectl prints them, wide ones after a bar. */
export function header<T extends KubeObject>(kind: KindDefinition<T>): string {
  const names = (priority: number) =>
    kind.columns
      .filter((c) => c.priority === priority)
      .map((c) => c.name.toUpperCase())
      .join(' ; ')
  const wide = names(1)
  return wide === '' ? names(0) : `${names(0)} | ${wide}`
}

/** A copy with the kind's defaults. */
export function defaulted<T extends KubeObject>(kind: KindDefinition<T>, object: T): T {
  const copy = deepClone(object)
  kind.applyDefaults?.(copy)
  return copy
}

/** A copy as it would be created: defaults and the kind's prepare rules. */
export function created<T extends KubeObject>(kind: KindDefinition<T>, object: T): T {
  const copy = defaulted(kind, object)
  kind.prepareForCreate(copy, { now: ago(0), user: 'tester' })
  return copy
}

/** A copy of `next` as it would replace `old`. */
export function updated<T extends KubeObject>(kind: KindDefinition<T>, old: T, next: T): T {
  const copy = defaulted(kind, next)
  kind.prepareForUpdate(copy, old, { now: ago(0), user: 'tester' })
  return copy
}

/** What a create of the object is refused with, as `field: message`. */
export function createErrors<T extends KubeObject>(kind: KindDefinition<T>, object: T): string[] {
  const copy = created(kind, object)
  return [...(kind.validate?.(copy) ?? []), ...(kind.validateCreate?.(copy) ?? [])].map((e) => `${e.field}: ${e.message}`)
}

/** What an update is refused with. */
export function updateErrors<T extends KubeObject>(kind: KindDefinition<T>, old: T, next: T): string[] {
  const before = created(kind, old)
  const after = updated(kind, before, next)
  return [...(kind.validate?.(after, before) ?? []), ...(kind.validateUpdate?.(after, before) ?? [])].map((e) => `${e.field}: ${e.message}`)
}

/** Makes every part of a value read-only, as objects out of a cache are by convention. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) frozen(part)
    Object.freeze(value)
  }
  return value
}
