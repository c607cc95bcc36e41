import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain, labelValue } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkEnum, checkGivenName, checkOptionalName, checkQualifiedName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { addressWarnings, canonicalAddress, checkEndpointAddress, checkLegacyAddress, familyOf } from '../addresses.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { Endpoint, EndpointSlice } from '../generated/types/discovery-v1.ts'
import { specEquals } from '../spec-equals.ts'

const endpointsMax = 1000
const addressesMax = 100
const portsMax = 20000
const hintsMax = 8
const shownMax = 3
const addressTypes = ['FQDN', 'IPv4', 'IPv6']

export const endpointSlices = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  applyDefaults: ({ ports }) => {
    for (const port of ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  prepareForCreate: (slice) => {
    startGeneration(slice)
    dropTopology(slice)
  },
  prepareForUpdate: (slice, old) => {
    dropTopology(slice)
    countGeneration(slice, old)
    // Labels say what the slice belongs to: they count as well.
    const isSame = specEquals(slice, old) && deepEqual(slice.metadata.labels ?? {}, old.metadata.labels ?? {})
    if (!isSame) slice.metadata.generation = (old.metadata.generation ?? 0) + 1
  },
  validate: (slice, old) => {
    const errors: FieldError[] = []
    const { addressType } = slice
    const endpoints = slice.endpoints ?? []
    checkEnum(errors, 'addressType', addressType, addressTypes)
    validatePorts(errors, slice.ports ?? [])
    // What an older release let in may stay.
    if (old && deepEqual(endpoints, old.endpoints ?? [])) return errors
    if (endpoints.length > endpointsMax) errors.push(fieldErrors.tooMany('endpoints', endpoints.length, endpointsMax))
    else endpoints.forEach((endpoint, i) => validateEndpoint(errors, endpoint, addressType, `endpoints[${i}]`))
    return errors
  },
  validateUpdate: (slice, old) => immutableField(slice.addressType, old.addressType, 'addressType'),
  warnings: sliceWarnings,
  columns: [
    nameColumn,
    column.string('AddressType', ({ addressType }) => addressType ?? ''),
    column.string('Ports', ({ ports }) =>
      listText((ports ?? []).map(({ port, name }) => (port !== undefined ? String(port) : (name ?? '*')))),
    ),
    column.string('Endpoints', ({ endpoints }) => listText((endpoints ?? []).flatMap(({ addresses }) => addresses ?? []))),
    ageColumn,
  ],
})

function listText(values: readonly string[]): string {
  if (values.length > shownMax) return `${values.slice(0, shownMax).join(',')} + ${values.length - shownMax} more...`
  return values.join(',') || '<unset>'
}

function validateEndpoint(errors: Errors, endpoint: Endpoint, addressType: string, path: string): void {
  const { hostname, nodeName, hints } = endpoint
  const addresses = endpoint.addresses ?? []
  if (addresses.length === 0) errors.push(fieldErrors.required(`${path}.addresses`, 'must contain at least 1 address'))
  else if (addresses.length > addressesMax) errors.push(fieldErrors.tooMany(`${path}.addresses`, addresses.length, addressesMax))
  addresses.forEach((address, i) => validateAddress(errors, address, { addressType, path: `${path}.addresses`, i }))
  checkGivenName(errors, `${path}.nodeName`, nodeName, dns1123Subdomain)
  checkGivenName(errors, `${path}.hostname`, hostname, dns1123Label)
  if (hints) validateHints(errors, hints, `${path}.hints`)
}

function validateHints(errors: Errors, hints: NonNullable<Endpoint['hints']>, path: string): void {
  const rules = { forZones: labelValue, forNodes: dns1123Subdomain }
  for (const field of ['forZones', 'forNodes'] as const) {
    const list = hints[field] ?? []
    if (list.length > hintsMax) {
      errors.push(fieldErrors.tooMany(`${path}.${field}`, list.length, hintsMax))
      return
    }
    list.forEach(({ name = '' }: { name?: string }, i) => {
      const at = `${path}.${field}[${i}].name`
      if (list.findIndex((other) => other.name === name) < i) errors.push(fieldErrors.duplicate(at, name))
      checkGivenName(errors, at, name, rules[field])
    })
  }
}

function validateAddress(
  errors: Errors,
  address: string,
  { addressType, path, i }: { addressType: string; path: string; i: number },
): void {
  const at = `${path}[${i}]`
  if (addressType === 'FQDN') checkOptionalName(errors, at, address, dns1123Subdomain)
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return
  const before = errors.length
  if (addressType === 'IPv4') checkLegacyAddress(errors, at, address)
  else checkGivenName(errors, at, address, canonicalAddress)
  if (errors.length > before) return
  if (familyOf(address) !== addressType) errors.push(fieldErrors.invalid(path, address, `must be an ${addressType} address`))
  checkEndpointAddress(errors, at, address)
}

const managedBy = 'endpointslice.kubernetes.io/managed-by'
const ownManagers: ReadonlySet<string> = new Set(['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'])

function sliceWarnings({ metadata, addressType, endpoints }: EndpointSlice, old?: EndpointSlice): string[] {
  const warnings = !old && addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []
  // The platform's own writers are not in need of advice, and their slices are big.
  if (addressType === 'FQDN' || ownManagers.has(metadata.labels?.[managedBy] ?? '')) return warnings
  const ofAddresses = (endpoints ?? []).flatMap(({ addresses }: Partial<Endpoint>, i) =>
    (addresses ?? []).flatMap((address, k) => addressWarnings(`endpoints[${i}].addresses[${k}]`, address)),
  )
  return [...warnings, ...ofAddresses]
}

/** A field of the beta version, which this one only shows. */
function dropTopology({ endpoints }: EndpointSlice): void {
  for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology
}

function validatePorts(errors: Errors, ports: NonNullable<EndpointSlice['ports']>): void {
  if (ports.length > portsMax) {
    errors.push(fieldErrors.tooMany('ports', ports.length, portsMax))
    return
  }
  const names = new Set<string>()
  ports.forEach((port, i) => {
    const at = `ports[${i}]`
    const name = port.name ?? ''
    checkOptionalName(errors, `${at}.name`, name, dns1123Label)
    if (names.has(name)) errors.push(fieldErrors.duplicate(`${at}.name`, name))
    names.add(name)
    checkEnum(errors, `${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])
    if (port.appProtocol !== undefined) checkQualifiedName(errors, `${at}.appProtocol`, port.appProtocol)
  })
}
