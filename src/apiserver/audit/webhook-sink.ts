/** Audit events that go to a webhook (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend). */
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ReviewPeer } from '../review-peer.ts'
import type { AuditSink } from './audit-log.ts'

export type BatchOptions = {
  /** Events that may wait; what comes when so many do is dropped. */
  readonly bufferMax: number
  /** Events of one call. */
  readonly batchMax: number
  /** How long the first event of a batch waits for others. */
  readonly waitMaxMs: number
  /** Calls a second, and how many may come at once; 0: no bound. */
  readonly callsPerSecond: number
  readonly burst: number
}

/** Upstream's. */
export const defaultBatch: BatchOptions = { bufferMax: 10_000, batchMax: 400, waitMaxMs: 30_000, callsPerSecond: 10, burst: 15 }

type Parts = { readonly clock: Clock; readonly log: Log }

/** Of one call with the attempts that it takes. */
const callTimeoutMs = 60_000
/** When the server ends, what still waits has so long. */
const lastCallMs = 5_000

const eventList = (items: readonly object[]) => ({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items })

/** Every request waits until its event has been taken. */
export function blockingWebhookSink(peer: ReviewPeer, { log }: Parts): AuditSink {
  return {
    write: (event) =>
      peer.post(eventList([event]), { timeoutMs: callTimeoutMs }).then(
        () => true,
        (error: unknown) => {
          log.error({ error: (error as Error).message }, 'the audit webhook did not take an event')
          return false
        },
      ),
    full: () => undefined,
    close: async () => peer.close(),
  }
}

/** Nobody waits: events are gathered and sent in order. The log says, at most once a batch, how many were lost. */
export function batchWebhookSink(peer: ReviewPeer, batch: BatchOptions, { clock, log }: Parts): AuditSink {
  const waiting: object[] = []
  let dropped = 0
  let sending: Promise<void> | undefined
  let cancel: (() => void) | undefined
  const permit = pacer(batch, clock)
  const send = async (timeoutMs: number): Promise<void> => {
    const items = waiting.splice(0, batch.batchMax)
    try {
      await peer.post(eventList(items), { timeoutMs })
    } catch (error) {
      log.error({ error: (error as Error).message, events: items.length }, 'the audit webhook did not take a batch of events')
    }
    if (dropped === 0) return
    log.error({ events: dropped }, 'audit events were dropped: the webhook is slower than the requests')
    dropped = 0
  }
  const drain = async (): Promise<void> => {
    while (waiting.length >= batch.batchMax || (waiting.length > 0 && cancel === undefined)) {
      cancel?.()
      cancel = undefined
      await permit()
      await send(callTimeoutMs)
      // What came meanwhile waits for company again.
      if (waiting.length > 0 && waiting.length < batch.batchMax) cancel = clock.schedule(batch.waitMaxMs, due)
    }
  }
  const start = () => {
    sending ??= drain().finally(() => (sending = undefined))
  }
  const due = () => {
    cancel = undefined
    start()
  }
  return {
    write: (event) => {
      if (waiting.length >= batch.bufferMax) {
        dropped++
        return undefined
      }
      waiting.push(event)
      if (waiting.length >= batch.batchMax) start()
      else if (!sending) cancel ??= clock.schedule(batch.waitMaxMs, due)
      return undefined
    },
    full: () => undefined,
    close: async () => {
      cancel?.()
      await sending
      const deadlineMs = clock.monotonicMs() + lastCallMs
      while (waiting.length > 0 && clock.monotonicMs() < deadlineMs) await send(deadlineMs - clock.monotonicMs())
      peer.close()
    },
  }
}

/** A token bucket: settles when a call may be made. */
function pacer({ callsPerSecond, burst }: BatchOptions, clock: Clock): () => Promise<void> {
  let tokens = burst
  let filledAtMs = clock.monotonicMs()
  return async () => {
    if (callsPerSecond === 0) return
    const nowMs = clock.monotonicMs()
    tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) / 1000) * callsPerSecond) - 1
    filledAtMs = nowMs
    if (tokens < 0) await new Promise<void>((resolve) => clock.schedule((-tokens / callsPerSecond) * 1000, resolve))
  }
}
