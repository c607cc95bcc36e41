import type { Random } from '../../base/random.ts'
import { services } from '../../kinds/core/service.ts'
import { endpointSlices } from '../../kinds/discovery/endpoint-slice.ts'
import type { Endpoint } from '../../kinds/generated/types/discovery-v1.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { ObjectReader } from '../objects/object-reader.ts'

export type ServicePort = {
  readonly namespace: string
  readonly name: string
  /** Name or number of the service's port; empty: its only one. */
  readonly port: string
}

type Open = { readonly endpoint: Endpoint; readonly number: number; readonly isPrimary: boolean }

/**
 * One ready endpoint of a service's port, drawn at random from those of its first family, then from the others: who is asked often is not
 * always the same. Throws 404 without the service, 503 without the port or without an endpoint that is allowed.
 */
export function serviceEndpoint(
  { reader, random }: { readonly reader: ObjectReader; readonly random: Random },
  { namespace, name, port }: ServicePort,
  isAllowed: (endpoint: Endpoint) => boolean = () => true,
): { readonly host: string; readonly port: number } {
  const service = reader.get(services, namespace, name)
  if (!service) throw statusErrors.notFound({ group: '', resource: 'services' }, name)
  const { ports = [], ipFamilies: [family] = [] } = service.spec ?? {}
  const wanted = port === '' && ports.length === 1 ? ports[0] : ports.find((p) => p.name === port || String(p.port) === port)
  if (!wanted) {
    const asked = /^\d+$/.test(port) ? port : JSON.stringify(port)
    throw statusErrors.serviceUnavailable(`no service port ${asked} found for service ${JSON.stringify(name)}`)
  }
  const open = reader.list(endpointSlices, namespace).flatMap((slice): Open[] => {
    if (slice.metadata?.labels?.['kubernetes.io/service-name'] !== name) return []
    const number = slice.ports?.find((p) => (p.name ?? '') === (wanted.name ?? ''))?.port
    const ready = slice.endpoints?.filter((e) => e.conditions?.ready !== false) ?? []
    const isPrimary = family === undefined || slice.addressType === family
    return number === undefined ? [] : ready.map((endpoint) => ({ endpoint, number, isPrimary }))
  })
  for (const isPrimary of [true, false]) {
    const some = open.filter((one) => one.isPrimary === isPrimary)
    // One after the other from a random place: with many endpoints the first is nearly always one that may be called.
    const start = random.below(Math.max(1, some.length))
    for (let i = 0; i < some.length; i++) {
      const { endpoint, number } = some[(start + i) % some.length]!
      if (endpoint.addresses[0] && isAllowed(endpoint)) return { host: endpoint.addresses[0], port: number }
    }
  }
  throw statusErrors.serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`)
}
