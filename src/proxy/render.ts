import { type Elements, fixedSets, isMap, isPositionMap, type SetName, type Shared } from './elements.ts'
import { type ProxyFacts, protocols } from './plan.ts'

/** Name of the table in each network namespace; everything of the service network is in it. */
export const tableName = 'keelson'
/** Elements in one command: nft's parser slows down with very long lines. */
const elementsPerCommandMax = 1000
/** Clients with affinity that are remembered at once; one that finds no room is spread at random. */
const affineClientsMax = 262_144

/** All that is in the table besides what is always there. */
export type TableState = { readonly elements: Elements; readonly shared: Shared }

export const emptyState: TableState = { elements: new Map(), shared: new Map() }

/** What the kernel's table holds by name, of whatever life of this agent. */
export type PresentTable = { readonly chains: readonly string[]; readonly maps: readonly string[] }

/**
 * A transaction that makes the table hold exactly `state`, whatever of it is there. The affinity of clients stays, and no
 * packet sees a moment without rules.
 */
export function renderWhole(state: TableState, facts: ProxyFacts, present: PresentTable): string {
  const chains = present.chains.filter((name) => !fixedChains.includes(name))
  const maps = present.maps.filter((name) => isPositionMap(name))
  return [
    baseTable(facts),
    ...fixedSets.map((name) => `flush ${isMap(name) ? 'map' : 'set'} ip ${tableName} ${name}`),
    ...deletions([...chains, ...maps]),
    renderChange(emptyState, state),
  ].join('\n')
}

/** A transaction that turns one state into the next; empty when nothing differs. */
export function renderChange(from: TableState, to: TableState): string {
  const added = [...to.shared].filter(([name]) => !from.shared.has(name)).sort(([a], [b]) => rank(a) - rank(b))
  const removed = [...from.shared.keys()].filter((name) => !to.shared.has(name))
  const commands = [
    ...added.map(([name, rules]) => declaration(name, rules)),
    ...elementCommands('delete', from.elements, to.elements),
    ...elementCommands('add', to.elements, from.elements),
    ...deletions(removed),
  ]
  return commands.length === 0 ? '' : `${commands.join('\n')}\n`
}

export function renderRemoval(): string {
  return `table ip ${tableName}\ndelete table ip ${tableName}\n`
}

/** What others refer to comes first: maps, then the chains that read them, then the chains that lead there. */
function rank(name: string): number {
  return isPositionMap(name) ? 0 : /^(outside-)?draw-/.test(name) ? 1 : 2
}

function declaration(name: string, rules: string): string {
  const body = isPositionMap(name)
    ? `map ${name} {\n    type ${calledType} : ipv4_addr . inet_service\n  }`
    : `chain ${name} {\n    ${rules}\n  }`
  return `table ip ${tableName} {\n  ${body}\n}`
}

function deletions(names: readonly string[]): string[] {
  const maps = names.filter(isPositionMap)
  const chains = names.filter((name) => !isPositionMap(name))
  return [
    ...chains.map((name) => `flush chain ip ${tableName} ${name}`),
    ...chains.map((name) => `delete chain ip ${tableName} ${name}`),
    ...maps.map((name) => `delete map ip ${tableName} ${name}`),
  ]
}

/** Elements of `of` that `other` lacks or has otherwise; a changed value is so a delete and an add. Those of a map that goes as a whole, too. */
function elementCommands(verb: 'add' | 'delete', of: Elements, other: Elements): string[] {
  const commands: string[] = []
  for (const [set, entries] of [...of].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const differing = [...entries].filter(([key, value]) => other.get(set)?.get(key) !== value)
    const texts = differing.map(([key, value]) => elementText(set, key, value))
    for (let start = 0; start < texts.length; start += elementsPerCommandMax) {
      const part = texts.slice(start, start + elementsPerCommandMax)
      commands.push(`${verb} element ip ${tableName} ${set} { ${part.join(', ')} }`)
    }
  }
  return commands
}

function elementText(set: SetName, key: string, value: string): string {
  return isMap(set) ? `${key} : ${value}` : key
}

const called = 'ip daddr . meta l4proto . th dport'
const calledType = 'ipv4_addr . inet_proto . inet_service'

