import { type EndpointAddress } from './endpoint-choice.ts'
import { endpointText, keyOf } from './elements.ts'
import type { Entry, ServicePlan } from './plan.ts'

/**
 * UDP has no connection, so the kernel keeps sending a client's datagrams where the first went: these entries are forgotten
 * when that endpoint has left, and, when the first endpoint comes, those that were made while there was none.
 * Each is an argument list of `conntrack`. TCP needs none: its peers end connections themselves.
 */
export function staleConnections(before: ServicePlan | undefined, after: ServicePlan | undefined): string[][] {
  const commands: string[][] = []
  const next = byKey(after)
  for (const [key, entry] of byKey(before)) {
    const remaining = new Set(endpointsOf(next.get(key)).map(endpointText))
    for (const endpoint of endpointsOf(entry)) {
      if (!remaining.has(endpointText(endpoint))) commands.push([...flow(entry), '--dst-nat', `${endpoint.address}`])
    }
    if (endpointsOf(entry).length === 0 && remaining.size > 0) commands.push(flow(entry))
  }
  return commands
}

/** One remembered client, as `nft --json list map` gives it. */
export type AffinityElement = { readonly client: string; readonly key: string; readonly endpoint: string }

/** Clients whose endpoint has left: without this they would be sent to it until the affinity times out. */
export function staleAffinity(remembered: readonly AffinityElement[], plans: Iterable<ServicePlan>): AffinityElement[] {
  const live = new Map<string, Set<string>>()
  for (const plan of plans) {
    for (const entry of plan.entries) {
      const endpoints = live.get(keyOf(entry)) ?? new Set<string>()
      for (const endpoint of endpointsOf(entry)) endpoints.add(endpointText(endpoint))
      live.set(keyOf(entry), endpoints)
    }
  }
  return remembered.filter(({ key, endpoint }) => !live.get(key)?.has(endpoint))
}

/** Whether a sticky entry lost an endpoint: only then can an affinity be stale. */
export function losesStickyEndpoint(before: ServicePlan | undefined, after: ServicePlan | undefined): boolean {
  const next = byKeyAndScope(after)
  return (before?.entries ?? []).some((entry) => {
    if (entry.target.type !== 'endpoints' || entry.target.affinitySeconds === undefined) return false
    const remaining = new Set(endpointsOf(next.get(`${keyOf(entry)} ${entry.scope}`)).map(endpointText))
    return entry.target.endpoints.some((endpoint) => !remaining.has(endpointText(endpoint)))
  })
}

function byKey(plan: ServicePlan | undefined): Map<string, Entry> {
  return new Map(
    (plan?.entries ?? []).filter((entry) => entry.protocol === 'udp').map((entry) => [`${keyOf(entry)} ${entry.scope}`, entry]),
  )
}

function byKeyAndScope(plan: ServicePlan | undefined): Map<string, Entry> {
  return new Map((plan?.entries ?? []).map((entry) => [`${keyOf(entry)} ${entry.scope}`, entry]))
}

function endpointsOf(entry: Entry | undefined): readonly EndpointAddress[] {
  return entry?.target.type === 'endpoints' ? entry.target.endpoints : []
}

function flow(entry: Entry): string[] {
  return ['-D', '-p', entry.protocol, '--orig-dst', entry.address, '--orig-port-dst', String(entry.port)]
}
