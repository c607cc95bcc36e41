/**
 * The seats of the server and who may take them: pure rules over plain state, without time. A seat is a request's worth of work at the
 * same time; a level is a PriorityLevelConfiguration.
 *
 *  1. Every level can always use its nominal seats but for those that it lends.
 *  2. Beyond them it takes what no other level uses or has kept for itself, up to its borrowing limit. Upstream moves limits about every
 *     ten seconds by a forecast of the demand; here lending is decided at each start, so an idle server moves nothing.
 *  3. Within a level, queues are served by start-time fair queuing: each pays for the seats and the time that its requests took.
 *  4. One flow never has all seats of a level: a quarter is left for others, so who comes next need not wait for long requests to end.
 */
import type { PriorityLevelConfiguration } from '../../kinds/generated/types/flowcontrol-v1.ts'
import { dealHand } from './shuffle-shard.ts'

export type SeatPool = {
  /** Seats of all limited levels together. */
  readonly total: number
  readonly levels: Map<string, Level>
  waiting: number
}

export type Level = {
  readonly name: string
  uid: string
  limits: Limits
  /** Undefined: what cannot start at once is refused. */
  queuing: { readonly queues: number; readonly handSize: number; readonly lengthMax: number } | undefined
  /** Made when first used: a level may be declared with millions of them. */
  readonly queues: Map<number, Queue>
  /** Queues in which somebody waits. */
  readonly busy: Set<Queue>
  /** The start tag of the request that started last: where a queue that was empty joins in. */
  virtualTime: number
  seatsInUse: number
  executing: number
  waiting: number
  waitingSeats: number
  /** Seats in use by flow; only flows that have some. */
  readonly flows: Map<string, number>
  readonly hands: Map<string, readonly number[]>
  /** Its configuration is gone: it ends with its last request. */
  isLeaving: boolean
}

export type Limits = {
  readonly isExempt: boolean
  readonly nominal: number
  /** Nominal but for what is lent to others. */
  readonly lower: number
  /** With all that may be borrowed. */
  readonly upper: number
}

export type Queue = { waiting: Waiting[]; seatsInUse: number; nextStart: number }

/** A request that waits; `queue` is where. */
export type Waiting = { readonly flow: string; readonly seats: number; queue: Queue | undefined }

/** What a started request must give back. */
export type Holding = { readonly level: Level; readonly queue: Queue | undefined; readonly flow: string; readonly seats: number }

/** Until it is known how long a request takes, it is charged with this. */
const expectedMs = 3
const flowShareMax = 0.75
const handsMax = 4_096

export function createSeatPool(total: number): SeatPool {
  return { total, levels: new Map(), waiting: 0 }
}

/** Upstream's shares: nominal seats in proportion, rounded up. */
export function limitsOf(level: PriorityLevelConfiguration, all: readonly PriorityLevelConfiguration[], total: number): Limits {
  const sharesOf = ({ spec }: PriorityLevelConfiguration) => (spec?.limited ?? spec?.exempt)?.nominalConcurrencyShares ?? 0
  const sum = all.reduce((shares, one) => shares + sharesOf(one), 0)
  const nominal = sum === 0 ? 0 : Math.ceil((total * sharesOf(level)) / sum)
  const { lendablePercent = 0 } = level.spec?.limited ?? level.spec?.exempt ?? {}
  const borrowing = level.spec?.limited?.borrowingLimitPercent
  return {
    isExempt: level.spec?.type === 'Exempt',
    nominal,
    lower: nominal - Math.round((nominal * lendablePercent) / 100),
    upper: borrowing === undefined ? total : Math.min(total, nominal + Math.round((nominal * borrowing) / 100)),
  }
}

