import { amountText } from '../../kinds/amount-text.ts'
import { type HostPort, hostPortsCollide, hostPortsOf } from '../../kinds/host-ports.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Offer } from '../../kinds/keelson/offer.ts'
import { podRequests, type ResourceAmounts, resourceAmounts } from '../../kinds/pod-requests.ts'
import { disksConflict, type ExclusiveDisk, exclusiveDisksOf } from '../../kinds/storage/exclusive-disks.ts'
import { claimKeysOf } from '../../kinds/storage/volume-binding.ts'

/** What one object takes of a node, in base units; `amounts.pods` counts places for pods. */
export type Take = {
  readonly node: string
  readonly amounts: ResourceAmounts
  readonly ports: readonly HostPort[]
  readonly disks: readonly ExclusiveDisk[]
  /** `namespace/name` of the volume claims that it uses. */
  readonly claims: readonly string[]
}

/** One thing that a node lacks for somebody, in numbers. */
export type Lack = { readonly resource: string; readonly message: string }

const none: readonly never[] = []

/** What the pod takes of the node, whether it is there yet or not. */
export function takeOfPod(pod: Pod, node: string): Take {
  const amounts = { ...podRequests(pod, { useStatus: true }), pods: 1 }
  return { node, amounts, ports: hostPortsOf(pod.spec), disks: exclusiveDisksOf(pod), claims: claimKeysOf(pod) }
}

/** What an open offer keeps of its node. */
export function takeOfOffer({ spec }: Offer): Take {
  return { node: spec.nodeName, amounts: resourceAmounts(spec.resources), ports: none, disks: none, claims: none }
}

type NodeTotals = { readonly amounts: ResourceAmounts; readonly takes: Map<string, Take> }

/**
 * What is taken of every node, by the key of who takes it. Pure: it is told.
 *
 * 1. The totals of a node always equal the sum over its takes.
 * 2. A key takes of one node at most; setting it again replaces what it took.
 */
export class NodeUsage {
  readonly #takes = new Map<string, Take>()
  readonly #nodes = new Map<string, NodeTotals>()
  readonly #usersOfClaim = new Map<string, Set<string>>()

  set(key: string, take: Take | undefined): void {
    const before = this.#takes.get(key)
    if (before) this.#remove(key, before)
    if (!take) return
    this.#takes.set(key, take)
    let node = this.#nodes.get(take.node)
    if (!node) this.#nodes.set(take.node, (node = { amounts: {}, takes: new Map() }))
    node.takes.set(key, take)
    for (const name in take.amounts) node.amounts[name] = (node.amounts[name] ?? 0) + take.amounts[name]!
    for (const claim of take.claims) {
      const users = this.#usersOfClaim.get(claim)
      if (users) users.add(key)
      else this.#usersOfClaim.set(claim, new Set([key]))
    }
  }

  clear(): void {
    this.#takes.clear()
    this.#nodes.clear()
    this.#usersOfClaim.clear()
  }

  takesOf(keys: Iterable<string>): readonly (readonly [string, Take | undefined])[] {
    return [...keys].map((key) => [key, this.#takes.get(key)] as const)
  }

  /** Everything of a node that is taken, in base units. Shared: never change it. */
  amountsOf(node: string): ResourceAmounts {
    return this.#nodes.get(node)?.amounts ?? {}
  }

  /** Keys of the others that use a volume claim. */
  otherUsersOf(claim: string, key: string): readonly string[] {
    const users = this.#usersOfClaim.get(claim)
    return users ? [...users].filter((user) => user !== key) : none
  }

  /**
   * What of `take` the node cannot give beside all that others take; what `key` and `instead` take there now does not count.
   * Empty: it fits.
   */
  lacks(key: string, take: Take, { allocatable, instead }: { readonly allocatable: ResourceAmounts; readonly instead?: string }): Lack[] {
    const node = this.#nodes.get(take.node)
    const given = [key, instead].flatMap((k) => (k === undefined ? none : (node?.takes.get(k) ?? none)))
    const lacks: Lack[] = []
    for (const resource in take.amounts) {
      const requested = take.amounts[resource]!
      const used = given.reduce((sum, own) => sum - (own.amounts[resource] ?? 0), node?.amounts[resource] ?? 0)
      const total = allocatable[resource] ?? 0
      if (requested === 0 || requested <= total - used) continue
      const text = (amount: number) => amountText(resource, amount)
      const free = Math.max(0, total - used)
      lacks.push({ resource, message: `${resource}: ${text(requested)} requested, ${text(free)} of ${text(total)} free` })
    }
    if (!node || (take.ports.length === 0 && take.disks.length === 0)) return lacks
    for (const [other, taken] of node.takes) {
      if (other === key || other === instead) continue
      const port = take.ports.find((p) => taken.ports.some((o) => hostPortsCollide(o, p)))
      if (port) lacks.push({ resource: 'ports', message: `host port ${port.ip}:${port.port}/${port.protocol} is taken` })
      if (take.disks.some((disk) => taken.disks.some((o) => disksConflict(disk, o))))
        lacks.push({ resource: 'volumes', message: 'a pod there uses the same disk' })
    }
    return lacks
  }

  #remove(key: string, { node: name, amounts, claims }: Take): void {
    this.#takes.delete(key)
    const node = this.#nodes.get(name)!
    node.takes.delete(key)
    if (node.takes.size === 0) this.#nodes.delete(name)
    else for (const resource in amounts) node.amounts[resource]! -= amounts[resource]!
    for (const claim of claims) {
      const users = this.#usersOfClaim.get(claim)
      users?.delete(key)
      if (users?.size === 0) this.#usersOfClaim.delete(claim)
    }
  }
}
