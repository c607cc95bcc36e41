import type { Lease } from '../../kinds/generated/types/coordination-v1.ts'
import type { Framework } from '../../kinds/keelson/framework.ts'
import { keyOf } from '../../machinery/object.ts'

export type Life = {
  readonly isActive: boolean
  readonly reason: 'LeaseRenewed' | 'LeaseExpired' | 'LeaseMissing'
  /** Until the lease expires; undefined where it has or is not there. */
  readonly remainingMs: number | undefined
  /** Of an expired lease: the renewal that was the last. */
  readonly expiredRenewTime?: string | undefined
}

/**
 * How old the last renewal of each framework's Lease is: by our own clock, from when it was seen, never against the framework's clock. A
 * process that starts gives every renewal its whole time, but for one that the status tells to have run out before.
 */
export class LeaseAges {
  readonly #seen = new Map<string, { readonly record: string; readonly atMs: number }>()

  look(framework: Framework, lease: Lease | undefined, nowMs: number): Life {
    const key = keyOf(framework)
    if (!lease?.spec?.holderIdentity) {
      this.#seen.delete(key)
      return { isActive: false, reason: 'LeaseMissing', remainingMs: undefined }
    }
    const { renewTime } = lease.spec
    const record = JSON.stringify([lease.metadata.uid, lease.spec])
    const expired: Life = { isActive: false, reason: 'LeaseExpired', remainingMs: undefined, expiredRenewTime: renewTime }
    let seen = this.#seen.get(key)
    if (!seen && renewTime !== undefined && framework.status?.expiredRenewTime === renewTime) return expired
    if (seen?.record !== record) this.#seen.set(key, (seen = { record, atMs: nowMs }))
    const remainingMs = seen.atMs + (framework.spec?.leaseDurationSeconds ?? 15) * 1_000 - nowMs
    if (remainingMs <= 0) return expired
    return { isActive: true, reason: 'LeaseRenewed', remainingMs }
  }
}
