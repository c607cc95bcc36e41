/** A rate over less than this says nothing. */
const measuredOverMsMin = 1_000

type Start = { readonly atMs: number; readonly nanoseconds: number; readonly nanoCores: number | undefined }

/** CPU use per time out of counters that are read now and then: each rate is over the time since the reading before. */
export class UsageRates {
  #starts = new Map<string, Start>()
  #seen = new Map<string, Start>()

  /** Thousand-millionths of a CPU; undefined at the first reading. */
  rate(key: string, atMs: number, nanoseconds: number): number | undefined {
    const start = this.#starts.get(key)
    // A counter that went back belongs to something new.
    if (!start || nanoseconds < start.nanoseconds) return this.#keep(key, { atMs, nanoseconds, nanoCores: undefined })
    const elapsedMs = atMs - start.atMs
    if (elapsedMs < measuredOverMsMin) return this.#keep(key, start)
    return this.#keep(key, { atMs, nanoseconds, nanoCores: Math.round(((nanoseconds - start.nanoseconds) * 1000) / elapsedMs) })
  }

  /** Ends one round of readings: what was not read in it is forgotten. */
  endRound(): void {
    this.#starts = this.#seen
    this.#seen = new Map()
  }

  #keep(key: string, start: Start): number | undefined {
    this.#seen.set(key, start)
    return start.nanoCores
  }
}
