import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain, isIpv4, isIpv6, labelValue } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkEnum, checkOptionalName, checkPort, checkQualifiedName, checkRequired, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { checkEndpointAddress } from '../addresses.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { Endpoint, EndpointSlice } from '../generated/types/discovery-v1.ts'

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
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ addressType, endpoints = [], ports = [] }) => {
    const errors: FieldError[] = []
    checkEnum(errors, 'addressType', addressType, addressTypes)
    if (endpoints.length > endpointsMax) errors.push(fieldErrors.tooMany('endpoints', endpoints.length, endpointsMax))
    else endpoints.forEach((endpoint, i) => validateEndpoint(errors, endpoint, addressType, `endpoints[${i}]`))
    validatePorts(errors, ports)
    return errors
  },
  validateUpdate: (slice, old) => immutableField(slice.addressType, old.addressType, 'addressType'),
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
  addresses.forEach((address, i) => validateAddress(errors, address, addressType, `${path}.addresses[${i}]`))
  checkOptionalName(errors, `${path}.hostname`, hostname, dns1123Label)
  checkOptionalName(errors, `${path}.nodeName`, nodeName, dns1123Subdomain)
  for (const [field, list] of [
    ['forZones', hints?.forZones],
    ['forNodes', hints?.forNodes],
  ] as const) {
    if (!list) continue
    if (list.length > hintsMax) errors.push(fieldErrors.tooMany(`${path}.hints.${field}`, list.length, hintsMax))
    list.forEach(({ name }, i) => {
      const at = `${path}.hints.${field}[${i}].name`
      if (!checkRequired(errors, at, name)) return
      if (list.findIndex((other) => other.name === name) < i) errors.push(fieldErrors.duplicate(at, name))
      for (const message of labelValue(name)) errors.push(fieldErrors.invalid(at, name, message))
    })
  }
}

function validateAddress(errors: Errors, address: string, addressType: string, path: string): void {
  if (addressType === 'FQDN') {
    checkOptionalName(errors, path, address, dns1123Subdomain)
    return
  }
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return // Which the type's own check has said.
  const isRight = addressType === 'IPv4' ? isIpv4(address) : isIpv6(address)
  if (isRight) checkEndpointAddress(errors, path, address)
  else errors.push(fieldErrors.invalid(path, address, `must be a valid ${addressType} address`))
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
    if (port.port !== undefined) checkPort(errors, `${at}.port`, port.port)
    checkEnum(errors, `${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])
    if (port.appProtocol !== undefined) checkQualifiedName(errors, `${at}.appProtocol`, port.appProtocol)
  })
}
