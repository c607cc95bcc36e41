import type { Cancel, Clock } from '../../base/clock.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { Lease } from '../../kinds/generated/types/coordination-v1.ts'

/** On the leases of schedulers that share a cluster. */
export const schedulerLabel = 'keelson.dev/scheduler'
export const schedulerNamespace = 'kube-system'

/** The lease of one scheduler; holding it is being a member. */
export const schedulerLeaseName = (identity: string) => `keelson-scheduler-${identity}`

export type LiveMembersOptions = {
  readonly clock: Clock
  /** The leases with `schedulerLabel`, and others at most in addition. */
  readonly leases: Informer<Lease>
}

/**
 * Who of the schedulers is alive: those whose lease was renewed within its duration. Ages are measured on our own clock from the moment
 * that a renewal was seen, never against the other's clock. There is one timer, and only while somebody could expire.
 */
export class LiveMembers {
  readonly #options: LiveMembersOptions
  /** Lease → what was last seen of it, and when. */
  readonly #seen = new Map<string, { readonly record: string; readonly holder: string; readonly untilMs: number }>()
  readonly #listeners = new Set<() => void>()
  #members: readonly string[] = []
  #timer: Cancel | undefined

  constructor(options: LiveMembersOptions) {
    this.#options = options
  }

  /** Identities in order of their names. */
  get members(): readonly string[] {
    return this.#members
  }

  /** Called after every change of the members. Returns the removal. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The returned function stops following. */
  start(): () => void {
    const remove = this.#options.leases.onChange(({ current, old }) => {
      const lease = current ?? old
      if (lease?.metadata.labels?.[schedulerLabel] === undefined || lease.metadata.namespace !== schedulerNamespace) return
      this.#observe(lease.metadata.name ?? '', current)
      this.#update()
    })
    return () => {
      remove()
      this.#timer?.()
    }
  }

  #observe(name: string, lease: Lease | undefined): void {
    const { holderIdentity: holder, leaseDurationSeconds: seconds = 15 } = lease?.spec ?? {}
    if (!lease || !holder) return void this.#seen.delete(name)
    const record = JSON.stringify(lease.spec)
    if (this.#seen.get(name)?.record === record) return
    this.#seen.set(name, { record, holder, untilMs: this.#options.clock.monotonicMs() + seconds * 1_000 })
  }

  #update(): void {
    const nowMs = this.#options.clock.monotonicMs()
    const live = [...this.#seen.values()].filter(({ untilMs }) => untilMs > nowMs)
    this.#timer?.()
    this.#timer = undefined
    const nextMs = Math.min(...live.map(({ untilMs }) => untilMs))
    if (live.length > 0) this.#timer = this.#options.clock.schedule(nextMs - nowMs, () => this.#update())
    const members = live.map(({ holder }) => holder).sort()
    if (members.join() === this.#members.join()) return
    this.#members = members
    for (const listener of this.#listeners) listener()
  }
}
