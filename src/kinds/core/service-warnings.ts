import { addressWarnings, rangeWarnings } from '../addresses.ts'
import type { Service } from '../generated/types/core-v1.ts'

const hintsAnnotation = 'service.kubernetes.io/topology-aware-hints'

/** Advice about what a service says to no effect, or should say in another way. */
export function serviceWarnings({ metadata, spec = {} }: Service): string[] {
  const warnings: string[] = []
  const { type, externalIPs = [], trafficDistribution } = spec
  const isHeadless = type === 'ClusterIP' && spec.clusterIP === 'None'
  if (Object.hasOwn(metadata.annotations ?? {}, hintsAnnotation))
    warnings.push(`annotation ${hintsAnnotation} is deprecated, please use service.kubernetes.io/topology-mode instead`)
  if (spec.clusterIP && spec.clusterIP !== 'None') warnings.push(...each('spec.clusterIPs', spec.clusterIPs, addressWarnings))
  if (isHeadless) {
    if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services')
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services')
  }
  warnings.push(...each('spec.externalIPs', externalIPs, addressWarnings))
  if (externalIPs.length > 0 && !isHeadless && type !== 'ExternalName')
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters')
  if (spec.loadBalancerIP) warnings.push(...addressWarnings('spec.loadBalancerIP', spec.loadBalancerIP))
  warnings.push(...each('spec.loadBalancerSourceRanges', spec.loadBalancerSourceRanges, rangeWarnings))
  if (type === 'ExternalName' && externalIPs.length > 0) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  if (type !== 'ExternalName' && spec.externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  if (trafficDistribution === 'PreferClose') warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  return warnings
}

/** Advice about the addresses that a balancer was given. */
export function serviceStatusWarnings({ status }: Service): string[] {
  const addresses = status?.loadBalancer?.ingress?.map(({ ip }) => ip ?? '')
  return each('status.loadBalancer.ingress', addresses, addressWarnings)
}

function each(field: string, values: readonly string[] | undefined, warn: (field: string, value: string) => string[]): string[] {
  return (values ?? []).flatMap((value, i) => warn(`${field}[${i}]`, value))
}
