/**
 * Writes events.k8s.io/v1 Events about pods, as upstream's scheduler does:
 *  1. The same again within six minutes (kind of report, reporter, pod as it was, who else) makes the stored event a series of two.
 *  2. From then on it is only counted: the count is written when the series has been quiet for six minutes, and every half an hour.
 * Source: client-go's tools/events.
 */
import { type Cancel, type Clock, toMicroTime } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { ObjectReference, Pod } from '../kinds/generated/types/core-v1.ts'
import type { Event, EventSeries } from '../kinds/generated/types/events-v1.ts'
import { dns1123Subdomain } from '../machinery/names.ts'
import { isStatus } from '../machinery/status-error.ts'

export type PodEvent = {
  readonly pod: Pod
  /** Who else has to do with it: the pod that another makes room for. (Upstream's 1.36 means to name it, but hands over what it cannot name.) */
  readonly related?: Pod
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  /** What was done, or tried. */
  readonly action: string
  /** At most 1,024 bytes of it are written. */
  readonly note: string
  /** Whose decision it is: the profile's name. */
  readonly reporter: string
  readonly atMs: number
}

const noteBytesMax = 1_024
const finishMs = 360_000
const refreshMs = 1_800_000
/** Reports that the next one is compared with; of more the oldest are forgotten, and begin anew. */
const rememberedMax = 4_096
/** Names that are tried for an event: others tell of the same pod in the same millisecond. */
const namesMax = 16

type Remembered = { readonly event: Event; lastMs: number; count: number; written: number; writtenMs: number }

export type EventSeriesOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The machine that reports. */
  readonly host: string
  readonly onDropped: () => void
}

export class EventSeriesWriter {
  readonly #options: EventSeriesOptions
  readonly #remembered = new Map<string, Remembered>()
  #serial = 0
  #cancelCheck: Cancel | undefined

  constructor(options: EventSeriesOptions) {
    this.#options = options
  }

  /** Resolves when all are written or dropped. Never rejects. */
  async write(events: readonly PodEvent[]): Promise<void> {
    const created: Remembered[] = []
    const repeated = new Set<Remembered>()
    for (const event of events) {
      const [known, isNew] = this.#observe(event)
      if (isNew) created.push(known)
      else if (known.written < 2) repeated.add(known)
    }
    await Promise.all(created.map((known) => this.#create(known)))
    await Promise.all([...repeated].map((known) => this.#writeSeries(known)))
    if (repeated.size > 0) this.#cancelCheck ??= this.#options.clock.schedule(finishMs, () => void this.#check())
  }

  /** Series that go on are left as they are. */
  close(): void {
    this.#cancelCheck?.()
  }

  #observe(event: PodEvent): [Remembered, isNew: boolean] {
    const made = this.#eventOf(event)
    const { type, action, reason, reportingInstance, regarding, related } = made
    const key = JSON.stringify([type, action, reason, reportingInstance, regarding, related])
    const known = this.#remembered.get(key)
    if (known && event.atMs - known.lastMs < finishMs) {
      known.count++
      known.lastMs = event.atMs
      return [known, false]
    }
    const fresh = { event: made, lastMs: event.atMs, count: 1, written: 0, writtenMs: event.atMs }
    this.#remembered.delete(key)
    this.#remembered.set(key, fresh)
    if (this.#remembered.size > rememberedMax) this.#remembered.delete(this.#remembered.keys().next().value!)
    return [fresh, true]
  }

  #eventOf({ pod, related, type, reason, action, note, reporter, atMs }: PodEvent): Event {
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: this.#nameFor(pod, atMs), namespace: pod.metadata.namespace ?? '' },
      eventTime: toMicroTime(atMs),
      reportingController: reporter,
      reportingInstance: `${reporter}-${this.#options.host}`,
      action,
      reason,
      regarding: referenceTo(pod),
      ...(related ? { related: referenceTo(related) } : {}),
      note: truncated(note),
      type,
    }
  }

  #nameFor({ metadata }: Pod, atMs: number): string {
    const name = `${metadata.name}.${(BigInt(Math.floor(atMs)) * 1_000_000n + BigInt(this.#serial++ % 1_000_000)).toString(16)}`
    return dns1123Subdomain(name).length === 0 ? name : this.#options.random.uuid()
  }

  async #create(known: Remembered, series?: EventSeries): Promise<void> {
    const { event } = known
    const { name = '', namespace = '' } = event.metadata
    const events = this.#options.client.resource(kindRefs.eventsV1.events, namespace)
    for (let attempt = 0; ; attempt++) {
      try {
        // Another component told of the same pod in the same millisecond: the next name.
        if (attempt > 0) event.metadata.name = this.#nameFor({ metadata: { name: event.regarding?.name ?? name } }, known.lastMs)
        await events.create(series ? { ...event, series } : event)
        known.written = series?.count ?? 1
        return
      } catch (error) {
        if (attempt >= namesMax || !isStatus(error, 'AlreadyExists')) return this.#dropped(known, error)
      }
    }
  }

  async #writeSeries(known: Remembered): Promise<void> {
    const { event, count, lastMs } = known
    const { name = '', namespace } = event.metadata
    const series = { count, lastObservedTime: toMicroTime(lastMs) }
    known.writtenMs = this.#options.clock.now()
    try {
      const patch = { type: 'strategic', body: { series } } as const
      await this.#options.client.resource(kindRefs.eventsV1.events, namespace).patch(name, patch)
      known.written = count
    } catch (error) {
      // It has expired meanwhile.
      if (isStatus(error, 'NotFound')) await this.#create(known, series)
      else this.#dropped(known, error)
    }
  }

  /** Writes the counts of series that have ended or go on for long. There is a next look only while there are series. */
  async #check(): Promise<void> {
    this.#cancelCheck = undefined
    const nowMs = this.#options.clock.now()
    const due: Remembered[] = []
    let isGoingOn = false
    for (const [key, known] of this.#remembered) {
      const hasEnded = nowMs - known.lastMs >= finishMs
      if (hasEnded) this.#remembered.delete(key)
      else if (known.count > 1) isGoingOn = true
      if (known.count > known.written && (hasEnded || nowMs - known.writtenMs >= refreshMs)) due.push(known)
    }
    if (isGoingOn) this.#cancelCheck = this.#options.clock.schedule(finishMs, () => void this.#check())
    await Promise.all(due.map((known) => this.#writeSeries(known)))
  }

  #dropped({ event }: Remembered, error: unknown): void {
    this.#options.onDropped()
    this.#options.log.debug({ reason: event.reason, error: String(error) }, 'an event could not be written')
  }
}

function referenceTo({ metadata: { namespace, name, uid, resourceVersion } }: Pod): ObjectReference {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
  }
}

function truncated(note: string): string {
  if (Buffer.byteLength(note) <= noteBytesMax) return note
  const suffix = ' ...'
  let kept = note.slice(0, noteBytesMax - suffix.length)
  while (Buffer.byteLength(kept) > noteBytesMax - suffix.length) kept = kept.slice(0, -1)
  return kept + suffix
}
