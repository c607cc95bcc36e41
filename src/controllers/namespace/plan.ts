import { toTime } from '../../base/clock.ts'
import type { Namespace, NamespaceCondition } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'

export type Remaining = { readonly kind: KindRef; readonly objects: readonly KubeObject[] }

export type Observed = {
  readonly namespace: Namespace
  /** What is left, kinds with nothing left out. */
  readonly remaining: readonly Remaining[]
  /** Why deleting or listing failed just now, for each kind where it did. */
  readonly failures: readonly string[]
  /** Group versions whose kinds nobody could tell just now. */
  readonly undiscovered?: readonly string[]
}

export const isPods = ({ kind, group }: KindRef): boolean => kind === 'Pod' && group === ''

/** Which kinds to delete now: pods by themselves first, so that nothing they use goes before them. */
export function planDeletions(remaining: readonly Remaining[]): readonly KindRef[] {
  const pods = remaining.filter(({ kind }) => isPods(kind))
  const now = pods.length > 0 ? pods : remaining
  return now.filter(({ objects }) => objects.some((object) => object.metadata.deletionTimestamp === undefined)).map(({ kind }) => kind)
}

const qualified = ({ plural, group }: KindRef) => `${plural}.${group}`

/** The five conditions by which `kubectl describe namespace` tells what a deletion waits for. */
export function planConditions({ namespace, remaining, failures, undiscovered = [] }: Observed, nowMs: number): NamespaceCondition[] {
  const contents = remaining.map(({ kind, objects }) => `${qualified(kind)} has ${objects.length} resource instances`).sort()
  const finalizers = new Map<string, number>()
  for (const { objects } of remaining)
    for (const object of objects)
      for (const finalizer of object.metadata.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1)
  const waiting = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).sort()
  const wanted = [
    discoveryCondition(undiscovered),
    condition('NamespaceDeletionGroupVersionParsingFailure', 'False', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
    failures.length > 0
      ? condition(
          'NamespaceDeletionContentFailure',
          'True',
          'ContentDeletionFailed',
          `Failed to delete all resource types, ${failures.length} remaining: ${[...failures].sort().join(', ')}`,
        )
      : condition(
          'NamespaceDeletionContentFailure',
          'False',
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization',
        ),
    contents.length > 0
      ? condition('NamespaceContentRemaining', 'True', 'SomeResourcesRemain', `Some resources are remaining: ${contents.join(', ')}`)
      : condition('NamespaceContentRemaining', 'False', 'ContentRemoved', 'All content successfully removed'),
    waiting.length > 0
      ? condition(
          'NamespaceFinalizersRemaining',
          'True',
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${waiting.join(', ')}`,
        )
      : condition('NamespaceFinalizersRemaining', 'False', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'),
  ]
  const current = namespace.status?.conditions ?? []
  const merged = wanted.map((next) => {
    const old = current.find(({ type }) => type === next.type)
    const lastTransitionTime = old?.status === next.status ? (old.lastTransitionTime ?? toTime(nowMs)) : toTime(nowMs)
    return { ...next, lastTransitionTime }
  })
  return [...current.filter(({ type }) => !wanted.some((next) => next.type === type)), ...merged]
}

function discoveryCondition(undiscovered: readonly string[]): NamespaceCondition {
  const type = 'NamespaceDeletionDiscoveryFailure'
  if (undiscovered.length === 0) return condition(type, 'False', 'ResourcesDiscovered', 'All resources successfully discovered')
  const each = undiscovered.map((one) => `${one}: stale GroupVersion discovery: ${one}`).join(', ')
  const message = `Discovery failed for some groups, ${undiscovered.length} failing: unable to retrieve the complete list of server APIs: ${each}`
  return condition(type, 'True', 'DiscoveryFailed', message)
}

function condition(type: string, status: 'True' | 'False', reason: string, message: string): NamespaceCondition {
  return { type, status, reason, message }
}
