import { assert } from '../../base/assert.ts'
import { StreamOverflow } from '../../base/bounded-stream.ts'
import { nodes } from '../../kinds/core/node.ts'
import { persistentVolumeClaims } from '../../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isOpenOffer, type Offer } from '../../kinds/keelson/offer.ts'
import { type ResourceAmounts, resourceAmounts } from '../../kinds/pod-requests.ts'
import { isPodScheduled, isPodTerminal } from '../../kinds/pod-status.ts'
import { splitKey } from '../../machinery/object.ts'
import { type Operation, type Revision, StoreCompacted, type StoreKey } from '../../store/contract.ts'
import type { WatchCache } from '../../store/watch-cache-contract.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { prefixOf, type Registry } from '../registry.ts'
import type { Allocation } from '../objects/write-hooks.ts'
import { type Lack, NodeUsage, type Take, takeOfOffer, takeOfPod } from './node-usage.ts'

/** What somebody is about to write: the object under `key` will take this. */
export type Wanted = { readonly key: StoreKey; readonly take: Take }

export type Reserved =
  | { readonly type: 'reserved'; readonly allocation: Allocation }
  | { readonly type: 'lacking'; readonly key: StoreKey; readonly lacks: readonly Lack[] }

const placementPrefix = '/registry/keelson.dev/placements/'

/**
 * Says at the moment of a write whether the node still has the room, where several place pods at once: schedulers that share a
 * cluster, frameworks with offers. Costs nothing until somebody asks; from then on it follows the cache.
 *
 * 1. What is reserved counts from the check on, before the write is durable, until the cache shows the write or it has failed: two
 *    writes through this server can not both count on the same room.
 * 2. Where other servers write to the same store, each write also moves a mark of the node (and of a volume claim that serves one
 *    pod only) in its own commit: of two that looked at the same state one fails and looks again.
 * 3. An event older than what is known of its key changes nothing.
 */
export class PlacementGuard {
  readonly #cache: WatchCache<CachedObject>
  readonly #reader: ObjectReader
  readonly #podPrefix: string
  readonly #offerPrefix: string
  readonly #frameworkPrefix: string
  readonly #isStoreShared: boolean
  readonly #signal: AbortSignal
  readonly #usage = new NodeUsage()
  /** Keys that a write is under way for. */
  readonly #pending = new Set<string>()
  /** Key → the revision up to which its state is known: older events are late. */
  readonly #floors = new Map<string, Revision>()
  #position = -1
  #waiting: (() => void)[] = []
  #following: Promise<void> | undefined
  #failure: unknown

  constructor(parts: {
    readonly cache: WatchCache<CachedObject>
    readonly reader: ObjectReader
    readonly registry: Registry
    readonly isStoreShared: boolean
    readonly signal: AbortSignal
  }) {
    this.#cache = parts.cache
    this.#reader = parts.reader
    this.#isStoreShared = parts.isStoreShared
    this.#signal = parts.signal
    const prefix = (group: string, plural: string) => {
      const resource = parts.registry.find(group, 'v1', plural)
      assert(resource, `${plural} are served`)
      return prefixOf(resource, '')
    }
    this.#podPrefix = prefix('', 'pods')
    this.#offerPrefix = prefix('keelson.dev', 'offers')
    this.#frameworkPrefix = prefix('keelson.dev', 'frameworks')
  }

  /** Frameworks place pods too, and keep room by offers: every binding is checked. */
  get isContended(): boolean {
    return this.#cache.count(this.#frameworkPrefix) > 0
  }

