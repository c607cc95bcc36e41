import type { PathHandler } from '../pipeline.ts'
import type { FlowGate } from './flow-gate.ts'
import type { FlowStatistics, RejectReason } from './flow-metrics.ts'
import type { Level } from './seat-pool.ts'

const root = '/debug/api_priority_and_fairness/'

/** What the gate looks like now, in upstream's tables (https://kubernetes.io/docs/reference/debug-cluster/flow-control/). */
export function flowDumps(gate: FlowGate): PathHandler {
  const dumps: Readonly<Record<string, () => readonly (readonly (string | number | boolean)[])[]>> = {
    dump_priority_levels: () => levelRows(gate),
    dump_queues: () => queueRows(gate),
    dump_requests: () => requestRows(gate),
  }
  return ({ path }) => {
    if (!path.startsWith(root)) return undefined
    const name = path.slice(root.length)
    const rows = Object.hasOwn(dumps, name) ? dumps[name]!() : undefined
    if (!rows) return undefined
    const body = Buffer.from(rows.map((row) => `${row.join(', ')}\n`).join(''))
    return { code: 200, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' }, body }
  }
}

const sum = (all: readonly FlowStatistics[], read: (one: FlowStatistics) => number) => all.reduce((total, one) => total + read(one), 0)

function levelRows(gate: FlowGate) {
  const { pool } = gate
  const header =
    'PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests, TimedoutRequests, CancelledRequests'
  const all = [...gate.statistics()]
  const rows = [...pool.levels.values()].map((level) => {
    const own = all.filter((one) => one.level === level.name)
    const refused = (...reasons: RejectReason[]) =>
      sum(own, ({ rejected }) => reasons.reduce((n, reason) => n + (rejected.get(reason) ?? 0), 0))
    const isIdle = level.executing === 0 && level.waiting === 0
    const state = [level.busy.size, isIdle, level.isLeaving, level.waiting, level.executing]
    const counts = [
      sum(own, (one) => one.dispatched),
      refused('queue-full', 'concurrency-limit'),
      refused('time-out'),
      refused('cancelled'),
    ]
    return [level.name, ...state, ...counts]
  })
  return [[header], ...rows]
}

function queuesOf(level: Level) {
  return [...level.queues].filter(([, queue]) => queue.waiting.length > 0 || queue.seatsInUse > 0).sort(([a], [b]) => a - b)
}

function queueRows({ pool }: FlowGate) {
  const rows = [...pool.levels.values()].flatMap((level) =>
    queuesOf(level).map(([index, { waiting, seatsInUse, nextStart }]) => [
      level.name,
      index,
      waiting.length,
      seatsInUse,
      nextStart.toFixed(3),
    ]),
  )
  return [['PriorityLevelName, Index, PendingRequests, SeatsInUse, NextDispatchR'], ...rows]
}

function requestRows({ pool }: FlowGate) {
  const rows = [...pool.levels.values()].flatMap((level) =>
    queuesOf(level).flatMap(([index, { waiting }]) =>
      waiting.map(({ flow, seats }, at) => {
        const slash = flow.indexOf('/')
        return [level.name, flow.slice(0, slash), index, at, flow.slice(slash + 1), seats]
      }),
    ),
  )
  return [['PriorityLevelName, FlowSchemaName, QueueIndex, RequestIndexInQueue, FlowDistingsher, InitialSeats'], ...rows]
}
