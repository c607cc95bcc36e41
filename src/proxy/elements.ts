import type { EndpointAddress } from './endpoint-choice.ts'
import { type Entry, protocols, type ServicePlan } from './plan.ts'

/**
 * The rules of all services are data in flat maps and sets: a new connection costs a few hash lookups however many services
 * there are, and a change touches elements, not rules. Chains and maps exist only for each position in a list of endpoints, each
 * number of endpoints and each affinity time, and all services share them:
 *
 *   services: address . protocol . port → pick-3 → one of draw-0, draw-1, draw-2 → endpoints-1: the same key → endpoint
 *
 * Rejected: one map keyed by address . protocol . port . index, the index drawn in the lookup. nft 1.0.6 loads it once and then cannot
 * read its type back; and putting the index into the packet's mark would trample on marks of others.
 */
export const fixedSets = [
  'services',
  'outside',
  'refused',
  'outside-refused',
  'remembered',
  'masqueraded',
  'hairpins',
  'firewalled',
  'allowed',
] as const

/** One of `fixedSets`, or the map of a position: `endpoints-3`, `outside-endpoints-0`. */
export type SetName = string

/** Key → value of an element; the value is '' in a set. */
export type Elements = ReadonlyMap<SetName, ReadonlyMap<string, string>>

/** Shared maps and chains by name; a map has no rules. */
export type Shared = ReadonlyMap<string, string>

/** Pure: the elements that a service contributes, and the shared maps and chains that they need. */
export function elementsOf(plan: ServicePlan): { readonly elements: Elements; readonly shared: Shared } {
  const elements = new Map<SetName, Map<string, string>>()
  const shared = new Map<string, string>()
  const add = (set: SetName, key: string, value = '') => {
    const known = elements.get(set) ?? new Map<string, string>()
    elements.set(set, known.set(key, value))
  }
  for (const entry of plan.entries) {
    const key = keyOf(entry)
    const side = entry.scope === 'outside' ? 'outside-' : ''
    if (entry.sourceRanges) {
      add('firewalled', key)
      for (const range of entry.sourceRanges) add('allowed', `${key} . ${range}`)
    }
    const { target } = entry
    if (target.type !== 'endpoints') {
      add(`${side}refused`, key, target.type === 'drop' ? 'drop' : 'goto refuse')
      continue
    }
    const { endpoints, affinitySeconds } = target
    for (const [index, endpoint] of endpoints.entries()) {
      shared.set(`${side}endpoints-${index}`, '')
      shared.set(`${side}draw-${index}`, drawRules(side, index))
      add(`${side}endpoints-${index}`, key, endpointText(endpoint))
      add('hairpins', `${endpoint.address} . ${endpoint.address}`)
    }
    const chain = `${side}${affinitySeconds === undefined ? 'pick' : 'sticky'}-${endpoints.length}`
    shared.set(chain, pickRules(side, endpoints.length, affinitySeconds !== undefined))
    add(entry.scope === 'outside' ? 'outside' : 'services', key, `goto ${chain}`)
    if (entry.masquerade) add('masqueraded', key)
    if (affinitySeconds !== undefined) {
      shared.set(`remember-${affinitySeconds}`, rememberRules(affinitySeconds))
      add('remembered', key, `goto remember-${affinitySeconds}`)
    }
  }
  return { elements, shared }
}

export function keyOf(entry: Pick<Entry, 'address' | 'protocol' | 'port'>): string {
  return `${entry.address} . ${entry.protocol} . ${entry.port}`
}

export function endpointText({ address, port }: EndpointAddress): string {
  return `${address} . ${port}`
}

/** Whether a set of this name maps to something. */
export function isMap(set: SetName): boolean {
  return !['masqueraded', 'hairpins', 'firewalled', 'allowed'].includes(set)
}

export function isPositionMap(name: string): boolean {
  return /^(outside-)?endpoints-\d+$/.test(name)
}

const called = 'ip daddr . meta l4proto . th dport'
const withPorts = 'meta l4proto { tcp, udp, sctp }'

function drawRules(side: string, index: number): string {
  return `${withPorts} dnat ip to ${called} map @${side}endpoints-${index}`
}

/** One of `count` positions at random; a client with affinity goes where it went. */
function pickRules(side: string, count: number, isSticky: boolean): string {
  const positions = Array.from({ length: count }, (_, index) => `${index} : goto ${side}draw-${index}`)
  const pick = count === 1 ? `goto ${side}draw-0` : `numgen random mod ${count} vmap { ${positions.join(', ')} }`
  return isSticky ? `${withPorts} dnat ip to ip saddr . ${called} map @affinity\n    ${pick}` : pick
}

/** After the draw: notes which endpoint it was, for as long as no new connection comes for `seconds`. */
function rememberRules(seconds: number): string {
  const key = 'ct original ip saddr . ct original ip daddr . meta l4proto . ct original proto-dst'
  return protocols
    .map((protocol) => `meta l4proto ${protocol} update @affinity { ${key} timeout ${seconds}s : ip daddr . ${protocol} dport }`)
    .join('\n    ')
}
