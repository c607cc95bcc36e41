import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../machinery/names.ts'
import { checkEnum, checkGivenName, checkOptionalName, checkPort, checkQualifiedName, checkRequiredName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { EndpointAddress, Endpoints } from '../generated/types/core-v1.ts'
import { addressWarnings, checkEndpointAddress, checkLegacyAddress } from '../addresses.ts'

const shownMax = 3

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  shortNames: ['ep'],
  applyDefaults: ({ subsets }) => {
    for (const subset of subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate: ({ subsets }, old) => {
    const errors: FieldError[] = []
    // What an older release let in may stay.
    if (old && deepEqual(subsets, old.subsets)) return errors
    subsets?.forEach(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => {
      const at = `subsets[${i}]`
      if (addresses.length + notReadyAddresses.length === 0)
        errors.push(fieldErrors.required(at, 'must specify `addresses` or `notReadyAddresses`'))
      addresses.forEach((address, k) => validateAddress(errors, address, `${at}.addresses[${k}]`))
      notReadyAddresses.forEach((address, k) => validateAddress(errors, address, `${at}.notReadyAddresses[${k}]`))
      ports.forEach((port, k) => {
        const path = `${at}.ports[${k}]`
        if (ports.length > 1) checkRequiredName(errors, `${path}.name`, port.name, dns1123Label)
        else checkOptionalName(errors, `${path}.name`, port.name, dns1123Label)
        checkPort(errors, `${path}.port`, port.port ?? 0)
        checkEnum(errors, `${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])
        if (port.appProtocol !== undefined) checkQualifiedName(errors, `${path}.appProtocol`, port.appProtocol)
      })
    })
    return errors
  },
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  warnings,
  columns: [nameColumn, column.string('Endpoints', endpointsText), ageColumn],
  allowCreateOnUpdate: true,
})

function validateAddress(errors: Errors, { ip = '', hostname, nodeName }: Partial<EndpointAddress>, path: string): void {
  checkLegacyAddress(errors, `${path}.ip`, ip)
  checkOptionalName(errors, `${path}.hostname`, hostname, dns1123Label)
  checkGivenName(errors, `${path}.nodeName`, nodeName, dns1123Subdomain)
  checkEndpointAddress(errors, `${path}.ip`, ip)
}

function warnings({ subsets = [] }: Endpoints): string[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [] }, i) => [
    ...addresses.flatMap(({ ip }, k) => addressWarnings(`subsets[${i}].addresses[${k}].ip`, ip)),
    ...notReadyAddresses.flatMap(({ ip }, k) => addressWarnings(`subsets[${i}].notReadyAddresses[${k}].ip`, ip)),
  ])
}

/** The first three `address:port` pairs and how many more there are. */
function endpointsText({ subsets }: Endpoints): string {
  if (!subsets?.length) return '<none>'
  const pairs = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip ?? '')
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip?.includes(':') ? `[${ip}]:${port ?? 0}` : `${ip ?? ''}:${port ?? 0}`))),
  )
  const text = pairs.slice(0, shownMax).join(',')
  return pairs.length > shownMax ? `${text} + ${pairs.length - shownMax} more...` : text
}
