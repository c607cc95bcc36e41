/** Owner references with `controller: true`: who owns what, and the planning of adoption and release. */
import type { Client } from '../client/contract.ts'
import type { Informer } from '../client/informer-contract.ts'
import type { KindRef } from '../kinds/kind.ts'
import { matches, type Selector } from '../machinery/label-selector.ts'
import { apiVersionOf, controllerOf, type KubeObject, type OwnerReference } from '../machinery/object.ts'
import { isStatus } from '../machinery/status-error.ts'

const index = 'controller-uid'
const orphansOf = (namespace: string) => `orphan/${namespace}`

function addControllerIndex(informer: Informer<KubeObject>): void {
  informer.addIndex(index, (object) => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace ?? '')])
}

/** Objects whose controller has this uid. */
export function controlledBy<T extends KubeObject>(informer: Informer<T>, uid: string | undefined): readonly T[] {
  addControllerIndex(informer as unknown as Informer<KubeObject>)
  return informer.byIndex(index, uid ?? '')
}

/** Objects of a namespace without a controller. */
export function orphansIn<T extends KubeObject>(informer: Informer<T>, namespace: string): readonly T[] {
  addControllerIndex(informer as unknown as Informer<KubeObject>)
  return informer.byIndex(index, orphansOf(namespace))
}

/** The reference that makes `owner` the controller of an object. */
export function controllerReference(kind: KindRef, owner: KubeObject): OwnerReference {
  const { name = '', uid = '' } = owner.metadata
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

export type Claims<T> = { readonly owned: readonly T[]; readonly adopt: readonly T[]; readonly release: readonly T[] }

/**
 * Which objects are the owner's: those that it controls and that still match its selector. Matching orphans are to be adopted
 * unless the owner or they are being deleted; controlled ones that match no more are to be released.
 */
export function planClaims<T extends KubeObject>(input: {
  readonly owner: KubeObject
  readonly selector: Selector
  readonly controlled: readonly T[]
  readonly orphans: readonly T[]
}): Claims<T> {
  const { owner, selector } = input
  const isOwnerDeleted = owner.metadata.deletionTimestamp !== undefined
  const owned: T[] = []
  const release: T[] = []
  for (const object of input.controlled) {
    if (matches(selector, object.metadata.labels)) owned.push(object)
    else if (!isOwnerDeleted) release.push(object)
  }
  const adopt = isOwnerDeleted
    ? []
    : input.orphans.filter((object) => object.metadata.deletionTimestamp === undefined && matches(selector, object.metadata.labels))
  return { owned, adopt, release }
}

export type ClaimContext<T extends KubeObject> = {
  readonly client: Client
  readonly ownerKind: KindRef
  readonly owner: KubeObject
  readonly kind: KindRef<T>
}

/** Adopts and releases; gives the objects that the owner has afterwards. An object that is gone meanwhile is skipped. */
export async function performClaims<T extends KubeObject>(context: ClaimContext<T>, claims: Claims<T>): Promise<readonly T[]> {
  if (claims.adopt.length + claims.release.length === 0) return claims.owned
  const { client, owner, ownerKind, kind } = context
  const resource = client.resource(kind, owner.metadata.namespace)
  const patchOwner = async (object: T, reference: object): Promise<T | undefined> => {
    const body = { metadata: { uid: object.metadata.uid, ownerReferences: [reference] } }
    try {
      return await resource.patch(object.metadata.name ?? '', { type: 'strategic', body })
    } catch (error) {
      // Gone, or replaced by another of its name: nothing of ours any more. A conflict can mean that too, or a busy server: the next look tells.
      if (isStatus(error, 'NotFound') || isStatus(error, 'Invalid')) return undefined
      throw error
    }
  }
  for (const object of claims.release) await patchOwner(object, { $patch: 'delete', uid: owner.metadata.uid })
  if (claims.adopt.length === 0 || !(await isStillThere(context))) return claims.owned
  const adopted: T[] = []
  for (const object of claims.adopt) {
    const result = await patchOwner(object, controllerReference(ownerKind, owner))
    if (result) adopted.push(result)
  }
  return [...claims.owned, ...adopted]
}

/** Read live: an owner that was deleted and made anew must not adopt under its old uid. */
async function isStillThere({ client, ownerKind, owner }: ClaimContext<KubeObject>): Promise<boolean> {
  try {
    const live = await client.resource(ownerKind, owner.metadata.namespace).get(owner.metadata.name ?? '')
    return live.metadata.uid === owner.metadata.uid && live.metadata.deletionTimestamp === undefined
  } catch (error) {
    if (isStatus(error, 'NotFound')) return false
    throw error
  }
}
