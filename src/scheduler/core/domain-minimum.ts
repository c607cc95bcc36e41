import type { DomainCounter } from './domain-counter.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * The least count over the domains that have at least one row which the counter includes, and how many such domains there
 * are. Kept current by the counter's changes; the domains are found anew after a node changed.
 */
export class DomainMinimum {
  readonly #counter: DomainCounter
  readonly #snapshot: Snapshot
  #isEligible = new Uint8Array(0)
  #seenStaticVersion = -1
  #isStale = true
  #min = 0
  #domainsAtMin = 0
  domains = 0

  constructor(counter: DomainCounter, snapshot: Snapshot) {
    this.#counter = counter
    this.#snapshot = snapshot
    counter.watcher = { changed: (id, old, current) => this.#changed(id, old, current), cleared: () => (this.#isStale = true) }
  }

  /** Infinity when there is no domain. */
  min(): number {
    if (this.#seenStaticVersion !== this.#snapshot.staticVersion) this.#findDomains()
    if (this.#isStale) this.#findMin()
    return this.#min
  }

  #changed(id: number, old: number, current: number): void {
    if (this.#isStale || this.#isEligible[id] !== 1) return
    if (old === this.#min) this.#domainsAtMin--
    if (current < this.#min) {
      this.#min = current
      this.#domainsAtMin = 1
    } else if (current === this.#min) this.#domainsAtMin++
    if (this.#domainsAtMin === 0) this.#isStale = true
  }

  #findDomains(): void {
    const { column, spec } = this.#counter
    const { nodes, rowsEnd, staticVersion } = this.#snapshot
    this.#isEligible = new Uint8Array(column.values.size + 1)
    this.domains = 0
    for (let row = 0; row < rowsEnd; row++) {
      const id = column.ids[row]!
      if (id === 0 || !nodes[row] || this.#isEligible[id] === 1 || (spec.includesRow && !spec.includesRow(row))) continue
      this.#isEligible[id] = 1
      this.domains++
    }
    this.#seenStaticVersion = staticVersion
    this.#isStale = true
  }

  #findMin(): void {
    const { counts } = this.#counter
    this.#min = Number.POSITIVE_INFINITY
    this.#domainsAtMin = 0
    for (let id = 1; id < this.#isEligible.length; id++) {
      if (this.#isEligible[id] !== 1) continue
      const count = counts[id] ?? 0
      if (count < this.#min) {
        this.#min = count
        this.#domainsAtMin = 1
      } else if (count === this.#min) this.#domainsAtMin++
    }
    this.#isStale = false
  }
}
