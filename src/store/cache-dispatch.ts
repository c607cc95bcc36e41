import type { Cancel, Clock } from '../base/clock.ts'
import type { Revision } from './contract.ts'
import type { CacheWatcher } from './cache-watcher.ts'
import type { CacheBatch, CacheEvent } from './watch-cache-contract.ts'

/**
 * Brings events to the watchers of their prefixes, and of their groups where they asked for one, without looking at any other.
 *
 * Watchers of one prefix share a topic, and all of them get the same batch object, so that whoever encodes a batch can keep
 * the bytes by its identity. An event finds its topics by looking up each prefix of its key that can be one: those that end
 * in a slash, and, below a folder, those of a length that some watcher there has (a watch on one key).
 *
 * Watchers that gather have a connection each, and a delivery costs a write to it whatever is in it. So after a delivery the next events
 * of a topic gather for as long again as it took all that waited for it to come back for more (20 ms at most): while there are many events,
 * writing them takes about half of the time, and after a quiet time they go out at once.
 */
export class CacheDispatch<T> {
  readonly #clock: Clock
  readonly #topics = new Map<string, Topic<T>>()
  /** Folder → how many topics that do not end in a slash have a prefix of that length. */
  readonly #lengths = new Map<string, Map<number, number>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From here on it gets what is dispatched; what was dispatched before and still gathers is not for it. */
  add(watcher: CacheWatcher<T>): void {
    let topic = this.#topics.get(watcher.prefix)
    if (!topic) {
      topic = {
        watchers: new Set(),
        gatherers: new Set(),
        byGroup: new Map(),
        events: [],
        gathering: [],
        gathered: 0,
        due: undefined,
        away: 0,
        delivery: 0,
        deliveredMs: 0,
        quietFromMs: 0,
      }
      this.#topics.set(watcher.prefix, topic)
      this.#countLength(watcher.prefix, 1)
    }
    this.#deliver(topic)
    if (watcher.only) this.#addToGroup(topic, watcher, watcher.only)
    else (watcher.gathers ? topic.gatherers : topic.watchers).add(watcher)
  }

  remove(watcher: CacheWatcher<T>): void {
    const topic = this.#topics.get(watcher.prefix)
    if (!topic) return
    const isKnown = watcher.only
      ? removeFromGroup(topic, watcher, watcher.only)
      : (watcher.gathers ? topic.gatherers : topic.watchers).delete(watcher)
    if (!isKnown || topic.watchers.size > 0 || topic.gatherers.size > 0 || topic.byGroup.size > 0) return
    topic.due?.()
    this.#topics.delete(watcher.prefix)
    this.#countLength(watcher.prefix, -1)
  }

  /** Delivers what gathers for the watcher, so that it has all that was dispatched. */
  settle(watcher: CacheWatcher<T>): void {
    const topic = this.#topics.get(watcher.prefix)
    if (topic) this.#deliver(topic)
  }

  *watchers(): Generator<CacheWatcher<T>> {
    for (const topic of this.#topics.values()) {
      yield* topic.watchers
      yield* topic.gatherers
      for (const groups of topic.byGroup.values()) for (const watchers of groups.values()) yield* watchers
    }
  }

  /** Hands out the events of one store batch; all are ≤ `revision`. */
  dispatch(events: readonly CacheEvent<T>[], revision: Revision): void {
    if (this.#topics.size === 0) return
    const touched: Topic<T>[] = []
    for (const event of events) this.#collect(event, touched)
    for (const topic of touched) {
      const batch: CacheBatch<T> = { revision, events: topic.events }
      topic.events = []
      for (const watcher of topic.watchers) watcher.offer(batch)
      for (const [grouping, groups] of topic.byGroup) offerByGroup(batch, grouping, groups)
      if (topic.gatherers.size > 0) this.#gather(topic, batch)
    }
  }

  #gather(topic: Topic<T>, batch: CacheBatch<T>): void {
    topic.gathering.push(batch)
    topic.gathered += batch.events.length
    this.#deliverWhenDue(topic)
  }

