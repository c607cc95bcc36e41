import { type Clock, sleep } from '../../base/clock.ts'
import { type EventBatch, type Revision, StoreCompacted, type StoreEvent, type WatchOptions } from '../contract.ts'
import type { KeyValue, WatchEvent, WatchResponse } from './etcd-messages.ts'
import { type EtcdMembers, isTransient } from './etcd-members.ts'
import type { KeySpace } from './key-space.ts'
import type { Terms } from './transaction.ts'

export type EtcdWatchOptions = Omit<WatchOptions, 'signal'> & {
  readonly members: EtcdMembers
  readonly clock: Clock
  readonly keys: KeySpace
  readonly terms: Terms
  readonly prefix: string
  readonly signal: AbortSignal
  /** What is known to have happened, from anywhere, and how to hear of more. */
  readonly knownRevision: () => Revision
  readonly onKnown: (listener: (revision: Revision) => void) => () => void
  /** Called with every revision that the watch has come to. */
  readonly onRevision: (revision: Revision) => void
}

const retryMinMs = 20
const retryMaxMs = 2_000
/** A watch that has not come in this time to a revision that is known to have happened goes on at another member. */
const stallMs = 2_000
/** All keys of etcd. */
const everything = { key: Buffer.from('\0'), range_end: Buffer.from('\0') }

/**
 * A watch on all of etcd, of which the entries under `prefix` are passed on. Whatever happens in etcd comes by: the revision of
 * the last event is one up to which everything has been delivered, and no mark has to be asked for. (The marks of etcd before
 * 3.4.31 and 3.5.13 may run ahead of events.) So an etcd should be Keelson's alone, or nearly so.
 *
 * Goes on at another member, from where it was, when its own breaks off, hangs or falls behind.
 */
export async function* watchEtcd(options: EtcdWatchOptions): AsyncGenerator<EventBatch> {
  const { clock, signal, members, terms } = options
  let position = options.after
  for (let retryMs = retryMinMs; !signal.aborted; ) {
    const stream = new AbortController()
    const { send, messages, member } = members.open<WatchResponse>('etcdserverpb.Watch/Watch', AbortSignal.any([signal, stream.signal]))
    const unguard = guard(
      options,
      () => position,
      () => stream.abort(),
    )
    try {
      send({ create_request: { ...everything, start_revision: terms.toEtcdRevision(position) + 1, prev_kv: true } })
      for await (const message of withMarks(messages, options)) {
        if (message !== mark) {
          const batch = toBatch(message, options)
          if (batch) {
            retryMs = retryMinMs
            position = batch.revision
            options.onRevision(position)
            if (batch.events.length > 0) yield batch
          }
        } else yield { revision: position, events: [] }
        if (signal.aborted) return
      }
    } catch (error) {
      if (!isTransient(error) && !(error instanceof WatchCanceled)) throw error
    } finally {
      unguard()
      stream.abort()
    }
    if (signal.aborted) return
    members.leave(member)
    await sleep(clock, retryMs, signal).catch(() => {})
    retryMs = Math.min(retryMs * 2, retryMaxMs)
  }
}

/** etcd ended the watch for a reason that may pass. */
class WatchCanceled extends Error {
  override name = 'WatchCanceled'
}

const mark = Symbol('a progress mark is due')

/** Undefined for messages without events. Throws StoreCompacted. */
function toBatch(message: WatchResponse, options: EtcdWatchOptions): EventBatch | undefined {
  const { keys, terms, prefix } = options
  if (message.compact_revision > 0) throw new StoreCompacted(terms.toRevision(message.compact_revision))
  if (message.canceled) throw new WatchCanceled(message.cancel_reason)
  const last = message.events.at(-1)
  if (!last) return undefined
  const wanted = Buffer.from(keys.dataPrefix + prefix)
  const events = message.events.filter(({ kv }) => keys.holds(kv.key, wanted)).map((event) => toEvent(event, options))
  return { revision: terms.toRevision(last.kv.mod_revision), events }
}

function toEvent({ type, kv, prev_kv: previous }: WatchEvent, { keys, terms }: EtcdWatchOptions): StoreEvent {
  const key = keys.toKey(kv.key)
  const revision = terms.toRevision(kv.mod_revision)
  const of = (found: KeyValue) => ({
    revision: terms.toRevision(found.mod_revision),
    createRevision: terms.toRevision(found.create_revision),
    value: found.value,
  })
  if (type === 'PUT') return { type: 'put', key, ...of(kv), previous: previous ? terms.toRevision(previous.mod_revision) : undefined }
  // What was deleted is gone only when a compaction has overtaken the watch.
  if (!previous) throw new StoreCompacted(revision)
  return { type: 'delete', key, revision, previous: { key, ...of(previous) } }
}

/** The messages, with a mark whenever none came for `progressMs`. */
async function* withMarks(
  messages: AsyncIterable<WatchResponse>,
  { clock, progressMs = 0 }: Pick<EtcdWatchOptions, 'clock' | 'progressMs'>,
): AsyncGenerator<WatchResponse | typeof mark> {
  if (progressMs <= 0) {
    yield* messages
    return
  }
  const reader = messages[Symbol.asyncIterator]()
  try {
    for (let next = reader.next(); ; ) {
      let cancel = () => {}
      const due = new Promise<typeof mark>((resolve) => {
        cancel = clock.schedule(progressMs, () => resolve(mark))
      })
      const first = await Promise.race([next, due])
      cancel()
      if (first === mark) yield mark
      else if (first.done) return
      else {
        yield first.value
        next = reader.next()
      }
    }
  } finally {
    // Not waited for: it waits for the read under way, which ends with the stream.
    void reader.return?.()
  }
}

/** Calls `onStall` when the watch has not come to a revision `stallMs` after it became known. Returns the end of it. */
function guard(options: EtcdWatchOptions, position: () => Revision, onStall: () => void): () => void {
  const { clock, knownRevision, onKnown } = options
  let cancel: (() => void) | undefined
  const expect = (revision: Revision) => {
    if (cancel || revision <= position()) return
    cancel = clock.schedule(stallMs, () => {
      cancel = undefined
      if (position() < revision) onStall()
      else expect(knownRevision())
    })
  }
  const ignore = onKnown(expect)
  expect(knownRevision())
  return () => {
    ignore()
    cancel?.()
  }
}
