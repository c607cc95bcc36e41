import type { Cancel, Clock } from '../../base/clock.ts'
import type { ApiRequest, ApiResponse } from '../contract.ts'
import type { Core } from '../core.ts'
import { prefixOf } from '../registry.ts'
import type { RequestEnd } from '../http/request-end.ts'
import type { RequestInfo } from '../http/request-info.ts'
import type { FlowGate, Place, Ticket } from './flow-gate.ts'
import type { LoopShare } from './loop-share.ts'
import { createPace, type Pace } from './pace.ts'
import { seatsOf } from './seats.ts'

/** Priority and fairness as the pipeline uses them (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/). */
export type Fairness = { readonly gate: FlowGate; readonly share: LoopShare }

/** Parsing, authenticating and answering something small. */
const arrivalMs = 0.15
/** A client that takes nothing for so long gives its seats to others; its answer goes on when it reads again. */
const stalledMs = 1_000

/** A turn for a request that has just arrived, whose user nobody knows yet: those with the same credentials share. */
export function arrivalTurn({ share }: Fairness, { credentials, remoteAddress, headers }: ApiRequest): Promise<void> | undefined {
  const key = credentials.clientCertificate?.commonName ?? credentials.bearerToken ?? remoteAddress
  const impersonated = headers['impersonate-user']
  return share.turn(impersonated === undefined ? key : `${key} as ${String(impersonated)}`, arrivalMs)
}

/** Waits for the seats of a request. Throws 429. */
export function enterGate(
  { gate }: Fairness,
  core: Core,
  { place, info, asking }: { readonly place: Place; readonly info: RequestInfo; readonly asking: Pick<RequestEnd, 'signal'> },
): Ticket | Promise<Ticket> {
  return gate.enter(place, { seats: () => seatsOf(info, () => objectsOf(core, info)), isWatch: info.verb === 'watch', asking })
}

function objectsOf(core: Core, info: RequestInfo): number {
  const resource = info.type === 'resource' ? core.registry.find(info.group, info.version, info.resource) : undefined
  if (!resource || info.type !== 'resource') return 0
  return core.storage.cache.count(prefixOf(resource, info.namespace))
}

/** Exempt requests take no turns. */
export function paceOf(
  { share }: Fairness,
  clock: Clock,
  { place, end }: { readonly place: Place; readonly end: RequestEnd | undefined },
): Pace | undefined {
  return place.level.limits.isExempt ? undefined : createPace({ clock, share, flow: place.flow, end })
}

/** Names what judged the request, as upstream does. */
export function addPlaceHeaders(response: ApiResponse, { schema, level }: Place): void {
  response.headers['x-kubernetes-pf-flowschema-uid'] = schema.metadata.uid ?? ''
  response.headers['x-kubernetes-pf-prioritylevel-uid'] = level.uid
}

/** A body in blocks, each sent in its turn; the seats are given back at its end, or earlier when its reader stalls. */
export async function* heldBody(
  blocks: AsyncIterable<Uint8Array>,
  { clock, ticket, pace }: { readonly clock: Clock; readonly ticket: Ticket; readonly pace: Pace | undefined },
): AsyncGenerator<Uint8Array> {
  let cancel: Cancel | undefined
  try {
    for await (const block of blocks) {
      const turn = pace?.block(block.length)
      if (turn) await turn
      cancel = clock.schedule(stalledMs, () => ticket.finish())
      yield block
      cancel()
    }
  } finally {
    cancel?.()
    ticket.finish()
  }
}
