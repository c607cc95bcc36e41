import { toTime } from '../../base/clock.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { Resource } from '../registry.ts'

/** DeleteOptions, parsed. */
export type DeletionOptions = {
  readonly gracePeriodSeconds?: number | undefined
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined
  /** The old form of the policy. */
  readonly orphanDependents?: boolean | undefined
  readonly dryRun?: boolean | undefined
  readonly preconditions?: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined } | undefined
}

/**
 * What a delete does to an object. `mark` gives the object to store in its place: with deletionTimestamp, grace and
 * garbage-collection finalizers. `pending`: it is on its way out already and the request changes nothing. `remove` has, of kinds
 * that know grace, what the object is said to have been in the end (`last`), and what the change before its end made of it (`told`).
 */
export type Deletion =
  | { readonly type: 'remove'; readonly last?: KubeObject; readonly told?: KubeObject | undefined }
  | { readonly type: 'mark'; readonly object: KubeObject }
  | { readonly type: 'pending' }

/**
 * A change of the object that comes with its end (why it goes): an object that shares with the one given what it does not change, or
 * undefined where nothing is to be changed. Pure, and undefined for what it has made itself.
 */
export type LastChange = (object: KubeObject) => KubeObject | undefined

const orphanFinalizer = 'orphan'
const foregroundFinalizer = 'foregroundDeletion'

/** Pure. The rules are upstream's: see https://kubernetes.io/docs/concepts/architecture/garbage-collection/ and …/finalizers/. */
export function planDeletion(input: {
  readonly kind: KindDefinition
  readonly object: CachedObject
  readonly options: DeletionOptions
  readonly nowMs: number
  /** See DeleteRequest. */
  readonly change?: LastChange | undefined
}): Deletion {
  const { kind, options, nowMs } = input
  const told = input.change?.(input.object.object)
  const current = told ?? input.object.object
  if (isPlainRemoval(kind, current, options)) return { ...removal(kind, current, nowMs), told }
  const object = told ? { ...told, metadata: { ...told.metadata } } : input.object.copy()
  if (kind.group === '' && kind.kind === 'Namespace') return planNamespaceDeletion(kind, { object, options, nowMs })
  if (object.metadata.deletionTimestamp === undefined) kind.prepareForDelete?.(object, toTime(nowMs))
  const grace = planGrace(kind, object, options, nowMs)
  if (grace === 'pending') return told ? { type: 'mark', object: told } : { type: 'pending' }
  const { metadata } = object
  const finalizers = collectorFinalizers(kind, metadata.finalizers ?? [], options)
  metadata.finalizers = [...finalizers]
  if (grace === undefined || grace === 0) {
    if (finalizers.length === 0) return { ...removal(kind, object, nowMs), told }
    const isDefinition = kind.group === 'apiextensions.k8s.io'
    const before = input.object.object.metadata
    if (before.deletionTimestamp !== undefined && (isDefinition || before.deletionGracePeriodSeconds === 0)) {
      return !told && sameList(finalizers, before.finalizers ?? []) ? { type: 'pending' } : { type: 'mark', object }
    }
    // Upstream deletes definitions in a way of its own, without grace and generation.
    if (isDefinition) metadata.deletionTimestamp = toTime(nowMs)
    else markDeleted(object, 0, nowMs)
  }
  return { type: 'mark', object }
}

/** Upstream tells of a pod that is gone at once as of one whose grace is over. */
function removal(kind: KindDefinition, object: KubeObject, nowMs: number): Deletion & { readonly type: 'remove' } {
  if (!kind.gracefulDeletion) return { type: 'remove' }
  const last = { ...object, metadata: { ...object.metadata } }
  markDeleted(last, 0, nowMs)
  return { type: 'remove', last }
}

/** The usual case, seen without a copy: nothing holds the object and nobody asked for more than its end. */
function isPlainRemoval(kind: KindDefinition, object: KubeObject, options: DeletionOptions): boolean {
  const { metadata } = object
  if (kind.prepareForDelete) return false
  if (metadata.finalizers?.length || metadata.deletionTimestamp !== undefined || (kind.group === '' && kind.kind === 'Namespace'))
    return false
  if (effectivePolicy(kind, [], options) !== 'Background') return false
  return !kind.gracefulDeletion?.(object, options.gracePeriodSeconds)
}

/**
 * The grace in seconds that applies now, having marked the object with it when it is more than nothing; undefined: the
 * kind knows no grace; 'pending': a deletion under way is not shortened by this request.
 */
