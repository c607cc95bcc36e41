/** What must hold after every single write, whoever made it and whatever went wrong before. */
import assert from 'node:assert/strict'
import type { Clock } from '../../src/base/clock.ts'
import type { Deployment, ReplicaSet } from '../../src/kinds/generated/types/apps-v1.ts'
import type { Node, Pod } from '../../src/kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../src/kinds/generated/types/discovery-v1.ts'
import { isPodActive, isPodReady, isPodTerminal } from '../../src/kinds/pod-status.ts'
import { controllerOf, type KubeObject } from '../../src/machinery/object.ts'
import { quantityMilli } from '../../src/machinery/quantity.ts'

/** How long after a pod stopped being ready a slice may still be written that calls it ready: its writer had not heard. */
const endpointsLagMs = 30_000

export class Invariants {
  readonly #live: ReadonlyMap<string, KubeObject>
  readonly #clock: Clock
  /** When an answer is lost and the watch is late as well, nobody can know that a pod was made or a set resized. */
  readonly #mayCreateTwice: boolean
  readonly #broken: string[] = []
  /** By UID: a pod's node never changes. */
  readonly #nodeOf = new Map<string, string>()
  /** By UID: when the pod was last ready. */
  readonly #lastReadyMs = new Map<string, number>()
  /** By UID: the most pods that the owner ever allowed. */
  readonly #podsMax = new Map<string, number>()
  readonly #floors = new Map<string, number>()

  constructor(live: ReadonlyMap<string, KubeObject>, clock: Clock, options: { readonly mayCreateTwice: boolean }) {
    this.#live = live
    this.#clock = clock
    this.#mayCreateTwice = options.mayCreateTwice
  }

  /** From now on at least so many pods of the deployment (`namespace/name`) are ready at every moment; undefined: any number. */
  expectReady(deployment: string, count: number | undefined): void {
    if (count === undefined) this.#floors.delete(deployment)
    else this.#floors.set(deployment, count)
  }

  /** Fails with the first rules that were broken. */
  assertKept(): void {
    assert.deepEqual(this.#broken.slice(0, 3), [])
  }

  check(type: 'put' | 'delete', key: string, object: KubeObject): void {
    const [, , group = '', plural = ''] = key.split('/')
    const kind = `${group}/${plural}`
    const { metadata } = object
    const observed = (object as { status?: { observedGeneration?: number } }).status?.observedGeneration
    if (observed !== undefined && observed > (metadata.generation ?? 0)) this.#fail(`${key} observed generation ${observed} before it was`)
    if (kind === 'core/pods') this.#podChanged(type, key, object as KubeObject & Pod)
    if (kind === 'apps/replicasets' && type === 'put') {
      this.#allow(object, (object as ReplicaSet).spec?.replicas ?? 1)
      this.#checkSurge(key, object)
    }
    if (kind === 'apps/deployments' && type === 'put') this.#allow(object, mostPodsOf(object as Deployment))
    if (kind === 'discovery.k8s.io/endpointslices' && type === 'put') this.#checkSlice(key, object as EndpointSlice)
  }

  #fail(message: string): void {
    this.#broken.push(`${this.#clock.now()}: ${message}`)
  }

