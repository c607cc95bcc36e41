/**
 * Writes core/v1 Events about objects, folded as upstream's correlator folds them:
 *  1. The same event again raises `count` of the one that is stored.
 *  2. From the tenth different message of one reason on, none ten minutes after the one before, they become one "(combined from similar events)".
 *  3. At most 25 events of one type about one object in a burst, then one every five minutes.
 * Recording never throws and never blocks; what does not fit the bounded backlog is dropped and counted.
 */
import { type Clock, toTime } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Event } from '../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../machinery/object.ts'
import { isStatus } from '../machinery/status-error.ts'

export type EventRecorderOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  /** The events' source and reporting component. */
  readonly component: string
  /** The node that reports, for agents. */
  readonly host?: string
}

export type EventInput = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  /** The part of the object that it is about, e.g. `spec.containers{web}`. */
  readonly fieldPath?: string
  /** When it happened; default: now. */
  readonly atMs?: number
}

type Similar = { readonly messages: Set<string>; lastMs: number }
/** `key`: under which it is counted. `isCombined`: it stands for several, and so for no single report. */
type Folded = { readonly key: string; readonly message: string; readonly isCombined: boolean }
type Stored = { readonly name: string; readonly namespace: string; readonly firstTimestamp: string; count: number }
type Bucket = { tokens: number; atMs: number }

type Told = { readonly about: KubeObject; readonly event: EventInput; readonly objectKey: string }

function keyOfObject({ kind = '', apiVersion = '', metadata }: KubeObject): string {
  return [kind, apiVersion, metadata.namespace ?? '', metadata.name ?? '', metadata.uid ?? ''].join('\0')
}

/** Writes under way at once; the store joins their commits. */
const parallelMax = 64
const similarMax = 10
const similarWindowMs = 600_000
const burst = 25
const refillMs = 300_000
const rememberedMax = 4_096
const backlogMax = 1_000
const namesMax = 16

