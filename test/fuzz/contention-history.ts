/** What a watch told of one kind from the start on, and whether it is all true: every event possible, every answered write among them once. */
import type { Client, ResourceClient, WatchEvent } from '../../src/client/contract.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { Random } from '../../src/base/random.ts'
import type { KindRef } from '../../src/kinds/kind.ts'
import { deepEqual } from '../../src/machinery/deep-equal.ts'
import { keyOf, type KubeObject } from '../../src/machinery/object.ts'
import { isStatus } from '../../src/machinery/status-error.ts'

export type ObjectEvent = Exclude<WatchEvent<KubeObject>, { type: 'BOOKMARK' }>
export type AnsweredWrite = { readonly what: string; readonly type: 'put' | 'delete'; readonly object: KubeObject }

const numberOf = ({ metadata }: KubeObject) => Number(metadata.resourceVersion)

/** One kind's events in order, by a watch that takes up where it was cut. */
export class KindHistory {
  readonly kind: KindRef
  /** What the events leave, by key. */
  readonly live = new Map<string, KubeObject>()
  readonly faults: string[] = []
  readonly #client: Client
  readonly #resource: ResourceClient<KubeObject>
  /** By key and resourceVersion. */
  readonly #puts = new Set<string>()
  /** By UID: the version of the end. */
  readonly #deletions = new Map<string, string>()
  readonly #onEvent: (history: KindHistory, event: ObjectEvent) => void
  /** Revisions of which nothing was told. */
  readonly #gaps: { readonly from: number; readonly to: number }[] = []
  #revision = 0

  constructor(client: Client, kind: KindRef, onEvent: (history: KindHistory, event: ObjectEvent) => void) {
    this.kind = kind
    this.#client = client
    this.#resource = client.resource(kind)
    this.#onEvent = onEvent
  }

  /** Everything up to it was told. */
  get revision(): number {
    return this.#revision
  }

  /** How often the events had to begin anew from a list. */
  get restarts(): number {
    return this.#gaps.length
  }

  async begin(): Promise<void> {
    try {
      const { items, metadata } = await this.#resource.list()
      for (const item of items) {
        this.live.set(keyOf(item), item)
        this.#puts.add(this.#putOf(item))
      }
      this.#revision = Number(metadata.resourceVersion)
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error
      // Nobody serves it yet: all there will be comes after now.
      const { metadata } = await this.#client.resource(kindRefs.coreV1.namespaces).list({ limit: 1 })
      this.#revision = Number(metadata.resourceVersion)
    }
  }

  /** Until the signal aborts, by watches that are cut at random; `pause` is between two. */
  async follow(signal: AbortSignal, { random, pause }: { readonly random: Random; readonly pause: () => Promise<void> }): Promise<void> {
    while (!signal.aborted) {
      try {
        const watch = this.#resource.watch({ signal, resourceVersion: String(this.#revision), allowWatchBookmarks: true })
        for await (const event of watch) {
          this.#take(event)
          if (random.below(cutEvery) === 0) break
        }
      } catch (error) {
        if (signal.aborted) return
        // A server that was killed remembers no events of before.
        if (isStatus(error, 'Expired')) await this.#startOver().catch(() => {})
      }
      await pause().catch(() => {})
    }
  }

  /** From a list on. Of what happened since the last event only the end is known. */
  async #startOver(): Promise<void> {
    const from = this.#revision
    const { items, metadata } = await this.#resource.list()
    this.live.clear()
    for (const item of items) {
      this.live.set(keyOf(item), item)
      this.#puts.add(this.#putOf(item))
    }
    this.#revision = Number(metadata.resourceVersion)
    this.#gaps.push({ from, to: this.#revision })
  }

  #isInGap(revision: number): boolean {
    return this.#gaps.some(({ from, to }) => revision > from && revision <= to)
  }

  /** Compares with what a list says at its revision, which must have been told. */
  checkList(items: readonly KubeObject[]): void {
    const listed = new Map(items.map((item) => [keyOf(item), item]))
    for (const key of new Set([...listed.keys(), ...this.live.keys()])) {
      const [own, other] = [this.live.get(key), listed.get(key)]
      if (own === undefined || other === undefined) this.#fail(`${key} is ${own ? 'only in the watch' : 'only in the list'}`)
      else if (!deepEqual({ ...own, kind: '', apiVersion: '' }, { ...other, kind: '', apiVersion: '' }))
        this.#fail(`${key} differs: watch ${JSON.stringify(own)} list ${JSON.stringify(other)}`)
    }
  }

  checkAnswer({ what, type, object }: AnsweredWrite): void {
    const { uid = '', resourceVersion } = object.metadata
    // Who lets go of what was to go gets what it was in the end.
    const isEnd = this.#deletions.get(uid) === resourceVersion
    const isUnknown = this.#isInGap(Number(resourceVersion))
    if (type === 'put' && !this.#puts.has(this.#putOf(object)) && !isEnd && !isUnknown)
      this.#fail(`${what}: ${keyOf(object)} at ${resourceVersion} was answered and never told`)
    if (type === 'delete' && !this.#deletions.has(uid) && this.#gaps.length === 0)
      this.#fail(`${what}: the end of ${keyOf(object)} (${uid}) was answered and never told`)
  }

  #putOf(object: KubeObject): string {
    return `${keyOf(object)} ${object.metadata.uid} ${object.metadata.resourceVersion}`
  }

  #take(event: WatchEvent<KubeObject>): void {
    if (event.type === 'BOOKMARK') {
      this.#revision = Math.max(this.#revision, Number(event.resourceVersion))
      return
    }
    const { type, object } = event
    const key = keyOf(object)
    const before = this.live.get(key)
    if (numberOf(object) <= this.#revision) this.#fail(`${key}: ${type} at ${numberOf(object)} after ${this.#revision}`)
    this.#revision = Math.max(this.#revision, numberOf(object))
    if (type === 'ADDED' && before) this.#fail(`${key} was added at ${numberOf(object)} while it was there`)
    if (type !== 'ADDED' && before?.metadata.uid !== object.metadata.uid)
      this.#fail(`${key}: ${type} at ${numberOf(object)} of ${object.metadata.uid}, but ${before?.metadata.uid} was there`)
    if (type === 'DELETED') {
      this.live.delete(key)
      this.#deletions.set(object.metadata.uid ?? '', object.metadata.resourceVersion ?? '')
    } else {
      this.live.set(key, object)
      this.#puts.add(this.#putOf(object))
    }
    this.#onEvent(this, event)
  }

  #fail(message: string): void {
    if (this.faults.length < faultsMax) this.faults.push(`${this.kind.plural}: ${message}`)
  }
}

const faultsMax = 20
/** Events, in the mean. */
const cutEvery = 20