function planGrace(kind: KindDefinition, object: KubeObject, options: DeletionOptions, nowMs: number): number | 'pending' | undefined {
  const { metadata } = object
  if (!kind.gracefulDeletion) return undefined
  if (metadata.deletionTimestamp !== undefined) {
    const running = metadata.deletionGracePeriodSeconds
    if (running === undefined) return undefined
    const requested = options.gracePeriodSeconds
    if (requested === undefined || requested >= running) return running === 0 && (metadata.finalizers ?? []).length === 0 ? 0 : 'pending'
    const shortened = Math.max(0, requested)
    metadata.deletionTimestamp = toTime(Date.parse(metadata.deletionTimestamp) - running * 1000 + shortened * 1000)
    metadata.deletionGracePeriodSeconds = shortened
    return shortened
  }
  const seconds = kind.gracefulDeletion(object, options.gracePeriodSeconds)
  if (seconds === undefined) return undefined
  if (seconds > 0) markDeleted(object, seconds, nowMs)
  return seconds
}

function markDeleted(object: KubeObject, graceSeconds: number, nowMs: number): void {
  const { metadata } = object
  if (metadata.deletionTimestamp === undefined && metadata.generation) metadata.generation++
  metadata.deletionTimestamp ??= toTime(nowMs + graceSeconds * 1000)
  metadata.deletionGracePeriodSeconds = graceSeconds
}

function planNamespaceDeletion(
  kind: KindDefinition,
  { object, options, nowMs }: { readonly object: KubeObject; readonly options: DeletionOptions; readonly nowMs: number },
): Deletion {
  const namespace = object as KubeObject & { spec?: { finalizers?: string[] }; status?: { phase?: string } }
  const { metadata } = object
  if (metadata.deletionTimestamp !== undefined) {
    const isHeld = (namespace.spec?.finalizers ?? []).length > 0 || (metadata.finalizers ?? []).length > 0
    return isHeld ? { type: 'pending' } : { type: 'remove' }
  }
  metadata.finalizers = [...collectorFinalizers(kind, metadata.finalizers ?? [], options)]
  metadata.deletionTimestamp = toTime(nowMs)
  namespace.status = { ...namespace.status, phase: 'Terminating' }
  const isHeld = (namespace.spec?.finalizers ?? []).length > 0 || metadata.finalizers.length > 0
  return isHeld ? { type: 'mark', object } : { type: 'remove' }
}

/** The finalizers with the garbage collector's own set as the options (or what is there already) say. */
function collectorFinalizers(kind: KindDefinition, existing: readonly string[], options: DeletionOptions): readonly string[] {
  const policy = effectivePolicy(kind, existing, options)
  const others = existing.filter((f) => f !== orphanFinalizer && f !== foregroundFinalizer)
  const own = policy === 'Orphan' ? orphanFinalizer : policy === 'Foreground' ? foregroundFinalizer : undefined
  if (own === undefined) return others.length === existing.length ? existing : others
  return existing.includes(own) && others.length + 1 === existing.length ? existing : [...others, own]
}

function effectivePolicy(
  { orphansByDefault }: KindDefinition,
  existing: readonly string[],
  options: DeletionOptions,
): 'Background' | 'Foreground' | 'Orphan' {
  if (options.orphanDependents !== undefined) return options.orphanDependents ? 'Orphan' : 'Background'
  if (options.propagationPolicy !== undefined) return options.propagationPolicy
  if (existing.includes(orphanFinalizer)) return 'Orphan'
  if (existing.includes(foregroundFinalizer)) return 'Foreground'
  return orphansByDefault ? 'Orphan' : 'Background'
}

const sameList = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((value, i) => value === b[i])

/** Finalizers that keep the object: metadata's, and a namespace's own. */
export function holdingFinalizers(resource: Resource, object: KubeObject): readonly string[] {
  const own = object.metadata.finalizers ?? []
  if (resource.kind.group !== '' || resource.kind.kind !== 'Namespace') return own
  return [...own, ...((object as { spec?: { finalizers?: string[] } }).spec?.finalizers ?? [])]
}

/** True when an object that is being deleted waits for nothing more: the update that let go of it removes it. */
export function isReleasedForDeletion(resource: Resource, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = object.metadata
  return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && holdingFinalizers(resource, object).length === 0
}

/** What the client is told who says nothing of dependents that are left behind. */
export function orphanWarning({ orphansByDefault }: KindDefinition, options: DeletionOptions): string | undefined {
  return options.propagationPolicy === undefined && options.orphanDependents === undefined ? orphansByDefault?.warning : undefined
}
