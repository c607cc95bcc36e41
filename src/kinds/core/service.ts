import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label } from '../../machinery/names.ts'
import { ageColumn, balancerAddresses, column, formatLabels, joinOrNone, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { Service } from '../generated/types/core-v1.ts'
import { dropTypeDependentFields, isExternallyAccessible, keepAllocatedValues, normalizeClusterIps } from './service-allocation.ts'
import { validateServiceBalancer } from './load-balancer-status.ts'
import { validateService } from './service-validation.ts'
import { serviceStatusWarnings, serviceWarnings } from './service-warnings.ts'

/** How long a client sticks to an endpoint with session affinity `ClientIP`, unless it says otherwise: three hours. */
const affinitySecondsDefault = 10800

export const services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  shortNames: ['svc'],
  categories: ['all'],
  validateName: dns1123Label,
  applyDefaults: applyServiceDefaults,
  prepareForCreate: (service) => {
    service.status = { loadBalancer: {} }
    normalizeClusterIps(service, undefined)
  },
  prepareForUpdate: (service, old) => {
    if (old.status) service.status = old.status
    else delete service.status
    keepAllocatedValues(service, old)
    normalizeClusterIps(service, old)
    dropTypeDependentFields(service, old)
  },
  validate: validateService,
  validateStatusUpdate: ({ spec, status }, { status: old }): FieldError[] => {
    if (status?.loadBalancer?.ingress?.length && spec?.type !== 'LoadBalancer')
      return [fieldErrors.forbidden('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'")]
    const errors: FieldError[] = []
    validateServiceBalancer(errors, status?.loadBalancer, old?.loadBalancer)
    return errors
  },
  warnings: serviceWarnings,
  statusWarnings: serviceStatusWarnings,
  columns: [
    nameColumn,
    column.string('Type', ({ spec }) => spec?.type ?? ''),
    column.string('Cluster-IP', ({ spec }) => spec?.clusterIPs?.[0] ?? (spec?.clusterIP || '<none>')),
    column.string('External-IP', externalAddress),
    column.string('Port(s)', ({ spec }) =>
      joinOrNone(
        spec?.ports?.map(({ port, nodePort, protocol }) => (nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`)),
      ),
    ),
    ageColumn,
    column.wide('Selector', ({ spec }) => formatLabels(spec?.selector)),
  ],
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '',
    'spec.type': ({ spec }) => spec?.type ?? '',
  },
  allowCreateOnUpdate: true,
})

export function applyServiceDefaults(service: Service): void {
  const { spec } = service
  if (!spec) return
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {}
    spec.sessionAffinityConfig.clientIP ??= {}
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= affinitySecondsDefault
  }
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= 'Cluster'
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer' || spec.type === 'ClusterIP') spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'LoadBalancer') return
  spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
}

function externalAddress({ spec, status }: Service): string {
  const externalIps = spec?.externalIPs ?? []
  if (spec?.type === 'ExternalName') return spec.externalName ?? ''
  if (spec?.type === 'ClusterIP' || spec?.type === 'NodePort') return joinOrNone(externalIps)
  if (spec?.type !== 'LoadBalancer') return '<unknown>'
  const all = [...balancerAddresses(status?.loadBalancer?.ingress), ...externalIps]
  return all.length === 0 ? '<pending>' : all.join(',')
}