/** Brings the levels into step with their configurations. Who waits is dealt anew where the queues changed. */
export function configure(pool: SeatPool, levels: readonly PriorityLevelConfiguration[]): void {
  const names = new Set(levels.map((l) => l.metadata.name ?? ''))
  for (const level of pool.levels.values()) if (!names.has(level.name)) level.isLeaving = true
  for (const configuration of levels) {
    const name = configuration.metadata.name ?? ''
    const known = pool.levels.get(name)
    const level = known ?? emptyLevel(name)
    level.isLeaving = false
    level.uid = configuration.metadata.uid ?? ''
    level.limits = limitsOf(configuration, levels, pool.total)
    const { type, queuing } = configuration.spec?.limited?.limitResponse ?? {}
    const { queues = 64, handSize = 8, queueLengthLimit: lengthMax = 50 } = queuing ?? {}
    const before = level.queuing
    level.queuing = type === 'Queue' ? { queues, handSize, lengthMax } : undefined
    if (before?.queues !== level.queuing?.queues || before?.handSize !== level.queuing?.handSize) dealAnew(level)
    pool.levels.set(name, level)
  }
  dropEnded(pool)
}

function emptyLevel(name: string): Level {
  const limits = { isExempt: false, nominal: 0, lower: 0, upper: 0 }
  const counts = { virtualTime: 0, seatsInUse: 0, executing: 0, waiting: 0, waitingSeats: 0 }
  const places = { queues: new Map(), busy: new Set<Queue>(), flows: new Map(), hands: new Map() }
  return { name, uid: '', limits, queuing: undefined, isLeaving: false, ...places, ...counts }
}

/** Who waits where there are no queues any more waits to its end in one of its own. */
function dealAnew(level: Level): void {
  const waiting = [...level.busy].flatMap((queue) => queue.waiting)
  level.hands.clear()
  level.queues.clear()
  level.busy.clear()
  for (const one of waiting) {
    const queue = shortestOf(level, one.flow)
    one.queue = queue
    queue.waiting.push(one)
    level.busy.add(queue)
  }
}

function dropEnded(pool: SeatPool): void {
  for (const level of pool.levels.values())
    if (level.isLeaving && level.executing === 0 && level.waiting === 0) pool.levels.delete(level.name)
}

/** The seats that a request takes can never be more than what its level has by right. */
export function boundedSeats(level: Level, seats: number): number {
  return level.limits.isExempt ? seats : Math.max(1, Math.min(seats, level.limits.nominal))
}

/** Takes the seats at once. Undefined: they are not free, or somebody of the level waits already. */
export function tryStart(pool: SeatPool, level: Level, flow: string, seats: number): Holding | undefined {
  if (!level.limits.isExempt && (level.waiting > 0 || !hasRoom(level, roomOf(pool, level), flow, seats))) return undefined
  return take(level, level.queuing ? shortestOf(level, flow) : undefined, flow, seats)
}

/** Lets a request wait in the shortest queue of its flow's hand. False: that is full, or the level has no queues. */
export function enqueue(pool: SeatPool, level: Level, waiting: Waiting): boolean {
  if (!level.queuing) return false
  const queue = shortestOf(level, waiting.flow)
  if (queue.waiting.length >= level.queuing.lengthMax) return false
  if (queue.waiting.length === 0 && queue.seatsInUse === 0) queue.nextStart = Math.max(queue.nextStart, level.virtualTime)
  waiting.queue = queue
  queue.waiting.push(waiting)
  level.busy.add(queue)
  level.waiting++
  level.waitingSeats += waiting.seats
  pool.waiting++
  return true
}

/** Takes a request that gave up out of its queue. */
export function leaveQueue(pool: SeatPool, level: Level, waiting: Waiting): void {
  const at = waiting.queue?.waiting.indexOf(waiting) ?? -1
  if (at < 0) return
  takeOut(pool, level, waiting, at)
  dropEnded(pool)
}

function takeOut(pool: SeatPool, level: Level, waiting: Waiting, at: number): void {
  const queue = waiting.queue!
  queue.waiting.splice(at, 1)
  if (queue.waiting.length === 0) level.busy.delete(queue)
  waiting.queue = undefined
  level.waiting--
  level.waitingSeats -= waiting.seats
  pool.waiting--
}

