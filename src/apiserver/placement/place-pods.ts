import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { amountText } from '../../kinds/amount-text.ts'
import { noLongerFits } from '../../kinds/keelson/placement.ts'
import { resourceAmounts } from '../../kinds/pod-requests.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type ResourceName, StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Operation, Revision, StoreKey } from '../../store/contract.ts'
import { encodeStored } from '../objects/codec.ts'
import type { Core } from '../core.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { type Lack, NodeUsage, takeOfPod } from './node-usage.ts'
import type { Wanted } from './placement-guard.ts'

export type PodsToPlace = {
  readonly pods: Resource
  readonly namespace: string
  /** At least one. */
  readonly names: readonly string[]
  readonly node: string
  /** Puts the pod on the node, on an own copy; what it throws refuses all. Called again after a conflict. */
  readonly assign: (pod: KubeObject & Pod) => void
  /** What makes room in the same commit; checked anew with each attempt. */
  readonly instead?: () => { readonly key: StoreKey; readonly revision: Revision }
  /** All that they may take together; absent: what the node has. */
  readonly within?: Readonly<Record<string, string>>
  readonly dryRun: boolean
  /** Of whom a conflict speaks. */
  readonly refuses: { readonly resource: ResourceName; readonly name: string }
}

/** Other writers may come first this often before the caller is told. */
const attemptsMax = 25

/**
 * Puts pods on a node in one commit, if the node has the room at that moment: all of them or none. Throws 404, what `assign` throws, and
 * 409 with one cause for each thing that the node lacks.
 */
export async function placePods(core: Core, wanted: PodsToPlace): Promise<void> {
  const { placement: guard } = core
  const { cache } = core.storage
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    await guard.caughtUp()
    const instead = wanted.instead?.()
    const writes = wanted.names.map((name) => changed(core, wanted, name))
    const takes = writes.map(({ key, pod }) => ({ key, take: takeOfPod(pod, wanted.node) }))
    checkWithin(wanted, takes)
    const reserved = guard.reserve(takes, instead?.key)
    if (reserved.type === 'lacking')
      throw noRoom(wanted.refuses, `node ${JSON.stringify(wanted.node)} has no room any more`, reserved.lacks)
    const { allocation } = reserved
    if (wanted.dryRun) return allocation.release()
    const [first, ...others] = writes
    const more: Operation[] = [
      ...others.map(({ key, pod, revision }): Operation => ({ type: 'put', key, value: encodeStored(pod), expected: revision })),
      ...(instead ? [{ type: 'delete' as const, key: instead.key, expected: instead.revision }] : []),
      ...(allocation.claims ?? []),
    ]
    try {
      const { type } = await core.storage.put(first!.key, first!.pod, first!.revision, more)
      if (type === 'committed') return allocation.commit()
    } catch (error) {
      allocation.release()
      throw error
    }
    allocation.release()
    // Of another server's write the cache may not know yet.
    await cache.waitFor(await core.storage.store.freshRevision())
  }
  throw statusErrors.staleVersion(wanted.refuses.resource, wanted.refuses.name)
}

type Write = { readonly key: StoreKey; readonly pod: KubeObject & Pod; readonly revision: Revision }

function changed({ storage }: Core, { pods, namespace, assign }: PodsToPlace, name: string): Write {
  const key = keyOfObject(pods, namespace, name)
  const entry = storage.cache.get(key)
  if (!entry) throw statusErrors.notFound(pods.name, name)
  const pod = entry.value.copy() as KubeObject & Pod
  assign(pod)
  return { key, pod, revision: entry.revision }
}

function checkWithin({ within, refuses }: PodsToPlace, takes: readonly Wanted[]): void {
  if (!within) return
  const granted = new NodeUsage()
  for (const { key, take } of takes) granted.set(key, take)
  const asked = granted.amountsOf(takes[0]!.take.node)
  const given = resourceAmounts(within)
  const lacks = Object.keys(asked).flatMap((resource) => {
    const [requested, offered] = [asked[resource]!, given[resource] ?? 0]
    const message = `${resource}: ${amountText(resource, requested)} requested, ${amountText(resource, offered)} offered`
    return requested > offered ? [{ resource, message }] : []
  })
  if (lacks.length > 0) throw noRoom(refuses, 'the pods ask for more than the offer has', lacks)
}

/** 409 with one cause for each thing that is missing. */
export function noRoom(refuses: PodsToPlace['refuses'], why: string, lacks: readonly Lack[]): StatusError {
  const { status } = statusErrors.conflict(refuses.resource, refuses.name, `${why}: ${lacks.map((l) => l.message).join('; ')}`)
  const causes = lacks.map(({ resource, message }) => ({ reason: noLongerFits, message, field: resource }))
  return new StatusError({ ...status, details: { ...status.details, causes } })
}
