import type { Service, ServicePort, ServiceSpec } from '../generated/types/core-v1.ts'

/**
 * What an update of a Service may leave out because the platform gave it: cluster addresses, node ports, the health check
 * port. And what must go when the type no longer has it. Source:
 * https://kubernetes.io/docs/concepts/services-networking/service/
 */

/** Keeps `clusterIP` and the first of `clusterIPs` the same, whichever the client set. */
export function normalizeClusterIps({ spec }: Service, old: Service | undefined): void {
  if (!spec) return
  const before = old?.spec
  const hasSameIp = (spec.clusterIP ?? '') === (before?.clusterIP ?? '')
  const hasSameIps = !spec.clusterIPs?.length || sameList(spec.clusterIPs, before?.clusterIPs)
  if (!before) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
    return
  }
  // Old clients know clusterIP only: what they change there counts when they left the list as it was.
  if (!hasSameIp && hasSameIps) {
    if (!spec.clusterIP) delete spec.clusterIPs
    else spec.clusterIPs = [spec.clusterIP, ...(spec.clusterIPs?.slice(1) ?? [])]
  }
}

/** Copies allocated values that the client left empty, as far as the new type still has them. */
export function keepAllocatedValues({ spec }: Service, { spec: before }: Service): void {
  if (!spec || !before) return
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP
    if (!spec.clusterIPs?.length && before.clusterIPs && spec.clusterIP === before.clusterIP) spec.clusterIPs = before.clusterIPs
    if (!spec.ipFamilyPolicy && before.ipFamilyPolicy) spec.ipFamilyPolicy = before.ipFamilyPolicy
    if (!spec.ipFamilies?.length && before.ipFamilies) spec.ipFamilies = before.ipFamilies
  }
  if (needsNodePort(before) && needsNodePort(spec)) keepNodePorts(spec.ports ?? [], before.ports ?? [])
  if (needsHealthCheckPort(before) && needsHealthCheckPort(spec) && before.healthCheckNodePort)
    spec.healthCheckNodePort ||= before.healthCheckNodePort
}

/** Clears what the new type does not have, where the client only passed the old value on. */
export function dropTypeDependentFields({ spec }: Service, { spec: before }: Service): void {
  if (!spec || !before) return
  if (needsClusterIp(before) && !needsClusterIp(spec) && sameList(spec.clusterIPs, before.clusterIPs)) {
    delete spec.clusterIP
    delete spec.clusterIPs
    delete spec.ipFamilies
    delete spec.ipFamilyPolicy
  }
  const arePortsSame = sameList(
    spec.ports?.map((p) => String(p.nodePort)),
    before.ports?.map((p) => String(p.nodePort)),
  )
  if (needsNodePort(before) && !needsNodePort(spec) && arePortsSame) for (const port of spec.ports ?? []) delete port.nodePort
  if (needsHealthCheckPort(before) && !needsHealthCheckPort(spec) && spec.healthCheckNodePort === before.healthCheckNodePort)
    delete spec.healthCheckNodePort
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass
  }
  if (!isExternal(spec) && isExternal(before) && spec.externalTrafficPolicy === before.externalTrafficPolicy)
    delete spec.externalTrafficPolicy
  if (spec.type === 'ExternalName' && before.type !== 'ExternalName') delete spec.internalTrafficPolicy
}

export function needsClusterIp(spec: ServiceSpec): boolean {
  return spec.type !== 'ExternalName'
}

export function needsNodePort(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
}

export function needsHealthCheckPort(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
}

function isExternal(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs?.length ?? 0) > 0
}

function keepNodePorts(ports: readonly ServicePort[], before: readonly ServicePort[]): void {
  const taken = new Set(ports.map((p) => p.nodePort).filter(Boolean))
  for (const port of ports) {
    if (port.nodePort) continue
    const match = before.find((b) => b.protocol === port.protocol && b.port === port.port)
    if (match?.nodePort && !taken.has(match.nodePort)) port.nodePort = match.nodePort
  }
}

function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  const left = a ?? []
  const right = b ?? []
  return left.length === right.length && left.every((value, i) => value === right[i])
}