  #allow({ metadata }: KubeObject, count: number): void {
    const uid = metadata.uid ?? ''
    this.#podsMax.set(uid, Math.max(count, this.#podsMax.get(uid) ?? 0))
  }

  #podChanged(type: 'put' | 'delete', key: string, pod: KubeObject & Pod): void {
    const uid = pod.metadata.uid ?? ''
    if (isPodReady(pod) || this.#lastReadyMs.get(uid) === Number.POSITIVE_INFINITY)
      this.#lastReadyMs.set(uid, type === 'put' && isPodReady(pod) ? Number.POSITIVE_INFINITY : this.#clock.now())
    this.#checkFloors()
    if (type === 'delete') return
    const node = pod.spec?.nodeName
    const before = this.#nodeOf.get(uid)
    if (before !== undefined && before !== node) this.#fail(`${key} moved from ${before} to ${node}`)
    if (!node) {
      this.#checkOwner(key, pod)
      return
    }
    this.#nodeOf.set(uid, node)
    if (before === undefined) this.#checkRoom(node)
  }

  /** Never more pods than the replica set ever asked for. */
  #checkOwner(key: string, pod: KubeObject & Pod): void {
    const owner = controllerOf(pod)
    if (owner?.kind !== 'ReplicaSet' || !this.#podsMax.has(owner.uid)) return
    const setMax = this.#podsMax.get(owner.uid) ?? 0
    const count = this.#pods().filter((p) => isPodActive(p) && controllerOf(p)?.uid === owner.uid).length
    if (count > setMax && !this.#mayCreateTwice) this.#fail(`${key} is one more than the ${setMax} of its replica set`)
  }

  /** The sets of a deployment together never ask for more than it wants plus its surge. Pods on their way out may still be there. */
  #checkSurge(key: string, set: KubeObject): void {
    const deployment = controllerOf(set)?.uid
    if (deployment === undefined || !this.#podsMax.has(deployment)) return
    const sets = this.#all('apps/replicasets').filter((rs) => controllerOf(rs)?.uid === deployment)
    const total = sets.reduce((sum, rs) => sum + ((rs as ReplicaSet).spec?.replicas ?? 1), 0)
    const deploymentMax = this.#podsMax.get(deployment) ?? 0
    if (total > deploymentMax && !this.#mayCreateTwice)
      this.#fail(`${key} and its siblings ask for ${total} pods, more than ${deploymentMax}`)
  }

  #checkFloors(): void {
    // A pod that was made twice and then once too many deleted is what nobody can rule out.
    if (this.#mayCreateTwice) return
    for (const [deployment, floor] of this.#floors) {
      const [namespace, name] = deployment.split('/')
      const uid = this.#find('apps/deployments', namespace, name ?? '')?.metadata.uid
      const sets = new Set(
        this.#all('apps/replicasets')
          .filter((set) => controllerOf(set)?.uid === uid)
          .map((set) => set.metadata.uid),
      )
      const ready = this.#pods().filter((pod) => isPodActive(pod) && isPodReady(pod) && sets.has(controllerOf(pod)?.uid)).length
      if (ready < floor) this.#fail(`${deployment} has ${ready} ready pods, fewer than ${floor}`)
    }
  }

  /** The requests of a node's pods fit into what it can give. */
  #checkRoom(nodeName: string): void {
    const node = this.#find('core/nodes', undefined, nodeName) as (KubeObject & Node) | undefined
    if (!node) return this.#fail(`a pod was bound to ${nodeName}, which is not there`)
    const here = this.#pods().filter((pod) => pod.spec?.nodeName === nodeName && !isPodTerminal(pod))
    const allocatable = node.status?.allocatable ?? {}
    for (const resource of ['cpu', 'memory']) {
      const requests = here.flatMap((pod) =>
        (pod.spec?.containers ?? []).map((c) => quantityMilli(c.resources?.requests?.[resource] ?? '0')),
      )
      const used = requests.reduce((sum, milli) => sum + milli, 0)
      if (used > quantityMilli(allocatable[resource] ?? '0')) this.#fail(`${nodeName} is over-committed in ${resource}: ${used}m`)
    }
    if (here.length > Number(allocatable.pods ?? 0)) this.#fail(`${nodeName} has ${here.length} pods`)
  }

  /** A ready endpoint is a pod that is ready, or was a moment ago. */
  #checkSlice(key: string, slice: EndpointSlice): void {
    for (const { conditions, targetRef } of slice.endpoints ?? []) {
      if (!conditions?.ready || targetRef?.kind !== 'Pod') continue
      const lastMs = this.#lastReadyMs.get(targetRef.uid ?? '') ?? 0
      if (lastMs + endpointsLagMs < this.#clock.now()) this.#fail(`${key} calls ${targetRef.name} ready, which it is not`)
    }
  }

  #pods(): (KubeObject & Pod)[] {
    return this.#all('core/pods') as (KubeObject & Pod)[]
  }

  #all(kind: string): KubeObject[] {
    const prefix = `/registry/${kind}/`
    const found: KubeObject[] = []
    for (const [key, object] of this.#live) if (key.startsWith(prefix)) found.push(object)
    return found
  }

  #find(kind: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#live.get(`/registry/${kind}/${namespace ? `${namespace}/` : ''}${name}`)
  }
}

function mostPodsOf({ spec }: Deployment): number {
  const replicas = spec?.replicas ?? 1
  const surge = spec?.strategy?.type === 'Recreate' ? 0 : (spec?.strategy?.rollingUpdate?.maxSurge ?? '25%')
  return replicas + (typeof surge === 'number' ? surge : Math.ceil((Number.parseInt(surge, 10) * replicas) / 100))
}
