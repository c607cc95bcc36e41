import type { Informer } from '../../client/informer-contract.ts'
import type { AllocationResult, ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { keyOf } from '../../machinery/object.ts'
import { parseQuantity } from '../../machinery/quantity.ts'
import { type Amounts, noAmounts, plus } from './device-capacity.ts'
import type { TakenDevices } from './device-fit.ts'

/** An allocation that the API does not show yet. `written`: the claim as the API answered. */
type OnItsWay = { readonly key: string; readonly allocation: AllocationResult; written: ResourceClaim | undefined }

/**
 * Claims as they are for decisions: what the API shows, and what has been decided since.
 *
 * 1. A device that a claim holds by either is taken; between decision and watch event no second claim can get it.
 * 2. A decided allocation ends with the event that shows what was written, or with its release.
 */
export class ClaimLedger implements TakenDevices {
  /** Stops following the claims. */
  readonly close: () => void
  readonly #claims: Informer<ResourceClaim>
  readonly #onItsWay = new Map<string, OnItsWay>()
  /** Claim's uid → what its allocation counts for now. */
  readonly #counted = new Map<string, { readonly key: string; readonly allocation: AllocationResult }>()
  readonly #holders = new Map<string, Set<string>>()
  readonly #shares = new Map<string, { count: number; amounts: Amounts }>()
  #listener: (poolKey: string) => void = () => {}

  constructor(claims: Informer<ResourceClaim>) {
    this.#claims = claims
    this.close = claims.onChange(({ current, old }) => this.#observe(current, old))
  }

  /** There is one listener; it hears the pool, `driver/name`, of every device that changes hands. */
  listen(listener: (poolKey: string) => void): void {
    this.#listener = listener
  }

  get(key: string): ResourceClaim | undefined {
    const claim = this.#claims.get(key)
    return this.#onItsWay.get(claim?.metadata.uid ?? '')?.written ?? claim
  }

  /** Whether an allocation has been decided and not yet written. */
  isPending({ metadata }: ResourceClaim): boolean {
    const known = this.#onItsWay.get(metadata.uid ?? '')
    return known !== undefined && known.written === undefined
  }

  /** From now on the claim's devices are taken. */
  reserve(claim: ResourceClaim, allocation: AllocationResult): void {
    const uid = claim.metadata.uid ?? ''
    this.#onItsWay.set(uid, { key: keyOf(claim), allocation, written: undefined })
    this.#count(uid, { key: keyOf(claim), allocation })
  }

  /** The API has taken it: it counts until the informer shows that. */
  settle(claim: ResourceClaim): void {
    const uid = claim.metadata.uid ?? ''
    const entry = this.#onItsWay.get(uid)
    if (!entry) return
    entry.written = claim
    this.#observe(this.#claims.get(entry.key), undefined)
  }

  /** Not to be after all. A no-op for what has been written. */
  release({ metadata: { uid = '' } }: ResourceClaim): void {
    const entry = this.#onItsWay.get(uid)
    if (!entry || entry.written) return
    this.#onItsWay.delete(uid)
    const shown = this.#claims.get(entry.key)
    this.#count(
      uid,
      shown?.metadata.uid === uid && shown.status?.allocation ? { key: entry.key, allocation: shown.status.allocation } : undefined,
    )
  }

  holderOf(id: string): string | undefined {
    return this.#holders.get(id)?.values().next().value
  }

  sharedOf(id: string): Amounts | undefined {
    return this.#shares.get(id)?.amounts
  }

  #observe(current: ResourceClaim | undefined, old: ResourceClaim | undefined): void {
    if (old && old.metadata.uid !== current?.metadata.uid) this.#forget(old.metadata.uid ?? '')
    if (!current) return
    const uid = current.metadata.uid ?? ''
    const entry = this.#onItsWay.get(uid)
    if (entry && !(entry.written && isAtLeast(current, entry.written))) return
    this.#onItsWay.delete(uid)
    const { allocation } = current.status ?? {}
    if (this.#counted.get(uid)?.allocation !== allocation) this.#count(uid, allocation && { key: keyOf(current), allocation })
  }

  #forget(uid: string): void {
    this.#onItsWay.delete(uid)
    this.#count(uid, undefined)
  }

  #count(uid: string, now: { readonly key: string; readonly allocation: AllocationResult } | undefined): void {
    const before = this.#counted.get(uid)
    if (before && now && before.key === now.key && deepEqual(before.allocation.devices, now.allocation.devices)) {
      this.#counted.set(uid, now)
      return
    }
    if (before) this.#add(before, -1)
    if (now) {
      this.#counted.set(uid, now)
      this.#add(now, 1)
    } else this.#counted.delete(uid)
  }

  #add({ key, allocation }: { readonly key: string; readonly allocation: AllocationResult }, sign: 1 | -1): void {
    for (const { driver, pool, device, adminAccess, shareID, consumedCapacity } of allocation.devices?.results ?? []) {
      // Access for administration keeps nobody else away.
      if (adminAccess) continue
      const id = `${driver}/${pool}/${device}`
      if (shareID === undefined) this.#hold(id, key, sign)
      else this.#share(id, new Map(Object.entries(consumedCapacity ?? {}).map(([name, q]) => [name, parseQuantity(q).nano])), sign)
      this.#listener(`${driver}/${pool}`)
    }
  }

  #hold(id: string, key: string, sign: 1 | -1): void {
    const holders = this.#holders.get(id) ?? new Set()
    if (sign > 0) this.#holders.set(id, holders.add(key))
    else if (holders.delete(key) && holders.size === 0) this.#holders.delete(id)
  }

  #share(id: string, amounts: Amounts, sign: 1 | -1): void {
    const { count, amounts: before } = this.#shares.get(id) ?? { count: 0, amounts: noAmounts }
    if (count + sign === 0) this.#shares.delete(id)
    else this.#shares.set(id, { count: count + sign, amounts: plus(before, amounts, sign > 0 ? 1n : -1n) })
  }
}

const isAtLeast = (a: ResourceClaim, b: ResourceClaim) => BigInt(a.metadata.resourceVersion ?? 0) >= BigInt(b.metadata.resourceVersion ?? 0)
