/** Whether an aggregated API can be asked, judged from what is stored: pure. Upstream's reasons and words. */
import type { APIService, APIServiceCondition } from '../../kinds/generated/types/apiregistration-v1.ts'
import type { Service } from '../../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'

export type Availability = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>

/** Undefined: nothing speaks against it, so its discovery document is to be asked for. */
export function planAvailability(
  { spec }: APIService,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Availability | undefined {
  const { name = '', namespace = '', port = 443 } = spec?.service ?? {}
  const where = `service/${name} in ${JSON.stringify(namespace)}`
  if (!service) return unavailable('ServiceNotFound', `${where} is not present`)
  if (service.spec?.type !== undefined && service.spec.type !== 'ClusterIP') return undefined
  const open = service.spec?.ports?.find((p) => p.port === port)
  if (!open) return unavailable('ServicePortError', `${where} is not listening on port ${port}`)
  if (slices.length === 0) return unavailable('EndpointsNotFound', `cannot find endpointslices for ${where}`)
  const portName = open.name ?? ''
  const hasAddress = slices.some(
    (slice) =>
      slice.endpoints?.some(({ conditions }) => conditions?.ready !== false) &&
      slice.ports?.some((p) => (p.name ?? '') === portName && p.port !== undefined),
  )
  if (hasAddress) return undefined
  return unavailable('MissingEndpoints', `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`)
}

const unavailable = (reason: string, message: string): Availability => ({ status: 'False', reason, message })

export const passed: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' }

export const failedDiscovery = (message: string): Availability => unavailable('FailedDiscoveryCheck', message)

/** The conditions with the judgement in them. Undefined: it is there already. */
export function withAvailability(
  current: readonly APIServiceCondition[],
  { status, reason, message }: Availability,
  now: string,
): APIServiceCondition[] | undefined {
  const before = current.find((c) => c.type === 'Available')
  if (before?.status === status && before.reason === reason && before.message === message) return undefined
  const lastTransitionTime = (before?.status === status ? before.lastTransitionTime : undefined) ?? now
  const condition = { type: 'Available', status, lastTransitionTime, ...(reason ? { reason } : {}), ...(message ? { message } : {}) }
  return [...current.filter((c) => c.type !== 'Available'), condition]
}
