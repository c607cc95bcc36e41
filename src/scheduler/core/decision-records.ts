import { Interner } from './interner.ts'

/** What is remembered of a pod's last decision, in 256 bytes; everything else comes back by replay. */
export type DecisionRecord = {
  /** Position of the delta log when it was taken. */
  readonly position: number
  readonly atMs: number
  readonly attempts: number
  readonly nodeCount: number
  readonly feasible: number
  /** Set where the pod was placed. */
  readonly placed: { readonly node: string; readonly score: number; readonly ties: number; readonly draw: number } | undefined
  /** The best nodes by score, at most 8. */
  readonly best: readonly { readonly node: string; readonly score: number }[]
  /** Nodes that each plugin rejected first, where it was not placed. */
  readonly rejections: readonly { readonly plugin: string; readonly nodes: number }[]
}

const wordsPerRecord = 64
const recordsPerChunk = 1_024
const bestMax = 8
const rejectionsMax = 16
const bestAt = 14
const rejectionsAt = bestAt + 2 * bestMax

/**
 * The last decision of each of the `recordsMax` pods that were decided last, in typed arrays: no garbage for the collector, at
 * most 256 bytes a pod. Keyed by uid, so a pod that replaces another by name does not inherit its record.
 */
export class DecisionRecords {
  readonly #recordsMax: number
  readonly #chunks: { readonly words: Int32Array; readonly floats: Float64Array }[] = []
  readonly #slotOf = new Map<string, number>()
  readonly #uidOf: (string | undefined)[] = []
  readonly #names = new Interner({ first: 1 })
  #next = 0

  constructor(options: { readonly recordsMax: number }) {
    this.#recordsMax = options.recordsMax
  }

  get size(): number {
    return this.#slotOf.size
  }

  set(uid: string, record: DecisionRecord): void {
    const slot = this.#slotFor(uid)
    const { words, floats, at } = this.#locate(slot)
    words.fill(0, at, at + wordsPerRecord)
    floats[at / 2] = record.position
    floats[at / 2 + 1] = record.atMs
    words[at + 4] = record.attempts
    words[at + 5] = record.nodeCount
    words[at + 6] = record.feasible
    if (record.placed) {
      words[at + 7] = this.#names.id(record.placed.node)
      words[at + 8] = record.placed.score
      words[at + 9] = record.placed.ties
      words[at + 10] = record.placed.draw
    }
    record.best.slice(0, bestMax).forEach(({ node, score }, i) => {
      words[at + bestAt + 2 * i] = this.#names.id(node)
      words[at + bestAt + 2 * i + 1] = score
    })
    record.rejections.slice(0, rejectionsMax).forEach(({ plugin, nodes }, i) => {
      words[at + rejectionsAt + 2 * i] = this.#names.id(plugin)
      words[at + rejectionsAt + 2 * i + 1] = nodes
    })
  }

  get(uid: string): DecisionRecord | undefined {
    const slot = this.#slotOf.get(uid)
    if (slot === undefined) return undefined
    const { words, floats, at } = this.#locate(slot)
    const pairs = (from: number, max: number) =>
      Array.from({ length: max }, (_, i) => ({ name: words[at + from + 2 * i]!, value: words[at + from + 2 * i + 1]! }))
        .filter(({ name }) => name !== 0)
        .map(({ name, value }) => ({ name: this.#names.name(name), value }))
    const node = words[at + 7]!
    return {
      position: floats[at / 2]!,
      atMs: floats[at / 2 + 1]!,
      attempts: words[at + 4]!,
      nodeCount: words[at + 5]!,
      feasible: words[at + 6]!,
      placed: node === 0 ? undefined : { node: this.#names.name(node), score: words[at + 8]!, ties: words[at + 9]!, draw: words[at + 10]! },
      best: pairs(bestAt, bestMax).map(({ name, value }) => ({ node: name, score: value })),
      rejections: pairs(rejectionsAt, rejectionsMax).map(({ name, value }) => ({ plugin: name, nodes: value })),
    }
  }

  delete(uid: string): void {
    const slot = this.#slotOf.get(uid)
    if (slot === undefined) return
    this.#slotOf.delete(uid)
    this.#uidOf[slot] = undefined
  }

  #slotFor(uid: string): number {
    const known = this.#slotOf.get(uid)
    if (known !== undefined) return known
    const slot = this.#next
    this.#next = (this.#next + 1) % this.#recordsMax
    const evicted = this.#uidOf[slot]
    if (evicted !== undefined) this.#slotOf.delete(evicted)
    this.#uidOf[slot] = uid
    this.#slotOf.set(uid, slot)
    return slot
  }

  #locate(slot: number): { readonly words: Int32Array; readonly floats: Float64Array; readonly at: number } {
    const chunk = Math.floor(slot / recordsPerChunk)
    while (this.#chunks.length <= chunk) {
      const buffer = new ArrayBuffer(recordsPerChunk * wordsPerRecord * 4)
      this.#chunks.push({ words: new Int32Array(buffer), floats: new Float64Array(buffer) })
    }
    return { ...this.#chunks[chunk]!, at: (slot % recordsPerChunk) * wordsPerRecord }
  }
}
