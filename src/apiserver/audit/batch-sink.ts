/** Audit events that are gathered and handed over in batches: nobody waits for them. */
import type { Clock } from '../../base/clock.ts'
import type { AuditSink } from './audit-log.ts'

export type BatchOptions = {
  /** Events that may wait; what comes when so many do is dropped. */
  readonly bufferMax: number
  /** Events of one batch. */
  readonly batchMax: number
  /** How long the first event of a batch waits for others. */
  readonly waitMaxMs: number
  /** Batches a second, and how many may come at once; 0: no bound. */
  readonly callsPerSecond: number
  readonly burst: number
}

/** Upstream's, for a webhook. */
export const defaultBatch: BatchOptions = { bufferMax: 10_000, batchMax: 400, waitMaxMs: 30_000, callsPerSecond: 10, burst: 15 }
/** Upstream's, for a file: every event goes by itself. */
export const defaultLogBatch: BatchOptions = { bufferMax: 10_000, batchMax: 1, waitMaxMs: 0, callsPerSecond: 0, burst: 0 }

/** Where batches go. */
export type BatchTarget = {
  /** Never rejects: what fails is told where it fails. */
  deliver(events: readonly object[], timeoutMs: number): Promise<void>
  close(): Promise<void> | void
}

/** Of one batch with the attempts that it takes. */
const deliveryTimeoutMs = 60_000
/** When the server ends, what still waits has so long. */
const lastDeliveryMs = 5_000

/** Batches go in order. `dropped` is told, at most once a batch, how many events were lost. */
export function batchSink(
  target: BatchTarget,
  batch: BatchOptions,
  options: { clock: Clock; dropped: (events: number) => void },
): AuditSink {
  const { clock } = options
  const waiting: object[] = []
  let dropped = 0
  let sending: Promise<void> | undefined
  let cancel: (() => void) | undefined
  const permit = pacer(batch, clock)
  const send = async (timeoutMs: number): Promise<void> => {
    await target.deliver(waiting.splice(0, batch.batchMax), timeoutMs)
    if (dropped > 0) options.dropped(dropped)
    dropped = 0
  }
  const drain = async (): Promise<void> => {
    await Promise.resolve()
    try {
      while (waiting.length >= batch.batchMax || (waiting.length > 0 && cancel === undefined)) {
        cancel?.()
        cancel = undefined
        await permit()
        await send(deliveryTimeoutMs)
        // What came meanwhile waits for company again.
        if (waiting.length > 0 && waiting.length < batch.batchMax) cancel = clock.schedule(batch.waitMaxMs, due)
      }
    } finally {
      // In the same turn as the last look: what is written between the two would wait for the next one that is.
      sending = undefined
    }
  }
  const start = () => {
    sending ??= drain()
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
      const deadlineMs = clock.monotonicMs() + lastDeliveryMs
      while (waiting.length > 0 && clock.monotonicMs() < deadlineMs) await send(deadlineMs - clock.monotonicMs())
      await target.close()
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
