/**
 * Topology Aware Routing (https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/): every zone is given endpoints
 * by its share of the cluster's CPU, its own first, so that traffic stays where it began and none is overloaded. Pure.
 */
import type { Node, Service } from '../../kinds/generated/types/core-v1.ts'
import type { Endpoint } from '../../kinds/generated/types/discovery-v1.ts'
import { isNodeReady } from '../../kinds/node-status.ts'
import { quantityMilli } from '../../machinery/quantity.ts'
import { zoneLabel } from './zone-label.ts'

const modeAnnotations = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints']
const controlPlaneLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']
/** A zone may be asked for a fifth more than its share. */
const overload = 0.2

export function wantsTopologyHints({ metadata }: Service): boolean {
  const value = modeAnnotations.map((name) => metadata.annotations?.[name]).find((text) => text !== undefined)
  return value === 'Auto' || value === 'auto'
}

/** The share of each zone in the CPU of the ready nodes that run workloads; or why none can be told. */
export function zoneShares(nodes: readonly Node[]): ReadonlyMap<string, number> | string {
  const milliByZone = new Map<string, number>()
  let total = 0
  for (const node of nodes) {
    if (controlPlaneLabels.some((label) => node.metadata.labels?.[label] !== undefined) || !isNodeReady(node)) continue
    const zone = node.metadata.labels?.[zoneLabel]
    const milli = quantityMilli(node.status?.allocatable?.cpu ?? 0)
    if (!zone || milli === 0) return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
    milliByZone.set(zone, (milliByZone.get(zone) ?? 0) + milli)
    total += milli
  }
  if (milliByZone.size < 2) return 'Nodes only ready in one zone'
  return new Map([...milliByZone].map(([zone, milli]) => [zone, milli / total]))
}

/** The zone that each ready endpoint is meant for; or why none is given one. */
export function assignZones(endpoints: readonly Endpoint[], shares: ReadonlyMap<string, number>): ReadonlyMap<Endpoint, string> | string {
  const ready = endpoints.filter((endpoint) => endpoint.conditions?.ready).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  if (ready.length < shares.size)
    return `Insufficient number of endpoints (${ready.length}), impossible to safely allocate proportionally among ${shares.size} zones`
  const least = [...shares].map(([zone, share]) => ({ zone, least: Math.ceil((share * ready.length) / (1 + overload)), share }))
  if (least.reduce((sum, one) => sum + one.least, 0) > ready.length)
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (${ready.length} endpoints, ${shares.size} zones)`
  if (ready.some(({ zone }) => !zone)) return 'One or more endpoints do not have a zone specified'
  const byZone = new Map<string, Endpoint[]>(least.map(({ zone }) => [zone, []]))
  for (const endpoint of ready) byZone.set(endpoint.zone!, [...(byZone.get(endpoint.zone!) ?? []), endpoint])
  const wanted = new Map(least.map((one) => [one.zone, Math.max(one.share * ready.length, one.least)]))
  share(byZone, wanted)
  return new Map([...byZone].flatMap(([zone, own]) => own.map((endpoint) => [endpoint, zone] as const)))
}

/** Moves endpoints, one at a time, from the zone with most above its share to the one with most below, until nothing whole is left to move. */
function share(byZone: Map<string, Endpoint[]>, wanted: ReadonlyMap<string, number>): void {
  for (;;) {
    const surplus = [...byZone]
      .map(([zone, own]) => ({ zone, own, above: own.length - (wanted.get(zone) ?? 0) }))
      .sort((a, b) => b.above - a.above)
    const giver = surplus[0]
    const taker = surplus.at(-1)
    if (!giver || !taker || giver.above <= 0 || taker.above >= 0 || Math.max(giver.above, -taker.above) < 1) return
    taker.own.push(giver.own.pop()!)
  }
}

const nameOf = ({ addresses, targetRef }: Endpoint) => `${targetRef?.name ?? ''} ${addresses[0]}`
