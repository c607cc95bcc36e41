/**
 * Which framework is offered which room: weighted dominant resource fairness (Ghodsi et al., NSDI 2011; docs/formulas.md). Pure.
 *
 * `s_i = max over resources r of ( u_i,r / (w_i · C_r) )`: u what the framework has and is offered, C what all open nodes have together.
 * Node by node the room goes to the framework with the least share that may have it.
 *
 * 1. What is offered on a node is never more than what its pods and its open offers leave.
 * 2. A framework has at most one offer of a node, open or declined: a declined one is its filter.
 * 3. A plan carried out leaves nothing to do: at the same time the next one is empty.
 */
import type { ResourceAmounts } from '../../kinds/pod-requests.ts'

export type FrameworkView = {
  /** `namespace/name`. */
  readonly key: string
  readonly weight: number
  /** Its lease is renewed in time. */
  readonly isActive: boolean
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly minResources: ResourceAmounts
  readonly maxResources: ResourceAmounts | undefined
  readonly offersMax: number
  readonly offerTimeoutMs: number
  /** What its pods on nodes have. */
  readonly allocated: ResourceAmounts
}

export type OfferView = {
  /** `namespace/name`. */
  readonly key: string
  readonly framework: string
  readonly node: string
  readonly resources: ResourceAmounts
  readonly isOpen: boolean
  /** When it expires; of a declined one when the filter ends. */
  readonly untilMs: number
}

export type NodeView = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Ready, not cordoned, without taints that keep pods off. */
  readonly isOpen: boolean
  readonly allocatable: ResourceAmounts
  /** What the pods there ask for, `pods` their number. */
  readonly used: ResourceAmounts
}

export type OfferAction =
  | {
      readonly type: 'Offer'
      readonly framework: string
      readonly node: string
      readonly resources: ResourceAmounts
      readonly untilMs: number
    }
  /** It lets the time pass: it is taken to have declined. */
  | { readonly type: 'TimeOut'; readonly offer: string; readonly untilMs: number }
  | { readonly type: 'Withdraw'; readonly offer: string; readonly why: 'framework' | 'node' | 'room' | 'filter' }

export type Share = {
  readonly dominantShare: number
  readonly dominantResource: string | undefined
  readonly allocated: ResourceAmounts
  readonly offered: ResourceAmounts
  readonly offers: number
}

export type OfferPlan = {
  readonly actions: readonly OfferAction[]
  /** By framework, after the actions. */
  readonly shares: ReadonlyMap<string, Share>
  /** When something will be due; undefined: nothing is. */
  readonly nextMs: number | undefined
}

/** Offers made in one plan; the rest comes with the next. */
const offersAtOnceMax = 500

/** `max_r u_r / (w · C_r)` over what the cluster has; places for pods do not count. */
export function dominantShare(
  used: ResourceAmounts,
  total: ResourceAmounts,
  weight: number,
): { readonly share: number; readonly resource: string | undefined } {
  let share = 0
  let resource: string | undefined
  for (const name in used) {
    const capacity = total[name] ?? 0
    if (name === 'pods' || capacity <= 0) continue
    const own = used[name]! / (weight * capacity)
    if (own > share) [share, resource] = [own, name]
  }
  return { share, resource }
}

export function planOffers(input: {
  readonly nowMs: number
  readonly frameworks: readonly FrameworkView[]
  readonly offers: readonly OfferView[]
  readonly nodes: readonly NodeView[]
}): OfferPlan {
  const { nowMs } = input
  const actions: OfferAction[] = []
  const nodes = new Map(input.nodes.map((node) => [node.name, node]))
  const claimants = new Map(input.frameworks.map((framework) => [framework.key, newClaimant(framework)]))
  const open = new Map<string, OfferView[]>()
  let nextMs = Number.POSITIVE_INFINITY
  for (const offer of byKey(input.offers)) {
    const claimant = claimants.get(offer.framework)
    const fate = fateOf(offer, claimant?.framework, nodes.get(offer.node), nowMs)
    if (fate) actions.push(fate)
    if (fate?.type === 'Withdraw') continue
    claimant!.nodes.add(offer.node)
    nextMs = Math.min(nextMs, fate?.type === 'TimeOut' ? fate.untilMs : offer.untilMs)
    if (!offer.isOpen || fate) continue
    open.set(offer.node, [...(open.get(offer.node) ?? []), offer])
  }
  const free = new Map<string, ResourceAmounts>()
  for (const node of input.nodes) {
    if (!node.isOpen) continue
    const { room, kept, withdrawn } = roomOf(node, open.get(node.name) ?? [])
    for (const offer of withdrawn) {
      actions.push({ type: 'Withdraw', offer: offer.key, why: 'room' })
      claimants.get(offer.framework)!.nodes.delete(node.name)
    }
    for (const offer of kept) take(claimants.get(offer.framework)!, offer.resources)
    free.set(node.name, room)
  }
  const total = sumOf(input.nodes.filter((node) => node.isOpen).map((node) => node.allocatable))
  for (const action of makeOffers({ nowMs, nodes: input.nodes, free, total, claimants: [...claimants.values()] })) {
    actions.push(action)
    nextMs = Math.min(nextMs, action.untilMs)
  }
  const shares = new Map([...claimants].map(([key, claimant]) => [key, shareOf(claimant, total)]))
  return { actions, shares, nextMs: Number.isFinite(nextMs) ? nextMs : undefined }
}

type Claimant = {
  readonly framework: FrameworkView
  /** Nodes of which it has an offer or wants none. */
  readonly nodes: Set<string>
  readonly offered: ResourceAmounts
  offers: number
}

