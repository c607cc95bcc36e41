import { isFlagSet } from '../../machinery/query-flag.ts'
import type { RequestInfo } from '../http/request-info.ts'

/** Upstream's figures: one seat for a hundred objects, between one and ten seats (with a level's own limit below that). */
const objectsPerSeat = 100
const seatsMax = 10

/**
 * How many seats a request takes while it runs. A list or the start of a watch costs by the objects that it reads: those of its
 * page, or all that there are where a selector must look at each.
 */
export function seatsOf(info: RequestInfo, countObjects: () => number): number {
  if (info.type !== 'resource' || (info.verb !== 'list' && info.verb !== 'watch')) return 1
  if (info.verb === 'watch' && !sendsState(info.query)) return 1
  if (info.name !== '') return 1
  const total = countObjects()
  const limit = Number(info.query.get('limit') ?? 0)
  const isSelective = info.query.get('labelSelector') !== undefined || info.query.get('fieldSelector') !== undefined
  const read = limit > 0 && !isSelective ? Math.min(limit, total) : total
  return Math.min(seatsMax, Math.max(1, Math.ceil(read / objectsPerSeat)))
}

function sendsState(query: { get(name: string): string | undefined }): boolean {
  const asked = query.get('sendInitialEvents')
  if (asked !== undefined) return isFlagSet(asked)
  const version = query.get('resourceVersion')
  return version === undefined || version === '' || version === '0'
}
