import { kindRefs } from '../../client/generated/kind-refs.ts'
import { ObjectInformer } from '../../client/informer.ts'
import type { Node, Pod, Service } from '../../kinds/generated/types/core-v1.ts'
import { isStaticPod } from '../../kinds/static-pod.ts'
import { whenAborted } from './agent-base.ts'
import type { NodeAgentOptions } from '../node-agent.ts'
import type { PodSource } from '../pod/pod-loop.ts'

/** What an agent hears from the API where nobody hands it over: by informers of its own, which run until the signal aborts. */
export class AgentSources {
  readonly #options: NodeAgentOptions
  readonly #signal: AbortSignal
  readonly #tasks: Promise<void>[] = []

  constructor(options: NodeAgentOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  async untilEnd(): Promise<void> {
    await Promise.all(this.#tasks)
  }

  /** The pods that are bound to this node. */
  pods(): PodSource {
    if (this.#options.pods) return this.#options.pods
    const informer = new ObjectInformer<Pod>({
      ...this.#common(),
      kind: kindRefs.coreV1.pods,
      fieldSelector: `spec.nodeName=${this.#options.nodeName}`,
    })
    this.#run(informer)
    return {
      synced: (signal) => informer.synced(signal),
      list: () => informer.list(),
      onChange: (handler) => informer.onChange(handler),
    }
  }

  services(): (pod: Pod) => Promise<readonly Service[]> {
    const { files, services } = this.#options
    if (services) return services
    if (!files) return async () => []
    const informer = new ObjectInformer<Service>({ ...this.#common(), kind: kindRefs.coreV1.services })
    this.#run(informer)
    return async (pod) => {
      // A static pod waits for no API: it hears of what is known by now.
      if (!isStaticPod(pod)) await informer.synced(this.#signal)
      return informer.list()
    }
  }

  /** The node's own object, for its pod range and for admission. Without either need a simulated node reads it off its reports. */
  watchNode(take: (node: Node) => void): void {
    const { nodeName, files, nodeChanges, onPodCidrs } = this.#options
    if (nodeChanges) return whenAborted(this.#signal, nodeChanges(take))
    if (!files && !onPodCidrs) return
    const informer = new ObjectInformer<Node>({
      ...this.#common(),
      kind: kindRefs.coreV1.nodes,
      fieldSelector: `metadata.name=${nodeName}`,
    })
    informer.onChange(({ current }) => {
      if (current) take(current)
    })
    this.#run(informer)
  }

  #common(): Pick<NodeAgentOptions, 'client' | 'clock' | 'random' | 'log'> {
    const { client, clock, random, log } = this.#options
    return { client, clock, random, log }
  }

  #run(informer: { run(signal: AbortSignal): Promise<void> }): void {
    this.#tasks.push(informer.run(this.#signal))
  }
}
