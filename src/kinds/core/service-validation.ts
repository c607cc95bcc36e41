import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabels } from '../../machinery/labels.ts'
import { dns1123Label, dns1123Subdomain } from '../../machinery/names.ts'
import { checkEndpointAddress, checkLegacyAddress, checkLegacyRange } from '../addresses.ts'
import {
  checkEnum,
  checkOptionalName,
  checkPort,
  checkPortOrName,
  checkQualifiedName,
  checkRequiredName,
  type Errors,
  immutable,
} from '../checks.ts'
import type { Service, ServicePort, ServiceSpec } from '../generated/types/core-v1.ts'
import { isExternallyAccessible, needsHealthCheckPort } from './service-allocation.ts'
import { isHeadless, validateClusterAddresses, validateFamilyChange } from './service-families.ts'

const protocols = ['SCTP', 'TCP', 'UDP']
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
const affinitySecondsMax = 86400
const annotations = {
  hints: 'service.kubernetes.io/topology-aware-hints',
  topologyMode: 'service.kubernetes.io/topology-mode',
  sourceRanges: 'service.beta.kubernetes.io/load-balancer-source-ranges',
} as const
const onlyOfBalancers = "may only be used when `type` is 'LoadBalancer'"

/** A Service as it is created or, with `old`, updated. */
export function validateService(service: Service, old: Service | undefined): FieldError[] {
  const errors: FieldError[] = []
  const spec = service.spec ?? {}
  if (old) validateChange(errors, service, old)
  validateTopologyAnnotations(errors, service)
  if (!spec.ports?.length && !isHeadless(spec) && spec.type !== 'ExternalName') errors.push(fieldErrors.required('spec.ports'))
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec))
    errors.push(fieldErrors.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`))
  if (spec.type === 'ExternalName') validateExternalName(errors, spec)
  validatePorts(errors, spec)
  errors.push(...validateLabels(spec.selector, 'spec.selector'))
  checkEnum(errors, 'spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  validateAffinity(errors, spec)
  validateClusterAddresses(errors, spec, old?.spec)
  validateExternalAddresses(errors, spec, old?.spec)
  checkEnum(errors, 'spec.type', spec.type, types)
  validatePortsTogether(errors, spec)
  validateSourceRanges(errors, service, old)
  validateBalancer(errors, spec)
  validateTrafficPolicies(errors, spec)
  if (spec.trafficDistribution !== undefined && !distributions.includes(spec.trafficDistribution))
    errors.push(fieldErrors.notSupported('spec.trafficDistribution', spec.trafficDistribution, distributions))
  return errors
}

function validateChange(errors: Errors, service: Service, old: Service): void {
  const { spec = {} } = service
  const { spec: before = {} } = old
  validateFamilyChange(errors, service, old)
  if (spec.type === 'LoadBalancer' && before.type === 'LoadBalancer' && spec.loadBalancerClass !== before.loadBalancerClass)
    errors.push(fieldErrors.invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'))
  // Upstream says of an update twice what is wrong with the class itself.
  validateBalancerClass(errors, spec)
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(before) && (spec.healthCheckNodePort ?? 0) !== (before.healthCheckNodePort ?? 0))
    errors.push(fieldErrors.forbidden('spec.healthCheckNodePort', immutable))
}

function validateTopologyAnnotations(errors: Errors, { metadata }: Service): void {
  const hints = metadata.annotations?.[annotations.hints]
  const mode = metadata.annotations?.[annotations.topologyMode]
  if (hints === undefined || mode === undefined || hints === mode) return
  const detail = `must match annotations[${annotations.hints}] when both are specified`
  errors.push(fieldErrors.invalid(`metadata.annotations[${annotations.topologyMode}]`, mode, detail))
}

function validateExternalName(errors: Errors, spec: ServiceSpec): void {
  const detail = 'may not be set for ExternalName services'
  if (spec.clusterIPs?.length) errors.push(fieldErrors.forbidden('spec.clusterIPs', detail))
  if (spec.ipFamilies?.length) errors.push(fieldErrors.forbidden('spec.ipFamilies', detail))
  if (spec.ipFamilyPolicy !== undefined) errors.push(fieldErrors.forbidden('spec.ipFamilyPolicy', detail))
  checkRequiredName(errors, 'spec.externalName', spec.externalName?.replace(/\.$/, ''), dns1123Subdomain)
}

function validatePorts(errors: Errors, { ports = [] }: ServiceSpec): void {
  const names = new Set<string>()
  ports.forEach((port, i) => {
    validatePort(errors, port, { isNameRequired: ports.length > 1, names, path: `spec.ports[${i}]` })
  })
}

type PortContext = { readonly isNameRequired: boolean; readonly names: Set<string>; readonly path: string }

function validatePort(errors: Errors, port: ServicePort, { isNameRequired, names, path }: PortContext): void {
  if (isNameRequired) checkRequiredName(errors, `${path}.name`, port.name, dns1123Label)
  else checkOptionalName(errors, `${path}.name`, port.name, dns1123Label)
  if (port.name && names.has(port.name)) errors.push(fieldErrors.duplicate(`${path}.name`, port.name))
  if (port.name) names.add(port.name)
  checkPort(errors, `${path}.port`, port.port ?? 0)
  checkEnum(errors, `${path}.protocol`, port.protocol, protocols)
  checkPortOrName(errors, `${path}.targetPort`, port.targetPort)
  if (port.appProtocol !== undefined) checkQualifiedName(errors, `${path}.appProtocol`, port.appProtocol)
}

/** What the ports may not have of each other, and of the type. */
function validatePortsTogether(errors: Errors, { type, ports = [] }: ServiceSpec): void {
  const detail = "may not be used when `type` is 'ClusterIP'"
  ports.forEach(({ nodePort }, i) => {
    if (nodePort && type === 'ClusterIP') errors.push(fieldErrors.forbidden(`spec.ports[${i}].nodePort`, detail))
  })
  checkTwice(ports, ({ protocol, nodePort }) => nodePort && `${protocol}/${nodePort}`).forEach((i) =>
    errors.push(fieldErrors.duplicate(`spec.ports[${i}].nodePort`, ports[i]!.nodePort)),
  )
  checkTwice(ports, ({ protocol, port }) => `${protocol}/${port ?? 0}`).forEach((i) => {
    const { protocol, port } = ports[i]!
    const shown = { Name: '', Protocol: protocol, AppProtocol: null, Port: port ?? 0, TargetPort: 0, NodePort: 0 }
    errors.push(fieldErrors.duplicate(`spec.ports[${i}]`, shown))
  })
}

/** The places of what was there before, by its key; without a key it is left out. */
function checkTwice<T>(items: readonly T[], keyOf: (item: T) => string | number | undefined): number[] {
  const seen = new Set<string | number>()
  return items.flatMap((item, i) => {
    const key = keyOf(item)
    if (!key) return []
    if (seen.has(key)) return [i]
    seen.add(key)
    return []
  })
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

function validateExternalAddresses(errors: Errors, { externalIPs }: ServiceSpec, old: ServiceSpec | undefined): void {
  externalIPs?.forEach((address, i) => {
    const path = `spec.externalIPs[${i}]`
    if (checkLegacyAddress(errors, path, address, old?.externalIPs)) checkEndpointAddress(errors, path, address)
  })
}

/** The field is written in capitals in upstream's messages. */
function validateSourceRanges(errors: Errors, { metadata, spec = {} }: Service, old: Service | undefined): void {
  const { type, loadBalancerSourceRanges: ranges = [] } = spec
  if (ranges.length > 0) {
    const path = 'spec.LoadBalancerSourceRanges'
    if (type !== 'LoadBalancer') errors.push(fieldErrors.forbidden(path, onlyOfBalancers))
    const before = (old?.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim())
    ranges.forEach((range, i) => checkLegacyRange(errors, `${path}[${i}]`, range.trim(), before))
    return
  }
  const text = metadata.annotations?.[annotations.sourceRanges]
  if (text === undefined) return
  const path = `metadata.annotations[${annotations.sourceRanges}]`
  if (type !== 'LoadBalancer') errors.push(fieldErrors.forbidden(path, onlyOfBalancers))
  if (old?.metadata.annotations?.[annotations.sourceRanges] === text || text.trim() === '') return
  for (const range of text.split(',')) checkLegacyRange(errors, path, range.trim())
}

function validateBalancer(errors: Errors, spec: ServiceSpec): void {
  const isBalancer = spec.type === 'LoadBalancer'
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalancer)
    errors.push(fieldErrors.forbidden('spec.allocateLoadBalancerNodePorts', onlyOfBalancers))
  if (isBalancer && spec.allocateLoadBalancerNodePorts === undefined) errors.push(fieldErrors.required('allocateLoadBalancerNodePorts'))
  validateBalancerClass(errors, spec)
}

function validateBalancerClass(errors: Errors, { type, loadBalancerClass }: ServiceSpec): void {
  if (loadBalancerClass === undefined) return
  if (type === 'LoadBalancer') checkQualifiedName(errors, 'spec.loadBalancerClass', loadBalancerClass)
  else errors.push(fieldErrors.forbidden('spec.loadBalancerClass', onlyOfBalancers))
}

function validateTrafficPolicies(errors: Errors, spec: ServiceSpec): void {
  const external = spec.externalTrafficPolicy
  if (isExternallyAccessible(spec)) checkEnum(errors, 'spec.externalTrafficPolicy', external, ['Cluster', 'Local'])
  else if (external)
    errors.push(fieldErrors.invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'))
  validateHealthCheckPort(errors, spec)
  const internal = spec.internalTrafficPolicy
  if (internal === undefined) {
    if (types.includes(spec.type ?? '') && spec.type !== 'ExternalName') errors.push(fieldErrors.required('spec.internalTrafficPolicy'))
  } else if (internal !== 'Cluster' && internal !== 'Local')
    errors.push(fieldErrors.notSupported('spec.internalTrafficPolicy', internal, ['Cluster', 'Local']))
}

function validateHealthCheckPort(errors: Errors, spec: ServiceSpec): void {
  const path = 'spec.healthCheckNodePort'
  const port = spec.healthCheckNodePort
  if (needsHealthCheckPort(spec)) {
    if (port) checkPort(errors, path, port)
    else errors.push(fieldErrors.required(path))
  } else if (port)
    errors.push(fieldErrors.invalid(path, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"))
}
