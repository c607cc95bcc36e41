/**
 * The pods of a node that files describe, beside those of the API. They run whether the API answers or not; it shows them as mirror pods,
 * which are not run themselves.
 *
 * 1. Of one name only one static pod is there at a time: a changed one waits until the one before has ended.
 * 2. A mirror pod that is not as its static pod is deleted, and made again; one without a static pod is deleted when that has ended.
 */
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { WorkQueue } from '../../control/work-queue.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { isMirrorPod } from '../../kinds/static-pod.ts'
import { keyOf } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { PodSource } from '../pod/pod-loop.ts'
import { isNewer } from '../pod/status-writer.ts'
import { isMirrorOf, planMirror } from './plan-mirror.ts'

export type StaticPodsOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  readonly node: () => Node | undefined
  /** The pods that the API has for the node. */
  readonly api: PodSource
  /** The pod has a mirror now, or another one: its status is to be told anew. */
  readonly onMirror: (uid: string) => void
}

type Change = Parameters<Parameters<PodSource['onChange']>[0]>[0]
type Handler = (change: Change) => void

const retryMs = 2_000

export class StaticPods {
  readonly #options: StaticPodsOptions
  /** As the files describe them, by namespace and name. */
  readonly #wanted = new Map<string, Pod>()
  /** As they are run. */
  readonly #running = new Map<string, Pod>()
  /** Those that were taken away and have not ended, by namespace and name. */
  readonly #ending = new Map<string, Pod>()
  readonly #mirrors = new Map<string, Pod>()
  readonly #queue: WorkQueue
  #handler: Handler | undefined

  constructor(options: StaticPodsOptions) {
    this.#options = options
    this.#queue = new WorkQueue({ clock: options.clock, concurrency: 1, work: (key) => this.#work(key) })
  }

  /** The API's pods without the mirrors, and the static ones as its `local` part. */
  readonly source: PodSource = {
    synced: (signal) => this.#options.api.synced(signal),
    list: () => this.#options.api.list().filter((pod) => !isMirrorPod(pod)),
    onChange: (handler) => this.#options.api.onChange((change) => this.#onApiChange(change, handler)),
    local: (handler) => {
      this.#handler = handler
      for (const key of this.#wanted.keys()) this.#bringUp(key)
      return () => (this.#handler = undefined)
    },
  }

  /** Ends with the signal. Mirrors are looked after once the API's pods are known. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#options.api.synced(signal).catch(() => {})
    if (signal.aborted) return
    this.#queue.start()
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await this.#queue.stop()
  }

  /** All that the files describe now. */
  set(pods: readonly Pod[]): void {
    const wanted = new Map(pods.map((pod) => [keyOf(pod), pod]))
    for (const [key, pod] of this.#running) if (wanted.get(key)?.metadata.uid !== pod.metadata.uid) this.#takeDown(key, pod)
    for (const key of new Set([...this.#wanted.keys(), ...wanted.keys()])) {
      const pod = wanted.get(key)
      if (pod) this.#wanted.set(key, pod)
      else this.#wanted.delete(key)
      this.#bringUp(key)
    }
  }

  /** Ends those that run, or have been ended by the node, and runs them again: what ended them does not hold any more. */
  runAgain(isMeant: (uid: string) => boolean): void {
    for (const [key, pod] of this.#running) if (isMeant(pod.metadata.uid ?? '')) this.#takeDown(key, pod)
  }

  /** Nothing is left of a pod of this node. */
  noteEnd(uid: string): void {
    for (const [key, pod] of this.#ending) {
      if (pod.metadata.uid !== uid) continue
      this.#ending.delete(key)
      this.#bringUp(key)
    }
  }

  /** The node has registered: mirrors can name it. */
  noteNode(): void {
    for (const key of this.#running.keys()) if (!this.#mirrors.has(key)) this.#queue.add(key)
  }

  /** What shows a static pod in the API, as far as it is known. */
  mirrorOf(pod: Pod): Pod | undefined {
    const mirror = this.#mirrors.get(keyOf(pod))
    return mirror && isMirrorOf(mirror, pod) ? mirror : undefined
  }

  #bringUp(key: string): void {
    const pod = this.#wanted.get(key)
    if (pod && this.#handler && !this.#running.has(key) && !this.#ending.has(key)) {
      this.#running.set(key, pod)
      this.#handler({ current: pod, old: undefined })
    }
    this.#queue.add(key)
  }

  #takeDown(key: string, pod: Pod): void {
    this.#running.delete(key)
    this.#ending.set(key, pod)
    this.#handler?.({ current: undefined, old: pod })
  }

  #onApiChange({ current, old }: Change, handler: Handler): void {
    const isMirror = (pod: Pod | undefined) => pod !== undefined && isMirrorPod(pod)
    if (isMirror(old) || isMirror(current)) this.takeMirror(isMirror(current) ? current! : undefined, isMirror(old) ? old : undefined)
    const rest = { current: isMirror(current) ? undefined : current, old: isMirror(old) ? undefined : old }
    if (rest.current || rest.old) handler(rest)
  }

  /** A mirror as the API has it now; undefined: `old` is gone. */
  takeMirror(current: Pod | undefined, old: Pod | undefined): void {
    const key = keyOf((current ?? old)!)
    const known = this.#mirrors.get(key)
    if (!current) this.#mirrors.delete(key)
    else if (!known || known.metadata.uid !== current.metadata.uid || isNewer(current, known)) this.#mirrors.set(key, current)
    this.#queue.add(key)
    const pod = this.#running.get(key)
    if (pod && current && current.metadata.uid !== known?.metadata.uid) this.#options.onMirror(pod.metadata.uid ?? '')
  }

  async #work(key: string): Promise<void> {
    const { client, log, node } = this.#options
    const view = { mirror: this.#mirrors.get(key), isEnding: this.#ending.has(key), node: node() }
    const action = planMirror({ ...view, pod: this.#running.get(key) ?? (view.isEnding ? undefined : this.#wanted.get(key)) })
    if (!action) return
    const { namespace, name = '', uid } = action.mirror.metadata
    const resource = client.resource(kindRefs.coreV1.pods, namespace)
    try {
      if (action.type === 'create') this.takeMirror(await resource.create(action.mirror), undefined)
      else await resource.delete(name, { gracePeriodSeconds: 0, preconditions: { uid: uid! } })
    } catch (error) {
      if (isStatus(error, 'NotFound') && action.type === 'delete') return
      log.warn({ pod: key, error: String(error) }, 'a static pod cannot be shown in the API as it is')
      this.#queue.addAfter(key, retryMs)
    }
  }
}