const newClaimant = (framework: FrameworkView): Claimant => ({ framework, nodes: new Set(), offered: {}, offers: 0 })

const byKey = <T extends { readonly key: string }>(list: readonly T[]) => [...list].sort((a, b) => (a.key < b.key ? -1 : 1))

function fateOf(
  offer: OfferView,
  framework: FrameworkView | undefined,
  node: NodeView | undefined,
  nowMs: number,
): Exclude<OfferAction, { type: 'Offer' }> | undefined {
  const withdraw = (why: 'framework' | 'node' | 'filter') => ({ type: 'Withdraw', offer: offer.key, why }) as const
  if (!framework?.isActive) return withdraw('framework')
  if (!node) return withdraw('node')
  if (!offer.isOpen) return offer.untilMs <= nowMs ? withdraw('filter') : undefined
  if (!node.isOpen || !isWanted(framework, node)) return withdraw('node')
  return offer.untilMs <= nowMs ? { type: 'TimeOut', offer: offer.key, untilMs: nowMs + framework.offerTimeoutMs } : undefined
}

const isWanted = ({ nodeSelector }: FrameworkView, { labels }: NodeView) =>
  Object.entries(nodeSelector).every(([name, value]) => labels[name] === value)

/** What a node has left beside pods and offers. Where that is less than nothing, offers go, the newest by name first. */
function roomOf(node: NodeView, offers: readonly OfferView[]) {
  const room: ResourceAmounts = { ...node.allocatable }
  subtract(room, node.used)
  const kept: OfferView[] = []
  const withdrawn: OfferView[] = []
  for (const offer of offers) {
    if (fits(offer.resources, room)) {
      subtract(room, offer.resources)
      kept.push(offer)
    } else withdrawn.push(offer)
  }
  return { room, kept, withdrawn }
}

function* makeOffers(input: {
  readonly nowMs: number
  readonly nodes: readonly NodeView[]
  readonly free: ReadonlyMap<string, ResourceAmounts>
  readonly total: ResourceAmounts
  readonly claimants: readonly Claimant[]
}): Generator<Extract<OfferAction, { type: 'Offer' }>> {
  const { nowMs, nodes, free, total, claimants } = input
  const active = claimants.filter(({ framework }) => framework.isActive)
  let count = 0
  if (active.length === 0) return
  for (const node of [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const room = free.get(node.name)
    if (!room) continue
    for (;;) {
      const best = leastShare(
        active.filter((claimant) => mayHave(claimant, node, room)),
        total,
      )
      if (!best || count >= offersAtOnceMax) break
      const { framework } = best
      const resources = sliceOf(room, framework.maxResources)
      subtract(room, resources)
      take(best, resources)
      best.nodes.add(node.name)
      count++
      yield { type: 'Offer', framework: framework.key, node: node.name, resources, untilMs: nowMs + framework.offerTimeoutMs }
    }
  }
}

function mayHave({ framework, nodes, offers }: Claimant, node: NodeView, room: ResourceAmounts): boolean {
  if (offers >= framework.offersMax || nodes.has(node.name) || !isWanted(framework, node) || (room.pods ?? 0) < 1) return false
  return fits(framework.minResources, sliceOf(room, framework.maxResources))
}

function leastShare(claimants: readonly Claimant[], total: ResourceAmounts): Claimant | undefined {
  let best: Claimant | undefined
  let least = Number.POSITIVE_INFINITY
  for (const claimant of claimants) {
    const { dominantShare: share } = shareOf(claimant, total)
    if (share < least || (share === least && claimant.framework.key < best!.framework.key)) [best, least] = [claimant, share]
  }
  return best
}

function shareOf({ framework, offered, offers }: Claimant, total: ResourceAmounts): Share {
  const { allocated, weight } = framework
  const { share, resource } = dominantShare(sumOf([allocated, offered]), total, weight)
  return { dominantShare: share, dominantResource: resource, allocated, offered, offers }
}

/** At most `max` of each resource that it names, and of the others in the largest proportion that this is of the room. */
function sliceOf(room: ResourceAmounts, max: ResourceAmounts | undefined): ResourceAmounts {
  let part = max === undefined ? 1 : 0
  for (const name in max) if ((room[name] ?? 0) > 0) part = Math.max(part, Math.min(1, max[name]! / room[name]!))
  const slice: ResourceAmounts = {}
  for (const name in room) {
    const share = Math.floor(room[name]! * part)
    const amount = max?.[name] === undefined ? (name === 'pods' ? Math.max(1, share) : share) : Math.min(room[name]!, max[name]!)
    if (amount > 0) slice[name] = amount
  }
  return slice
}

function take(claimant: Claimant, resources: ResourceAmounts): void {
  claimant.offers++
  for (const name in resources) claimant.offered[name] = (claimant.offered[name] ?? 0) + resources[name]!
}

function sumOf(lists: readonly ResourceAmounts[]): ResourceAmounts {
  const sum: ResourceAmounts = {}
  for (const list of lists) for (const name in list) sum[name] = (sum[name] ?? 0) + list[name]!
  return sum
}

function subtract(from: ResourceAmounts, amounts: ResourceAmounts): void {
  for (const name in amounts) from[name] = (from[name] ?? 0) - amounts[name]!
}

function fits(wanted: ResourceAmounts, room: ResourceAmounts): boolean {
  for (const name in wanted) if (wanted[name]! > (room[name] ?? 0)) return false
  return true
}
