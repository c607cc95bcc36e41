import type { Version } from './row-state.ts'

/** Keeps the values written last in memory, for those who follow the store closely. Bounded by bytes, oldest out first. */
export class RecentValues {
  readonly #bytesMax: number
  #versions: Version[] = []
  #head = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** A version kept twice counts twice and leaves with the first. */
  keep(version: Version): void {
    this.#versions.push(version)
    this.#bytes += sizeOf(version)
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#versions[this.#head++]!
      this.#bytes -= sizeOf(oldest)
      oldest.value = undefined
    }
    if (this.#head > 1024 && this.#head * 2 > this.#versions.length) {
      this.#versions = this.#versions.slice(this.#head)
      this.#head = 0
    }
  }
}

/** With a constant for the version itself, so that empty values have a bound too. */
const sizeOf = (version: Version) => 64 + (version.value?.byteLength ?? 0)