  /** Resolves when everything that the cache shows at this moment is counted. Between this and `reserve` there must be no await. */
  async caughtUp(): Promise<void> {
    this.#following ??= this.#follow()
    while (this.#position < this.#cache.revision && !this.#signal.aborted) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** All or nothing. `instead`: what makes room in the same commit. Exactly one of the allocation's `commit` and `release` must follow. */
  reserve(wanted: readonly Wanted[], instead?: StoreKey): Reserved {
    this.#following ??= this.#follow()
    const taken: Wanted[] = []
    const release = () => {
      for (const { key } of taken) this.settle(key)
    }
    for (const { key, take } of wanted) {
      const lacks = this.#lacks(key, take, instead)
      if (lacks.length > 0) {
        release()
        return { type: 'lacking', key, lacks }
      }
      this.#pending.add(key)
      this.#usage.set(key, take)
      taken.push({ key, take })
    }
    const commit = () => {
      release()
      if (instead !== undefined) this.settle(instead)
    }
    return { type: 'reserved', allocation: { commit, release, claims: this.#isStoreShared ? this.#marks(wanted) : undefined } }
  }

  /** Looks at what the cache shows of a key now, without waiting for the event. */
  settle(key: string): void {
    this.#pending.delete(key)
    const entry = this.#cache.get(key as StoreKey)
    this.#usage.set(key, entry && this.#takeOf(key, entry.value))
    if (this.#cache.revision > this.#position) this.#floors.set(key, this.#cache.revision)
  }

  /** The marks that go with a node. */
  claimsOfNode(name: string): readonly Operation[] {
    const entry = this.#cache.get(`${placementPrefix}nodes/${name}` as StoreKey)
    return entry ? [{ type: 'delete', key: entry.key, expected: entry.revision }] : []
  }

  /** Resolves when it follows no more, after the signal. */
  async ended(): Promise<void> {
    await this.#following
  }

  #lacks(key: string, take: Take, instead: string | undefined): readonly Lack[] {
    if (this.#pending.has(key)) return [{ resource: 'pod', message: 'it is being placed by another request' }]
    const node = this.#reader.get(nodes, '', take.node)
    if (!node) return [{ resource: 'node', message: 'there is no such node' }]
    const allocatable: ResourceAmounts = resourceAmounts(node.status?.allocatable)
    const options = instead === undefined ? { allocatable } : { allocatable, instead }
    const lacks = this.#usage.lacks(key, take, options)
    for (const claim of take.claims)
      if (this.#isForOnePod(claim) && this.#usage.otherUsersOf(claim, key).length > 0)
        lacks.push({ resource: 'volumes', message: `claim ${claim} allows one pod, and another uses it` })
    return lacks
  }

  #isForOnePod(claim: string): boolean {
    const { namespace = '', name } = splitKey(claim)
    return this.#reader.get(persistentVolumeClaims, namespace, name)?.spec?.accessModes?.includes('ReadWriteOncePod') ?? false
  }

  /** A mark for each thing that servers could give away twice; whoever moves it first wins. */
  #marks(wanted: readonly Wanted[]): readonly Operation[] {
    const names = new Set(wanted.map(({ take }) => `nodes/${take.node}`))
    for (const { take } of wanted) for (const claim of take.claims) if (this.#isForOnePod(claim)) names.add(`claims/${claim}`)
    return [...names].map((name) => {
      const key = `${placementPrefix}${name}` as StoreKey
      const value = Buffer.from(JSON.stringify({ metadata: { name: key } }))
      return { type: 'put', key, value, expected: this.#cache.get(key)?.revision ?? 'absent' }
    })
  }

  #takeOf(key: string, value: CachedObject): Take | undefined {
    if (key.startsWith(this.#offerPrefix)) {
      const offer = value.object as Offer
      return isOpenOffer(offer) ? takeOfOffer(offer) : undefined
    }
    if (!key.startsWith(this.#podPrefix)) return undefined
    const pod = value.object as Pod
    return isPodScheduled(pod) && !isPodTerminal(pod) ? takeOfPod(pod, pod.spec!.nodeName!) : undefined
  }

  async #follow(): Promise<void> {
    while (!this.#signal.aborted) {
      // Watching starts at the call: nothing is missed between the list and the first batch.
      const batches = this.#cache.watch('', { after: this.#cache.revision, signal: this.#signal })
      this.#rebuild()
      try {
        for await (const { revision, events } of batches) {
          for (const event of events) {
            if (this.#pending.has(event.key) || event.revision <= (this.#floors.get(event.key) ?? -1)) continue
            if (event.key.startsWith(this.#podPrefix) || event.key.startsWith(this.#offerPrefix))
              this.#usage.set(event.key, event.type === 'put' ? this.#takeOf(event.key, event.value) : undefined)
          }
          this.#advance(revision)
        }
        break
      } catch (error) {
        if (error instanceof StoreCompacted || error instanceof StreamOverflow) continue
        // The cache is closed: nobody will be told anything any more.
        this.#failure = error
        break
      }
    }
    this.#wake()
  }

  #rebuild(): void {
    const kept = this.#usage.takesOf(this.#pending)
    this.#usage.clear()
    this.#floors.clear()
    for (const prefix of [this.#podPrefix, this.#offerPrefix])
      for (const entry of this.#cache.list(prefix)) this.#usage.set(entry.key, this.#takeOf(entry.key, entry.value))
    for (const [key, take] of kept) this.#usage.set(key, take)
    this.#advance(this.#cache.revision)
  }

  #advance(revision: Revision): void {
    this.#position = revision
    if (this.#floors.size > 0) for (const [key, floor] of this.#floors) if (floor <= revision) this.#floors.delete(key)
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
