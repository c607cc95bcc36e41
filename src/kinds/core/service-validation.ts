import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { cidr, dns1123Label, dns1123Subdomain, ipAddress, isIpv4, isIpv6 } from '../../machinery/names.ts'
import {
  checkEnum,
  checkOptionalEnum,
  checkOptionalName,
  checkPort,
  checkPortOrName,
  checkQualifiedName,
  checkRequiredName,
  type Errors,
} from '../checks.ts'
import type { Service, ServicePort, ServiceSpec } from '../generated/types/core-v1.ts'

const protocols = ['SCTP', 'TCP', 'UDP']
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const kubeletPort = 10250
const affinitySecondsMax = 86400

export function validateService({ spec }: Service): FieldError[] {
  if (!spec) return [fieldErrors.required('spec.ports')]
  const errors: FieldError[] = []
  const isHeadless = spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None'
  if (!spec.ports?.length && !isHeadless && spec.type !== 'ExternalName') errors.push(fieldErrors.required('spec.ports'))
  if (spec.type === 'LoadBalancer' && isHeadless)
    errors.push(fieldErrors.invalid('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer services"))
  if (spec.type === 'NodePort' && isHeadless)
    errors.push(fieldErrors.invalid('spec.clusterIPs[0]', 'None', "may not be set to 'None' for NodePort services"))
  if (spec.type === 'ExternalName') validateExternalName(errors, spec)
  validatePorts(errors, spec)
  checkEnum(errors, 'spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  validateAffinity(errors, spec)
  validateClusterIps(errors, spec)
  validateExternalIps(errors, spec)
  checkEnum(errors, 'spec.type', spec.type, types)
  validateTrafficPolicies(errors, spec)
  validateLoadBalancer(errors, spec)
  checkOptionalEnum(errors, 'spec.trafficDistribution', spec.trafficDistribution, ['PreferClose', 'PreferSameNode', 'PreferSameZone'])
  return errors
}

/** A cluster address stays for the life of the service, unless the type goes to or comes from ExternalName. */
export function validateServiceUpdate({ spec }: Service, { spec: old }: Service): FieldError[] {
  const errors: FieldError[] = []
  if (!spec || !old) return errors
  const keepsType = spec.type !== 'ExternalName' && old.type !== 'ExternalName'
  const before = old.clusterIPs?.[0] ?? old.clusterIP
  const after = spec.clusterIPs?.[0] ?? spec.clusterIP
  if (keepsType && before && before !== after)
    errors.push(fieldErrors.invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [], 'may not change once set'))
  if (keepsType && old.ipFamilies?.[0] && spec.ipFamilies?.[0] !== undefined && spec.ipFamilies[0] !== old.ipFamilies[0])
    errors.push(fieldErrors.invalid('spec.ipFamilies[0]', spec.ipFamilies, 'may not change once set'))
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer' && spec.loadBalancerClass !== old.loadBalancerClass)
    errors.push(fieldErrors.invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set'))
  return errors
}

function validateExternalName(errors: Errors, spec: ServiceSpec): void {
  if (spec.clusterIPs?.length || spec.clusterIP)
    errors.push(fieldErrors.forbidden('spec.clusterIPs', "may not be set when `type` is 'ExternalName'"))
  if (spec.ipFamilies?.length) errors.push(fieldErrors.forbidden('spec.ipFamilies', "may not be set when `type` is 'ExternalName'"))
  if (spec.ipFamilyPolicy) errors.push(fieldErrors.forbidden('spec.ipFamilyPolicy', "may not be set when `type` is 'ExternalName'"))
  checkRequiredName(errors, 'spec.externalName', spec.externalName?.replace(/\.$/, ''), dns1123Subdomain)
}

function validatePorts(errors: Errors, spec: ServiceSpec): void {
  const ports = spec.ports ?? []
  const names = new Set<string>()
  const numbers = new Set<string>()
  const nodePorts = new Set<string>()
  ports.forEach((port, i) => {
    const at = `spec.ports[${i}]`
    validatePort(errors, port, ports.length > 1, at)
    if (port.name && names.has(port.name)) errors.push(fieldErrors.duplicate(`${at}.name`, port.name))
    if (port.name) names.add(port.name)
    const number = `${port.protocol}/${port.port}`
    if (numbers.has(number)) errors.push(fieldErrors.duplicate(at, { protocol: port.protocol, port: port.port }))
    numbers.add(number)
    if (spec.type === 'LoadBalancer' && port.port === kubeletPort)
      errors.push(fieldErrors.invalid(`${at}.port`, port.port, `may not expose port ${kubeletPort} externally since it is used by kubelet`))
    if (!port.nodePort) return
    if (spec.type === 'ClusterIP') errors.push(fieldErrors.forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"))
    if (spec.type === 'ExternalName') errors.push(fieldErrors.forbidden(`${at}.nodePort`, "may not be used when `type` is 'ExternalName'"))
    checkPort(errors, `${at}.nodePort`, port.nodePort)
    const nodePort = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(nodePort)) errors.push(fieldErrors.duplicate(`${at}.nodePort`, port.nodePort))
    nodePorts.add(nodePort)
  })
}

function validatePort(errors: Errors, port: ServicePort, isNameRequired: boolean, path: string): void {
  if (isNameRequired) checkRequiredName(errors, `${path}.name`, port.name, dns1123Label)
  else checkOptionalName(errors, `${path}.name`, port.name, dns1123Label)
  checkPort(errors, `${path}.port`, port.port ?? 0)
  checkEnum(errors, `${path}.protocol`, port.protocol, protocols)
  checkPortOrName(errors, `${path}.targetPort`, port.targetPort)
  if (port.appProtocol !== undefined) checkQualifiedName(errors, `${path}.appProtocol`, port.appProtocol)
}

function validateAffinity(errors: Errors, spec: ServiceSpec): void {
  const config = spec.sessionAffinityConfig
  const path = 'spec.sessionAffinityConfig'
  if (spec.sessionAffinity === 'None') {
    if (config) errors.push(fieldErrors.forbidden(path, 'must not be set when session affinity is None'))
    return
  }
  if (spec.sessionAffinity !== 'ClientIP') return
  const seconds = config?.clientIP?.timeoutSeconds
  if (seconds === undefined) errors.push(fieldErrors.required(path, 'when session affinity type is ClientIP'))
  else if (seconds <= 0 || seconds > affinitySecondsMax)
    errors.push(
      fieldErrors.invalid(`${path}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${affinitySecondsMax}`),
    )
}

function validateClusterIps(errors: Errors, spec: ServiceSpec): void {
  const list = spec.clusterIPs ?? []
  checkOptionalEnum(errors, 'spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['SingleStack', 'PreferDualStack', 'RequireDualStack'])
  const families = new Set<string>()
  spec.ipFamilies?.forEach((family, i) => {
    if (family !== 'IPv4' && family !== 'IPv6') errors.push(fieldErrors.notSupported(`spec.ipFamilies[${i}]`, family, ['IPv4', 'IPv6']))
    else if (families.has(family)) errors.push(fieldErrors.duplicate(`spec.ipFamilies[${i}]`, family))
    families.add(family)
  })
  if (spec.type === 'ExternalName') return
  if (list.length > 0 && spec.clusterIP !== undefined && spec.clusterIP !== list[0])
    errors.push(fieldErrors.invalid('spec.clusterIPs', list, 'first value must match `clusterIP`'))
  if (list.length > 2) errors.push(fieldErrors.invalid('spec.clusterIPs', list, 'may only hold up to 2 values'))
  if (list.length > 1 && list.includes('None'))
    errors.push(fieldErrors.invalid('spec.clusterIPs', list, "'None' must be the first and only value"))
  list.forEach((address, i) => {
    if (address === 'None') return
    for (const message of ipAddress(address)) errors.push(fieldErrors.invalid(`spec.clusterIPs[${i}]`, address, message))
    const family = spec.ipFamilies?.[i]
    if ((family === 'IPv4' && isIpv6(address)) || (family === 'IPv6' && isIpv4(address)))
      errors.push(fieldErrors.invalid(`spec.clusterIPs[${i}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``))
  })
}

function validateExternalIps(errors: Errors, spec: ServiceSpec): void {
  spec.externalIPs?.forEach((address, i) => {
    const path = `spec.externalIPs[${i}]`
    const messages = ipAddress(address)
    for (const message of messages) errors.push(fieldErrors.invalid(path, address, message))
    if (messages.length === 0) checkOrdinaryAddress(errors, path, address)
  })
}

/** An address that traffic can be sent to from elsewhere: not unspecified, loopback, link-local or multicast. */
export function checkOrdinaryAddress(errors: Errors, path: string, address: string): void {
  const lower = address.toLowerCase()
  if (address === '0.0.0.0' || address === '::') errors.push(fieldErrors.invalid(path, address, `may not be unspecified (${address})`))
  if (address.startsWith('127.') || address === '::1')
    errors.push(fieldErrors.invalid(path, address, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'))
  if (address.startsWith('169.254.') || /^fe[89ab]/.test(lower))
    errors.push(fieldErrors.invalid(path, address, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'))
  if (address.startsWith('224.0.0.') || /^ff[0-9a-f]2:/.test(lower))
    errors.push(fieldErrors.invalid(path, address, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'))
}

function validateTrafficPolicies(errors: Errors, spec: ServiceSpec): void {
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.type === 'ClusterIP' && spec.externalIPs?.length)
  const external = spec.externalTrafficPolicy
  if (isExternal) checkEnum(errors, 'spec.externalTrafficPolicy', external, ['Cluster', 'Local'])
  else if (external)
    errors.push(fieldErrors.invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'))
  if (spec.type !== 'ExternalName') checkEnum(errors, 'spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local'])
  const port = spec.healthCheckNodePort
  if (!port) return
  if (spec.type === 'LoadBalancer' && external === 'Local') checkPort(errors, 'spec.healthCheckNodePort', port)
  else
    errors.push(
      fieldErrors.invalid(
        'spec.healthCheckNodePort',
        port,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    )
}

function validateLoadBalancer(errors: Errors, spec: ServiceSpec): void {
  const isLoadBalancer = spec.type === 'LoadBalancer'
  const ranges = spec.loadBalancerSourceRanges
  if (ranges?.length && !isLoadBalancer)
    errors.push(fieldErrors.forbidden('spec.loadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"))
  ranges?.forEach((range, i) => {
    for (const message of cidr(range.trim())) errors.push(fieldErrors.invalid(`spec.loadBalancerSourceRanges[${i}]`, range, message))
  })
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isLoadBalancer)
    errors.push(fieldErrors.forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"))
  if (isLoadBalancer && spec.allocateLoadBalancerNodePorts === undefined)
    errors.push(fieldErrors.required('spec.allocateLoadBalancerNodePorts'))
  if (spec.loadBalancerClass !== undefined) {
    if (isLoadBalancer) checkQualifiedName(errors, 'spec.loadBalancerClass', spec.loadBalancerClass)
    else errors.push(fieldErrors.forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'"))
  }
}