  #deliverWhenDue(topic: Topic<T>): void {
    if (topic.gathering.length === 0) return
    const waitMs = topic.gathered < gatheredEventsMax ? topic.quietFromMs - this.#clock.monotonicMs() : 0
    if (waitMs <= 0) this.#deliver(topic)
    else topic.due ??= this.#clock.schedule(waitMs, () => this.#deliver(topic))
  }

  #deliver(topic: Topic<T>): void {
    topic.due?.()
    topic.due = undefined
    const { gathering, gatherers } = topic
    if (gathering.length === 0) return
    topic.gathering = []
    topic.gathered = 0
    const batch = joinedBatch(gathering)
    const deliveredMs = this.#clock.monotonicMs()
    // Who is slow has the rest of the time bound; who is away since an earlier delivery counts no more.
    const delivery = ++topic.delivery
    topic.deliveredMs = deliveredMs
    topic.quietFromMs = deliveredMs + awayMaxMs
    topic.away = 0
    const onBack = () => {
      if (topic.delivery === delivery && --topic.away === 0) this.#allBack(topic)
    }
    for (const watcher of gatherers) if (watcher.offer(batch, onBack)) topic.away++
    if (topic.away === 0) topic.quietFromMs = deliveredMs
  }

  #allBack(topic: Topic<T>): void {
    const nowMs = this.#clock.monotonicMs()
    const tookMs = nowMs - topic.deliveredMs
    topic.quietFromMs = tookMs < worthMs ? 0 : nowMs + Math.min(tookMs, gatherMaxMs)
    topic.due?.()
    topic.due = undefined
    this.#deliverWhenDue(topic)
  }

  #addToGroup(topic: Topic<T>, watcher: CacheWatcher<T>, { grouping, group }: Only<T>): void {
    let groups = topic.byGroup.get(grouping)
    if (!groups) topic.byGroup.set(grouping, (groups = new Map()))
    const watchers = groups.get(group)
    if (watchers) watchers.add(watcher)
    else groups.set(group, new Set([watcher]))
  }

  #collect(event: CacheEvent<T>, touched: Topic<T>[]): void {
    const { key } = event
    this.#collectFor('', event, touched)
    this.#collectLengths('', event, touched)
    for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
      const folder = key.slice(0, slash + 1)
      this.#collectFor(folder, event, touched)
      this.#collectLengths(folder, event, touched)
    }
  }

  #collectLengths(folder: string, event: CacheEvent<T>, touched: Topic<T>[]): void {
    const lengths = this.#lengths.get(folder)
    if (!lengths) return
    for (const length of lengths.keys()) {
      if (length <= event.key.length) this.#collectFor(event.key.slice(0, length), event, touched)
    }
  }

  #collectFor(prefix: string, event: CacheEvent<T>, touched: Topic<T>[]): void {
    const topic = this.#topics.get(prefix)
    if (!topic) return
    if (topic.events.length === 0) touched.push(topic)
    topic.events.push(event)
  }

  #countLength(prefix: string, change: 1 | -1): void {
    if (prefix === '' || prefix.endsWith('/')) return
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    const lengths = this.#lengths.get(folder) ?? new Map<number, number>()
    const count = (lengths.get(prefix.length) ?? 0) + change
    if (count > 0) lengths.set(prefix.length, count)
    else lengths.delete(prefix.length)
    if (lengths.size > 0) this.#lengths.set(folder, lengths)
    else this.#lengths.delete(folder)
  }
}

type Only<T> = NonNullable<CacheWatcher<T>['only']>
type Groups<T> = Map<unknown, Set<CacheWatcher<T>>>
type Topic<T> = {
  readonly watchers: Set<CacheWatcher<T>>
  readonly gatherers: Set<CacheWatcher<T>>
  readonly byGroup: Map<Only<T>['grouping'], Groups<T>>
  events: CacheEvent<T>[]
  /** For those, until `due`. */
  gathering: CacheBatch<T>[]
  gathered: number
  due: Cancel | undefined
  /** Of those that waited for the last delivery, how many have not come back yet. */
  away: number
  /** Its number and moment. */
  delivery: number
  deliveredMs: number
  /** When events need not gather any more. */
  quietFromMs: number
}

/** A shorter delivery is not worth a timer. */
const worthMs = 1
const gatherMaxMs = 20
/** For those who take long to come back. */
const awayMaxMs = 100
/** Nothing is gained by more at once. */
const gatheredEventsMax = 256

function joinedBatch<T>(batches: readonly CacheBatch<T>[]): CacheBatch<T> {
  const last = batches[batches.length - 1]!
  return batches.length === 1 ? last : { revision: last.revision, events: batches.flatMap(({ events }) => events) }
}

/** False when it was not there. */
function removeFromGroup<T>(topic: Topic<T>, watcher: CacheWatcher<T>, { grouping, group }: Only<T>): boolean {
  const groups = topic.byGroup.get(grouping)
  const watchers = groups?.get(group)
  if (!groups || !watchers?.delete(watcher)) return false
  if (watchers.size === 0) groups.delete(group)
  if (groups.size === 0) topic.byGroup.delete(grouping)
  return true
}

/** An event that brings its object from one group to another goes to both. */
function offerByGroup<T>({ revision, events }: CacheBatch<T>, grouping: Only<T>['grouping'], groups: Groups<T>): void {
  const batches = new Map<unknown, CacheEvent<T>[]>()
  const put = (group: unknown, event: CacheEvent<T>) => {
    const batch = batches.get(group)
    if (batch) batch.push(event)
    else if (groups.has(group)) batches.set(group, [event])
  }
  for (const event of events) {
    const now = grouping.groupOf(event.type === 'delete' ? event.previous : event.value)
    put(now, event)
    const before = event.previous === undefined ? now : grouping.groupOf(event.previous)
    if (before !== now) put(before, event)
  }
  for (const [group, batch] of batches) {
    const shared = { revision, events: batch }
    for (const watcher of groups.get(group) ?? []) watcher.offer(shared)
  }
}
