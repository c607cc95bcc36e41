/** When a failed daemon pod may be replaced: one second after the last replacement on its node, doubling up to fifteen minutes. */
export class FailureBackoff {
  readonly #entries = new Map<string, { delayMs: number; atMs: number }>()

  /** How long to wait from now, ms; 0: replace it. */
  waitMs(key: string, nowMs: number): number {
    const entry = this.#entries.get(key)
    return entry ? Math.max(0, entry.atMs + entry.delayMs - nowMs) : 0
  }

  /** A failed pod was replaced just now. */
  count(key: string, nowMs: number): void {
    const entry = this.#entries.get(key)
    const isFresh = entry !== undefined && nowMs - entry.atMs <= 2 * maxMs
    this.#entries.delete(key)
    this.#entries.set(key, { delayMs: isFresh ? Math.min(maxMs, entry.delayMs * 2) : initialMs, atMs: nowMs })
    for (const [oldest, { atMs }] of this.#entries) {
      if (nowMs - atMs <= 2 * maxMs && this.#entries.size <= entriesMax) break
      this.#entries.delete(oldest)
    }
  }
}

const initialMs = 1_000
const maxMs = 15 * 60_000
const entriesMax = 10_000
