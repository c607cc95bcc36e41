import { nodes } from '../../kinds/core/node.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Core } from '../core.ts'
import type { DialTarget } from '../reach/node-dialer.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { flag, type Query } from '../http/request-info.ts'

const agentPort = 10_250
const addressPreference = ['InternalIP', 'Hostname', 'InternalDNS', 'ExternalIP', 'ExternalDNS'] as const

/** Where the agent of a node listens. Throws 404 for an unknown node, 503 for one without an address. */
export function nodeTarget(core: Pick<Core, 'registry' | 'storage'>, nodeName: string): DialTarget {
  const node = createObjectReader(core.registry, core.storage).get(nodes, '', nodeName) as (KubeObject & Node) | undefined
  if (!node) throw statusErrors.notFound({ group: '', resource: 'nodes' }, nodeName)
  const addresses = node.status?.addresses ?? []
  const host = addressPreference.map((type) => addresses.find((a) => a.type === type)?.address).find((address) => address !== undefined)
  if (host === undefined) throw statusErrors.serviceUnavailable(`no preferred addresses found; known addresses: []`)
  return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? agentPort, isSecure: true, isNode: true }
}

/** The container that a request means. Throws 400 when it names none of several, or one that is not there. */
export function containerOf(pod: KubeObject & Pod, wanted: string | undefined): string {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {}
  const name = pod.metadata.name ?? ''
  if (wanted) {
    if ([...containers, ...initContainers, ...ephemeralContainers].some((c) => c.name === wanted)) return wanted
    throw statusErrors.badRequest(`container ${wanted} is not valid for pod ${name}`)
  }
  if (containers.length === 1) return containers[0]!.name
  const choice = [...initContainers, ...containers, ...ephemeralContainers].map((c) => c.name).join(' ')
  throw statusErrors.badRequest(`a container name must be specified for pod ${name}, choose one of: [${choice}]`)
}

/** The node of a pod. Throws 400 while it has none. */
export function nodeOf(pod: KubeObject & Pod): string {
  if (pod.spec?.nodeName) return pod.spec.nodeName
  throw statusErrors.badRequest(`pod ${pod.metadata.name ?? ''} does not have a host assigned`)
}

/** The agent's path for a stream into a container or pod: the same names as upstream's node API has. */
export function streamPath(kind: 'exec' | 'attach' | 'portforward', pod: KubeObject & Pod, query: Query): string {
  const { namespace = '', name = '' } = pod.metadata
  const parameters = new URLSearchParams()
  if (kind === 'portforward') {
    for (const port of query.getAll('ports')) parameters.append('port', port)
    return withQuery(`/portForward/${namespace}/${name}`, parameters)
  }
  for (const command of kind === 'exec' ? query.getAll('command') : []) parameters.append('command', command)
  for (const [theirs, ours] of streamFlags) if (flag(query, theirs)) parameters.append(ours, '1')
  return withQuery(`/${kind}/${namespace}/${name}/${containerOf(pod, query.get('container'))}`, parameters)
}

const streamFlags = [
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
  ['tty', 'tty'],
] as const

function withQuery(path: string, parameters: URLSearchParams): string {
  const text = parameters.toString()
  return text === '' ? path : `${path}?${text}`
}
