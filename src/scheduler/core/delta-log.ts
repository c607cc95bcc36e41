import type { Node } from '../../kinds/generated/types/core-v1.ts'

/** Changes of pods that are kept, two 32-bit words each: 8 MB when full. */
const deltasMax = 1 << 20
const deltasStart = 1 << 12
/** Changes of nodes that are kept; they hold node objects. */
const nodeChangesMax = 1_024

export type Delta =
  | { readonly kind: 'Pod'; readonly row: number; readonly shapeId: number; readonly isTerminating: boolean; readonly isAdded: boolean }
  | { readonly kind: 'Node'; readonly row: number; readonly before: Node | undefined; readonly after: Node | undefined }

/**
 * What happened to the snapshot, in order, so that the state of any decision within the log can be had back by undoing
 * (core/time-travel.ts). Positions grow for ever; the oldest deltas fall out.
 */
export class DeltaLog {
  #words = new Int32Array(deltasStart * 2)
  readonly #nodeChanges: { readonly position: number; readonly before: Node | undefined; readonly after: Node | undefined }[] = []
  /** The position after the newest delta. */
  end = 0
  #start = 0

  /** The oldest position that can still be gone back to. */
  get start(): number {
    return this.#start
  }

  addPod(row: number, pod: { readonly shapeId: number; readonly isTerminating: boolean; readonly isAdded: boolean }): void {
    const code = pod.shapeId * 2 + (pod.isTerminating ? 1 : 0) + 1
    this.#append(row, pod.isAdded ? code : -code)
  }

  addNode(row: number, before: Node | undefined, after: Node | undefined): void {
    this.#nodeChanges.push({ position: this.end, before, after })
    if (this.#nodeChanges.length > nodeChangesMax) this.#start = Math.max(this.#start, this.#nodeChanges.shift()!.position + 1)
    this.#append(row, 0)
  }

  /** Forgets everything: a change that is not logged makes the past unreachable. */
  cut(): void {
    this.#start = this.end
    this.#nodeChanges.length = 0
  }

  at(position: number): Delta {
    const index = (position % (this.#words.length / 2)) * 2
    const row = this.#words[index]!
    const code = this.#words[index + 1]!
    if (code !== 0) {
      const bits = Math.abs(code) - 1
      return { kind: 'Pod', row, shapeId: bits >> 1, isTerminating: (bits & 1) === 1, isAdded: code > 0 }
    }
    const change = this.#nodeChanges.find((c) => c.position === position)!
    return { kind: 'Node', row, before: change.before, after: change.after }
  }

  #append(row: number, code: number): void {
    const capacity = this.#words.length / 2
    if (this.end - this.#start >= capacity) {
      if (capacity < deltasMax) this.#widen(capacity * 2)
      else this.#start = this.end - capacity + 1
    }
    const index = (this.end % (this.#words.length / 2)) * 2
    this.#words[index] = row
    this.#words[index + 1] = code
    this.end++
  }

  #widen(capacity: number): void {
    const old = this.#words
    const words = new Int32Array(capacity * 2)
    for (let position = this.#start; position < this.end; position++) {
      const from = (position % (old.length / 2)) * 2
      const to = (position % capacity) * 2
      words[to] = old[from]!
      words[to + 1] = old[from + 1]!
    }
    this.#words = words
  }
}
