/** Audit events that go to a webhook (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend). */
import type { Log } from '../../base/log.ts'
import type { ReviewPeer } from '../reach/review-peer.ts'
import type { AuditSink } from './audit-log.ts'
import type { BatchTarget } from './batch-sink.ts'

/** `failed` is told of how many events a call could not hand over. */
type Parts = { readonly log: Log; readonly failed: (events: number) => void }

/** Of one call with the attempts that it takes. */
const callTimeoutMs = 60_000

const eventList = (items: readonly object[]) => ({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items })

/** Every request waits until its event has been taken. */
export function blockingWebhookSink(peer: ReviewPeer, { log, failed }: Parts): AuditSink {
  return {
    write: (event) =>
      peer.post(eventList([event]), { timeoutMs: callTimeoutMs }).then(
        () => true,
        (error: unknown) => {
          log.error({ error: (error as Error).message }, 'the audit webhook did not take an event')
          failed(1)
          return false
        },
      ),
    full: () => undefined,
    close: async () => peer.close(),
  }
}

/** A call a batch, or several where one would have more than `bytesMax`. */
export function webhookTarget(peer: ReviewPeer, { log, failed, bytesMax = Infinity }: Parts & { readonly bytesMax?: number }): BatchTarget {
  return {
    deliver: async (batch, timeoutMs) => {
      for (const events of partsOf(batch, bytesMax)) {
        try {
          await peer.post(eventList(events), { timeoutMs })
        } catch (error) {
          log.error({ error: (error as Error).message, events: events.length }, 'the audit webhook did not take a batch of events')
          failed(events.length)
        }
      }
    },
    close: () => peer.close(),
  }
}

function partsOf(events: readonly object[], bytesMax: number): readonly (readonly object[])[] {
  if (bytesMax === Infinity) return [events]
  const parts: object[][] = []
  let room = 0
  for (const event of events) {
    const bytes = Buffer.byteLength(JSON.stringify(event))
    if (parts.length === 0 || bytes > room) {
      parts.push([])
      room = bytesMax
    }
    parts.at(-1)!.push(event)
    room -= bytes
  }
  return parts
}
