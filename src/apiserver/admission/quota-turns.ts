import { type Clock, sleep } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Operation, Revision, StoreKey } from '../../store/contract.ts'
import type { WatchCache } from '../../store/watch-cache-contract.ts'
import type { CachedObject } from '../objects/cached-object.ts'

/** Of several servers that write to one store: which of them may fill the quotas of a namespace now. */
export type QuotaTurns = {
  /** To be awaited, where it gives something, before anything is counted. Throws 409 when other servers keep coming first. */
  enter(namespace: string): Promise<void> | undefined
  /** What the commit must hold of what was counted. */
  guard(namespace: string): readonly Operation[]
  /** What goes with the namespace. */
  unclaim(namespace: string): readonly Operation[]
}

const prefix = '/registry/keelson.dev/quota-turns/'
/** So long at most a server waits before it takes the turn from another, whose writes under way come through meanwhile. */
const turnMsMax = 20
const attemptsMax = 25

/**
 * Whose turn it is says a mark in the store. A server counts only after it has seen its own mark, and every write that takes from a quota is
 * committed only while that mark is the one that it saw: so what it counted includes all that others wrote before, and others that want to
 * write must take the turn first, which ends its own. While one server alone writes into the namespace this costs nothing but the condition.
 */
export function createQuotaTurns(parts: {
  readonly cache: WatchCache<CachedObject>
  readonly clock: Clock
  readonly random: Random
}): QuotaTurns {
  const { cache, clock, random } = parts
  const identity = random.uuid()
  const taking = new Map<string, Promise<void>>()
  const keyOf = (namespace: string) => `${prefix}${namespace}` as StoreKey
  const entryOf = (namespace: string) => cache.get(keyOf(namespace))
  const ownRevision = (namespace: string): Revision | undefined => {
    const entry = entryOf(namespace)
    return entry?.value.object.metadata.uid === identity ? entry.revision : undefined
  }
  const take = async (namespace: string) => {
    const key = keyOf(namespace)
    const value = Buffer.from(JSON.stringify({ metadata: { name: namespace, uid: identity } }))
    for (let attempt = 1; ownRevision(namespace) === undefined; attempt++) {
      if (attempt > attemptsMax) throw statusErrors.staleVersion({ group: '', resource: 'resourcequotas' }, '')
      if (entryOf(namespace)) await sleep(clock, random.next() * turnMsMax)
      await cache.commit([{ type: 'put', key, value, expected: entryOf(namespace)?.revision ?? 'absent' }])
    }
  }
  return {
    enter: (namespace) => {
      if (ownRevision(namespace) !== undefined) return undefined
      let turn = taking.get(namespace)
      if (!turn) taking.set(namespace, (turn = take(namespace).finally(() => taking.delete(namespace))))
      return turn
    },
    // Not its own any more: nothing is ever at the first revision, so the write is made again.
    guard: (namespace) => [{ type: 'check', key: keyOf(namespace), expected: ownRevision(namespace) ?? lost }],
    unclaim: (namespace) => {
      const entry = entryOf(namespace)
      return entry ? [{ type: 'delete', key: entry.key, expected: entry.revision }] : []
    },
  }
}

const lost = 0 as Revision
