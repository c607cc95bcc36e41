import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain, pathSegmentName, wildcardDns1123Subdomain } from '../../machinery/names.ts'
import { addressWarnings, isAddress } from '../addresses.ts'
import { checkGivenName, checkOptionalName, checkPort, checkPortOrName, checkRequiredName, type Errors } from '../checks.ts'
import { ageColumn, balancerAddresses, column, nameColumn } from '../columns.ts'
import { validateIngressBalancer } from '../core/load-balancer-status.ts'
import { countGeneration, defineKind } from '../define-kind.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressSpec } from '../generated/types/networking-v1.ts'

const classAnnotation = 'kubernetes.io/ingress.class'
const forbiddenInPaths = ['//', '/./', '/../', '%2f', '%2F']
const forbiddenAtEnd = ['/..', '/.']

export const ingresses = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  shortNames: ['ing'],
  prepareForCreate: (ingress) => {
    ingress.metadata.generation = 1
    ingress.status = { loadBalancer: {} }
  },
  prepareForUpdate: (ingress, old) => {
    if (old.status) ingress.status = old.status
    else delete ingress.status
    countGeneration(ingress, old)
  },
  validate: ({ spec = {} }, old) => {
    const errors: FieldError[] = []
    if (!spec.rules?.length && !spec.defaultBackend)
      errors.push(fieldErrors.invalid('spec', spec.rules, 'either `defaultBackend` or `rules` must be specified'))
    if (spec.defaultBackend) validateBackend(errors, spec.defaultBackend, 'spec.defaultBackend')
    validateRules(errors, spec, hasBrokenWildcardRule(old))
    validateTls(errors, spec)
    checkGivenName(errors, 'spec.ingressClassName', spec.ingressClassName, dns1123Subdomain)
    return errors
  },
  validateCreate: ({ metadata, spec }) => {
    const annotation = metadata.annotations?.[classAnnotation]
    return annotation !== undefined && spec?.ingressClassName !== undefined && annotation !== spec.ingressClassName
      ? [fieldErrors.invalid(`annotations.${classAnnotation}`, annotation, 'must match `ingressClassName` when both are specified')]
      : []
  },
  validateStatusUpdate: ({ status }, { status: old }) => {
    const errors: FieldError[] = []
    validateIngressBalancer(errors, status?.loadBalancer, old?.loadBalancer)
    return errors
  },
  statusWarnings: ({ status }) =>
    (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }, i) => addressWarnings(`status.loadBalancer.ingress[${i}]`, ip)),
  warnings: ({ metadata, spec }, old) =>
    !old && spec?.ingressClassName === undefined && Object.hasOwn(metadata.annotations ?? {}, classAnnotation)
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  columns: [
    nameColumn,
    column.string('Class', ({ spec }) => spec?.ingressClassName ?? '<none>'),
    column.string('Hosts', ({ spec }) => hostsText(spec)),
    column.string('Address', ({ status }) => balancerAddresses(status?.loadBalancer?.ingress).join(',')),
    column.string('Ports', ({ spec }) => (spec?.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
})

const hostsMax = 3

function hostsText(spec: IngressSpec | undefined): string {
  const rules = spec?.rules ?? []
  const hosts: string[] = []
  let isCut = false
  for (const { host } of rules) {
    if (hosts.length === hostsMax) isCut = true
    else if (host) hosts.push(host)
  }
  if (hosts.length === 0) return '*'
  return isCut ? `${hosts.join(',')} + ${rules.length - hostsMax} more...` : hosts.join(',')
}

function validateRules(errors: Errors, spec: IngressSpec, letsWildcardsBe: boolean): void {
  spec.rules?.forEach(({ host, http }, i) => {
    const at = `spec.rules[${i}]`
    if (host) {
      if (isAddress(host)) errors.push(fieldErrors.invalid(`${at}.host`, host, 'must be a DNS name, not an IP address'))
      checkOptionalName(errors, `${at}.host`, host, host.includes('*') ? wildcardDns1123Subdomain : dns1123Subdomain)
    }
    if (!http || (letsWildcardsBe && host?.includes('*'))) return
    if (!http.paths?.length) errors.push(fieldErrors.required(`${at}.http.paths`))
    http.paths?.forEach((path, k) => validatePath(errors, path, `${at}.http.paths[${k}]`))
  })
}

/** Such a rule was let in by an older release: it need not be mended in order to change something else. */
function hasBrokenWildcardRule(old: Ingress | undefined): boolean {
  const wildcards = (old?.spec?.rules ?? []).filter(({ host }) => host?.includes('*'))
  const errors: FieldError[] = []
  for (const rule of wildcards) rule.http?.paths?.forEach((path) => validatePath(errors, path, ''))
  return errors.length > 0 || wildcards.some(({ http }) => http && !http.paths?.length)
}

function validatePath(errors: Errors, { path = '', pathType, backend }: HTTPIngressPath, at: string): void {
  if (pathType === undefined) {
    errors.push(fieldErrors.required(`${at}.pathType`, 'pathType must be specified'))
    return
  }
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) errors.push(fieldErrors.invalid(`${at}.path`, path, 'must be an absolute path'))
    for (const text of forbiddenInPaths)
      if (path.includes(text)) errors.push(fieldErrors.invalid(`${at}.path`, path, `must not contain '${text}'`))
    for (const text of forbiddenAtEnd)
      if (path.endsWith(text)) errors.push(fieldErrors.invalid(`${at}.path`, path, `cannot end with '${text}'`))
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) errors.push(fieldErrors.invalid(`${at}.path`, path, 'must be an absolute path'))
  } else {
    errors.push(fieldErrors.notSupported(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']))
  }
  validateBackend(errors, backend ?? {}, `${at}.backend`)
}

function validateBackend(errors: Errors, { service, resource }: IngressBackend, at: string): void {
  if (service && resource) errors.push(fieldErrors.invalid(at, '', 'cannot set both resource and service backends'))
  else if (resource) {
    checkGivenName(errors, `${at}.resource.apiGroup`, resource.apiGroup, dns1123Subdomain)
    checkRequiredName(errors, `${at}.resource.kind`, resource.kind, pathSegmentName)
    checkRequiredName(errors, `${at}.resource.name`, resource.name, pathSegmentName)
  } else if (!service) {
    errors.push(fieldErrors.invalid(at, '', 'resource or service backend is required'))
  } else {
    checkRequiredName(errors, `${at}.service.name`, service.name, dns1123Label)
    const { name, number } = service.port ?? {}
    if (name && number) errors.push(fieldErrors.invalid(at, '', 'cannot set both port name & port number'))
    else if (name) checkPortOrName(errors, `${at}.service.port.name`, name)
    else if (number) checkPort(errors, `${at}.service.port.number`, number)
    else errors.push(fieldErrors.required(at, 'port name or number is required'))
  }
}

function validateTls(errors: Errors, spec: IngressSpec): void {
  spec.tls?.forEach(({ hosts, secretName }, i) => {
    hosts?.forEach((host, k) =>
      checkGivenName(errors, `spec.tls[${i}].hosts[${k}]`, host, host.includes('*') ? wildcardDns1123Subdomain : dns1123Subdomain),
    )
    checkOptionalName(errors, `spec.tls[${i}].secretName`, secretName, dns1123Subdomain)
  })
}
