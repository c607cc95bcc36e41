import type { Cancel, Clock } from '../../base/clock.ts'

/** As much of a socket as is needed here. */
export type IdleSocket = { destroy(): void }

/**
 * Closes HTTP/1.1 connections on which nothing has been asked for long. Node's own way sets and clears two timers with each request, which
 * is a tenth of what a small answer costs; here a request notes a number, and one timer for all looks at them, while there are any.
 */
export type IdleSockets = {
  /** A request has come. */
  began(socket: IdleSocket): void
  /** Its answer has gone. */
  ended(socket: IdleSocket): void
  gone(socket: IdleSocket): void
  stop(): void
}

/** `requests`: under way. `lastRound`: of its last answer. */
type Use = { requests: number; lastRound: number }

/** A connection is closed `idleMs` to twice that after its last answer. */
export function createIdleSockets(clock: Clock, idleMs: number): IdleSockets {
  const known = new Map<IdleSocket, Use>()
  let round = 0
  let cancel: Cancel | undefined
  let isStopped = false
  const look = () => {
    cancel = undefined
    for (const [socket, { requests, lastRound }] of known) {
      if (requests > 0 || lastRound === round) continue
      known.delete(socket)
      socket.destroy()
    }
    round++
    arm()
  }
  const arm = () => {
    if (known.size > 0 && !isStopped) cancel ??= clock.schedule(idleMs, look)
  }
  return {
    began: (socket) => {
      const use = known.get(socket)
      if (use) use.requests++
      else known.set(socket, { requests: 1, lastRound: round })
      if (!cancel) arm()
    },
    ended: (socket) => {
      const use = known.get(socket)
      if (!use) return
      use.requests--
      use.lastRound = round
    },
    gone: (socket) => {
      known.delete(socket)
    },
    stop: () => {
      isStopped = true
      cancel?.()
      known.clear()
    },
  }
}