const fixedChains: readonly string[] = [
  'refuse',
  'firewall',
  'refuse-early',
  'refuse-early-output',
  'prerouting',
  'output',
  'remember',
  'remember-output',
  'leftover',
  'postrouting',
]

/** The table without elements. Applying it again changes nothing but the rules of the fixed chains, which are flushed first. */
function baseTable(facts: ProxyFacts): string {
  const flushes = fixedChains.map((name) => `flush chain ip ${tableName} ${name}`).join('\n')
  return `table ip ${tableName} {
  map services { type ${calledType} : verdict; }
  map outside { type ${calledType} : verdict; }
  map refused { type ${calledType} : verdict; }
  map outside-refused { type ${calledType} : verdict; }
  map remembered { type ${calledType} : verdict; }
  set masqueraded { type ${calledType}; }
  set hairpins { type ipv4_addr . ipv4_addr; }
  set firewalled { type ${calledType}; }
  set allowed { type ${calledType} . ipv4_addr; flags interval; }
  map affinity {
    type ipv4_addr . ${calledType} : ipv4_addr . inet_service
    flags dynamic,timeout
    size ${affineClientsMax}
  }
  ${hook('firewall', 'filter', 'prerouting', -120)}
  ${hook('refuse-early', 'filter', 'prerouting', -110)}
  ${hook('refuse-early-output', 'filter', 'output', -110)}
  ${hook('prerouting', 'nat', 'prerouting', -100)}
  ${hook('output', 'nat', 'output', -100)}
  ${hook('remember', 'filter', 'prerouting', -90)}
  ${hook('remember-output', 'filter', 'output', -90)}
  ${hook('leftover', 'filter', 'input', 0)}
  ${hook('postrouting', 'nat', 'postrouting', 95)}
  chain refuse { }
}
${flushes}
${fixedRules(facts)}`
}

function fixedRules(facts: ProxyFacts): string {
  const outside = `ip saddr != ${facts.clusterCidr}`
  const others = facts.localServiceAddresses.length > 0 ? `ip daddr != { ${facts.localServiceAddresses.join(', ')} } ` : ''
  const remember = perProtocol('ct state new ct status dnat', 'vmap @remembered')
  return `table ip ${tableName} {
  chain refuse {
    reject
  }
  chain firewall {
    iifname != "lo" ip daddr 127.0.0.0/8 drop
    ct state new ${called} @firewalled ${called} . ip saddr != @allowed drop
  }
  chain refuse-early {
    ct state new ${outside} ${called} vmap @outside-refused
    ct state new ${called} vmap @refused
  }
  chain refuse-early-output {
    ct state new ${called} vmap @refused
  }
  chain prerouting {
    ${outside} ${called} vmap @outside
    ${called} vmap @services
  }
  chain output {
    ${called} vmap @services
  }
  chain remember {
    ${remember}
  }
  chain remember-output {
    ${remember}
  }
  chain leftover {
    ${facts.serviceCidrs.map((cidr) => `ip daddr ${cidr} ${others}reject`).join('\n    ')}
  }
  chain postrouting {
    ct status dnat ip saddr . ip daddr @hairpins masquerade
    ct status dnat ip saddr 127.0.0.0/8 masquerade
    ${perProtocol('ct status dnat', '@masqueraded masquerade')}
    ${facts.serviceCidrs.map((cidr) => `ct status dnat ct original ip daddr ${cidr} ip saddr != ${facts.clusterCidr} fib saddr type != local masquerade`).join('\n    ')}
  }
}
`
}

/** By the address that the client called, before it was rewritten: its port has a type only where the protocol is known. */
function perProtocol(before: string, after: string): string {
  return protocols
    .map((protocol) => `meta l4proto ${protocol} ${before} ct original ip daddr . meta l4proto . ct original proto-dst ${after}`)
    .join('\n    ')
}

/** `priority`: destinations are rewritten at -100, sources at 100; as numbers, because the names are not known in every hook. */
function hook(name: string, type: 'filter' | 'nat', at: string, priority: number): string {
  return `chain ${name} { type ${type} hook ${at} priority ${priority}; policy accept; }`
}
