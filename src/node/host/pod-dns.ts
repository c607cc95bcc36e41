import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { SandboxSpec } from '../runtime/contract.ts'

export type Dns = SandboxSpec['dns']
export type ClusterDns = { readonly servers: readonly string[]; readonly domain: string }

const searchesMax = 32
const serversMax = 3

/** Name resolution by dnsPolicy and dnsConfig. https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/ Pure. */
export function podDns(pod: Pod, cluster: ClusterDns, host: Dns): Dns {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork } = pod.spec ?? { containers: [] }
  const isCluster = (dnsPolicy === 'ClusterFirst' && !hostNetwork) || dnsPolicy === 'ClusterFirstWithHostNet'
  const base = dnsPolicy === 'None' ? nothing : isCluster && cluster.servers.length > 0 ? clusterDns(pod, cluster, host) : host
  if (!dnsConfig) return base
  const searches = unique([...base.searches, ...(dnsConfig.searches ?? [])])
  const options = mergeOptions(base.options, dnsConfig.options ?? [])
  return {
    servers: unique([...base.servers, ...(dnsConfig.nameservers ?? [])]).slice(0, serversMax),
    searches: searches.slice(0, searchesMax),
    options,
  }
}

const nothing: Dns = { servers: [], searches: [], options: [] }

function clusterDns(pod: Pod, { servers, domain }: ClusterDns, host: Dns): Dns {
  const own = domain ? [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain] : []
  return { servers, searches: unique([...own, ...host.searches]).slice(0, searchesMax), options: ['ndots:5'] }
}

/** The pod's own options replace those of the same name. */
function mergeOptions(base: readonly string[], own: readonly { readonly name?: string; readonly value?: string }[]): string[] {
  const merged = new Map(base.map((option) => [option.split(':')[0]!, option]))
  for (const { name = '', value } of own) merged.set(name, value === undefined || value === '' ? name : `${name}:${value}`)
  return [...merged.values()]
}

/** The machine's own resolver settings, from the text of /etc/resolv.conf. Pure. */
export function parseResolvConf(text: string): Dns {
  const servers: string[] = []
  let searches: string[] = []
  let options: string[] = []
  for (const line of text.split('\n')) {
    const [key, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (key === 'nameserver' && values[0]) servers.push(values[0])
    else if (key === 'search') searches = values.filter((s) => s !== '.')
    else if (key === 'options') options = values
  }
  return { servers, searches, options }
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)]
}