export class EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #similar = new Map<string, Similar>()
  readonly #stored = new Map<string, Stored>()
  readonly #buckets = new Map<string, Bucket>()
  readonly #backlog: { readonly about: KubeObject; readonly event: EventInput }[] = []
  #draining: Promise<void> | undefined
  #serial = 0
  droppedCount = 0

  constructor(options: EventRecorderOptions) {
    this.#options = options
  }

  record(about: KubeObject, event: EventInput): void {
    if (this.#backlog.length >= backlogMax) {
      this.droppedCount++
      return
    }
    this.#backlog.push({ about, event })
    this.#draining ??= this.#drain()
  }

  /** Resolves when everything recorded so far has been written or dropped. */
  async flushed(): Promise<void> {
    while (this.#draining) await this.#draining
  }

  async #drain(): Promise<void> {
    // The first step is taken in a later microtask, so that recording costs its caller nothing.
    await Promise.resolve()
    try {
      while (this.#backlog.length > 0) await Promise.all(this.#next().map((one) => this.#write(one)))
    } finally {
      // In the same turn as the last look: what is told between the two would wait for the next one to be told.
      this.#draining = undefined
    }
  }

  /** The oldest, up to the first that is about an object of one before it: what is told of one object is folded in its order. */
  #next(): readonly Told[] {
    const batch = new Map<string, Told>()
    let count = 0
    for (const { about, event } of this.#backlog) {
      const objectKey = keyOfObject(about)
      if (batch.size >= parallelMax || batch.has(objectKey)) break
      batch.set(objectKey, { about, event, objectKey })
      count++
    }
    this.#backlog.splice(0, count)
    return [...batch.values()]
  }

  async #write(told: Told): Promise<void> {
    try {
      await this.#tell(told)
    } catch (error) {
      this.droppedCount++
      this.#options.log.debug({ reason: told.event.reason, error: String(error) }, 'an event could not be written')
    }
  }

  async #tell({ about, event: input, objectKey }: Told): Promise<void> {
    const nowMs = this.#options.clock.now()
    const folded = this.#fold(objectKey, input, nowMs)
    const stored = this.#stored.get(folded.key)
    if (!this.#takeToken(`${objectKey}\0${input.type}`, nowMs)) {
      // What is not told is counted all the same: the next one that is tells of it.
      if (stored) stored.count++
      this.droppedCount++
      return
    }
    if (stored && (await this.#raise(stored, folded.message, nowMs))) return
    await this.#create(about, { input, ...folded, count: (stored?.count ?? 0) + 1 }, nowMs)
  }

  #fold(objectKey: string, { fieldPath = '', type, reason, message }: EventInput, nowMs: number): Folded {
    const groupKey = [objectKey, type, reason].join('\0')
    const known = this.#similar.get(groupKey)
    const messages = known && nowMs - known.lastMs <= similarWindowMs ? known.messages : new Set<string>()
    messages.add(message)
    remember(this.#similar, groupKey, { messages, lastMs: nowMs })
    if (messages.size < similarMax) return { key: [groupKey, fieldPath, message].join('\0'), message, isCombined: false }
    messages.delete(messages.values().next().value ?? '')
    return { key: groupKey, message: `(combined from similar events): ${message}`, isCombined: true }
  }

  #takeToken(objectKey: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(objectKey) ?? { tokens: burst, atMs: nowMs }
    bucket.tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) / refillMs)
    bucket.atMs = nowMs
    remember(this.#buckets, objectKey, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  async #raise(stored: Stored, message: string, nowMs: number): Promise<boolean> {
    const body = { count: stored.count + 1, lastTimestamp: toTime(nowMs), message }
    try {
      await this.#options.client.resource(kindRefs.coreV1.events, stored.namespace).patch(stored.name, { type: 'merge', body })
      stored.count++
      return true
    } catch (error) {
      // It has expired meanwhile: a new one begins.
      if (isStatus(error, 'NotFound')) return false
      throw error
    }
  }

  async #create(about: KubeObject, told: Folded & { readonly input: EventInput; readonly count: number }, nowMs: number): Promise<void> {
    const { input, key, count } = told
    const { component, host, client } = this.#options
    const { metadata } = about
    const namespace = metadata.namespace ?? 'default'
    const time = toTime(input.atMs ?? nowMs)
    const event: Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace },
      involvedObject: {
        ...(about.kind ? { kind: about.kind } : {}),
        ...(about.apiVersion ? { apiVersion: about.apiVersion } : {}),
        ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
        ...(metadata.name ? { name: metadata.name } : {}),
        ...(metadata.uid ? { uid: metadata.uid } : {}),
        ...(metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
        ...(input.fieldPath ? { fieldPath: input.fieldPath } : {}),
      },
      type: input.type,
      reason: input.reason,
      message: told.message.slice(0, 1024),
      source: { component, ...(host ? { host } : {}) },
      reportingComponent: told.isCombined ? '' : component,
      reportingInstance: told.isCombined ? '' : (host ?? ''),
      firstTimestamp: time,
      lastTimestamp: time,
      count,
    }
    const resource = client.resource(kindRefs.coreV1.events, namespace)
    for (let attempt = 1; ; attempt++) {
      const name = `${metadata.name}.${(BigInt(Math.floor(nowMs)) * 1_000_000n + BigInt(this.#serial++ % 1_000_000)).toString(16)}`
      try {
        await resource.create({ ...event, metadata: { name, namespace } })
        remember(this.#stored, key, { name, namespace, firstTimestamp: time, count })
        return
      } catch (error) {
        // Another component told of the same object in the same millisecond.
        if (attempt >= namesMax || !isStatus(error, 'AlreadyExists')) throw error
      }
    }
  }
}

/** Puts an entry in as the newest and drops the oldest beyond the limit. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > rememberedMax) map.delete(map.keys().next().value ?? '')
}