/** Gives the seats back, and corrects what the queue was charged by the time that was really taken. */
export function release(pool: SeatPool, { level, queue, flow, seats }: Holding, tookMs: number): void {
  level.seatsInUse -= seats
  level.executing--
  if (queue) {
    queue.seatsInUse -= seats
    queue.nextStart += seats * (tookMs - expectedMs)
  }
  const left = (level.flows.get(flow) ?? 0) - seats
  if (left > 0) level.flows.set(flow, left)
  else level.flows.delete(flow)
  if (level.isLeaving) dropEnded(pool)
}

/** The next request that may start, with its seats taken; undefined when none can. The level furthest below its right comes first. */
export function startNext(pool: SeatPool): { readonly waiting: Waiting; readonly holding: Holding } | undefined {
  if (pool.waiting === 0) return undefined
  const levels = [...pool.levels.values()].filter((level) => level.waiting > 0)
  levels.sort((a, b) => a.seatsInUse / Math.max(1, a.limits.nominal) - b.seatsInUse / Math.max(1, b.limits.nominal))
  for (const level of levels) {
    const queue = nextQueue(pool, level)
    if (!queue) continue
    const waiting = queue.waiting[0]!
    takeOut(pool, level, waiting, 0)
    return { waiting, holding: take(level, queue, waiting.flow, waiting.seats) }
  }
  return undefined
}

/** The queue whose first request would end soonest by its own account, among those that can start. */
function nextQueue(pool: SeatPool, level: Level): Queue | undefined {
  const room = roomOf(pool, level)
  let best: Queue | undefined
  let bestEnd = Number.POSITIVE_INFINITY
  for (const queue of level.busy) {
    const first = queue.waiting[0]!
    const end = queue.nextStart + first.seats * expectedMs
    if (end >= bestEnd || !hasRoom(level, room, first.flow, first.seats)) continue
    best = queue
    bestEnd = end
  }
  return best
}

function take(level: Level, queue: Queue | undefined, flow: string, seats: number): Holding {
  level.seatsInUse += seats
  level.executing++
  level.flows.set(flow, (level.flows.get(flow) ?? 0) + seats)
  if (queue) {
    if (queue.seatsInUse === 0 && queue.waiting.length === 0) queue.nextStart = Math.max(queue.nextStart, level.virtualTime)
    level.virtualTime = Math.max(level.virtualTime, queue.nextStart)
    queue.nextStart += seats * expectedMs
    queue.seatsInUse += seats
  }
  return { level, queue, flow, seats }
}

/** Seats that a level may have in use now: its own but for the lent ones, and what nobody else uses or keeps. */
export function roomOf(pool: SeatPool, level: Level): number {
  const { lower, upper } = level.limits
  let free = pool.total
  for (const other of pool.levels.values())
    if (other !== level && !other.limits.isExempt) free -= Math.max(other.seatsInUse, other.limits.lower)
  return Math.max(lower, Math.min(upper, free))
}

/** Whoever is alone may always start, however wide it is. */
function hasRoom(level: Level, room: number, flow: string, seats: number): boolean {
  if (level.seatsInUse > 0 && level.seatsInUse + seats > room) return false
  const has = level.flows.get(flow) ?? 0
  return has === 0 || has + seats <= room * flowShareMax
}

function shortestOf(level: Level, flow: string): Queue {
  let hand = level.hands.get(flow)
  if (!hand) {
    if (level.hands.size >= handsMax) level.hands.clear()
    hand = dealHand(flow, level.queuing ?? { queues: 1, handSize: 1 })
    level.hands.set(flow, hand)
  }
  let best: Queue | undefined
  for (const card of hand) {
    let queue = level.queues.get(card)
    if (!queue) level.queues.set(card, (queue = { waiting: [], seatsInUse: 0, nextStart: level.virtualTime }))
    if (!best || isShorter(queue, best)) best = queue
  }
  return best!
}

const isShorter = (a: Queue, b: Queue) =>
  a.waiting.length === b.waiting.length ? a.seatsInUse < b.seatsInUse : a.waiting.length < b.waiting.length
