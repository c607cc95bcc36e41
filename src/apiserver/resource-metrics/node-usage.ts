import { type Cancel, type Clock, sleep } from '../../base/clock.ts'
import type { NodeSample } from './node-sample.ts'
import { type NodeUsage, usageBetween } from './usage.ts'

/** An answer is given again for so long: many who ask at once cost one question a node. */
const freshMs = 10_000
/** A sample is a start for rates for so long; an older one would tell of times that nobody asked about. */
const baseMs = 120_000
/** With no sample to start from, a second one is taken after so long. */
const firstWindowMs = 1_000
const nodesAtOnce = 64

type Known = { readonly sample: NodeSample; readonly atMs: number; readonly usage: NodeUsage }

export type NodeUsageOptions = {
  readonly clock: Clock
  /** One look at a node. Undefined: it did not answer. */
  readonly sample: (nodeName: string) => Promise<NodeSample | undefined>
  /** All is forgotten then: no timer is left that would hold a process up. */
  readonly closing: AbortSignal
}

/**
 * What nodes use, measured when somebody asks. Nothing is measured otherwise: without a recent sample two are taken a second apart, and
 * two minutes after the last question all is forgotten.
 */
export class NodeUsages {
  readonly #options: NodeUsageOptions
  readonly #known = new Map<string, Known>()
  readonly #asking = new Map<string, Promise<NodeUsage | undefined>>()
  #cancel: Cancel | undefined

  constructor(options: NodeUsageOptions) {
    this.#options = options
    options.closing.addEventListener('abort', () => this.#close(), { once: true })
  }

  /** By node; those that do not answer are left out. */
  async of(nodeNames: readonly string[]): Promise<ReadonlyMap<string, NodeUsage>> {
    const result = new Map<string, NodeUsage>()
    for (let i = 0; i < nodeNames.length; i += nodesAtOnce) {
      const part = nodeNames.slice(i, i + nodesAtOnce)
      const usages = await Promise.all(part.map((name) => this.#usageOf(name)))
      for (const [j, usage] of usages.entries()) if (usage) result.set(part[j]!, usage)
    }
    return result
  }

  #close(): void {
    this.#cancel?.()
    this.#known.clear()
  }

  #usageOf(name: string): Promise<NodeUsage | undefined> {
    const known = this.#known.get(name)
    if (known && this.#options.clock.now() - known.atMs < freshMs) return Promise.resolve(known.usage)
    let asking = this.#asking.get(name)
    if (!asking) {
      asking = this.#ask(name).finally(() => this.#asking.delete(name))
      this.#asking.set(name, asking)
    }
    return asking
  }

  async #ask(name: string): Promise<NodeUsage | undefined> {
    const { clock, sample } = this.#options
    const known = this.#known.get(name)
    let before = known && clock.now() - known.atMs <= baseMs ? known.sample : undefined
    if (!before) {
      before = await sample(name)
      if (!before) return undefined
      await sleep(clock, firstWindowMs)
    }
    const after = await sample(name)
    if (!after) return undefined
    const atMs = clock.now()
    const usage = usageBetween(before, after)
    this.#known.set(name, { sample: after, atMs, usage })
    this.#forgetLater()
    return usage
  }

  #forgetLater(): void {
    this.#cancel?.()
    if (this.#options.closing.aborted) return
    this.#cancel = this.#options.clock.schedule(baseMs, () => this.#known.clear())
  }
}
