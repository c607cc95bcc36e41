import type { Service, ServicePort, ServiceSpec } from '../generated/types/core-v1.ts'
import { sameList } from './service-families.ts'

/**
 * What an update of a Service may leave out because the platform gave it: cluster addresses, node ports, the health check
 * port. And what must go when the type no longer has it. Source:
 * https://kubernetes.io/docs/concepts/services-networking/service/
 */

/** Keeps `clusterIP` and the first of `clusterIPs` the same, where the client set the older field alone. */
export function normalizeClusterIps({ spec }: Service, old: Service | undefined): void {
  if (!spec) return
  if (!old) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
    return
  }
  const before = old.spec ?? {}
  const hasSameAddress = (spec.clusterIP ?? '') === (before.clusterIP ?? '')
  if (before.clusterIPs?.length && !spec.clusterIPs?.length && hasSameAddress) spec.clusterIPs = [...before.clusterIPs]
  // Old clients know clusterIP only: what they change there counts when they left the list as it was.
  if (hasSameAddress || !sameList(spec.clusterIPs, before.clusterIPs)) return
  if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP]
  else delete spec.clusterIPs
}

/** Copies allocated values that the client left empty, as far as the new type still has them. */
export function keepAllocatedValues({ spec }: Service, { spec: before }: Service): void {
  if (!spec || !before) return
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP
    if (!spec.clusterIPs?.length && before.clusterIPs?.length) spec.clusterIPs = [...before.clusterIPs]
  }
  if (allocatesNodePorts(before) && allocatesNodePorts(spec)) keepNodePorts(spec.ports ?? [], before.ports ?? [])
  if (needsHealthCheckPort(before) && needsHealthCheckPort(spec) && before.healthCheckNodePort)
    spec.healthCheckNodePort ||= before.healthCheckNodePort
}

/** Clears what the new type does not have, where the client only passed the old value on. */
export function dropTypeDependentFields(service: Service, { spec: before }: Service): void {
  const { spec } = service
  if (!spec || !before) return
  if (needsClusterIp(before) && !needsClusterIp(spec)) dropAddresses(spec, before)
  if (hasNodePorts(before) && !hasNodePorts(spec) && keepsToNodePortsOf(spec, before))
    for (const port of spec.ports ?? []) delete port.nodePort
  if (needsHealthCheckPort(before) && !needsHealthCheckPort(spec) && spec.healthCheckNodePort === before.healthCheckNodePort)
    delete spec.healthCheckNodePort
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass
  }
  if (isExternallyAccessible(before) && !isExternallyAccessible(spec) && spec.externalTrafficPolicy === before.externalTrafficPolicy)
    delete spec.externalTrafficPolicy
  if (spec.type !== 'LoadBalancer' && service.status) service.status = { ...service.status, loadBalancer: {} }
}

function dropAddresses(spec: ServiceSpec, before: ServiceSpec): void {
  if ((spec.clusterIP ?? '') === (before.clusterIP ?? '') && sameList(spec.clusterIPs, before.clusterIPs)) {
    delete spec.clusterIP
    delete spec.clusterIPs
  }
  if (sameList(spec.ipFamilies, before.ipFamilies)) delete spec.ipFamilies
  if (spec.ipFamilyPolicy === before.ipFamilyPolicy) delete spec.ipFamilyPolicy
}

export function needsClusterIp(spec: ServiceSpec): boolean {
  return spec.type !== 'ExternalName'
}

/** Whether ports on nodes are drawn for it. */
export function allocatesNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
}

/** Whether it may have ports on nodes, drawn or wanted. */
export function hasNodePorts({ type }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer'
}

export function needsHealthCheckPort(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
}

export function isExternallyAccessible({ type, externalIPs }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0)
}

function keepsToNodePortsOf(spec: ServiceSpec, before: ServiceSpec): boolean {
  const held = new Set(before.ports?.map(({ nodePort }) => nodePort))
  return (spec.ports ?? []).every(({ nodePort }) => !nodePort || held.has(nodePort))
}

/** By the ports' names, unless another port has taken the number over. */
function keepNodePorts(ports: readonly ServicePort[], before: readonly ServicePort[]): void {
  const held = new Set(before.map(({ nodePort }) => nodePort))
  const used = new Set(ports.map(({ nodePort }) => nodePort).filter((port) => port && held.has(port)))
  const byName = new Map(before.map(({ name, nodePort }) => [name ?? '', nodePort]))
  for (const port of ports) {
    const old = port.nodePort ? undefined : byName.get(port.name ?? '')
    if (old && !used.has(old)) port.nodePort = old
  }
}
