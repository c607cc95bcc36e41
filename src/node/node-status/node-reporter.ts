import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { compareResourceVersions } from '../../client/resource-version.ts'
import type { ContainerImage, Node, NodeAddress, NodeStatus, Taint } from '../../kinds/generated/types/core-v1.ts'
import type { EventInput } from '../../control/event-recorder.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { Pressure } from '../eviction/pressure.ts'
import type { Bounds } from '../eviction/thresholds.ts'
import type { Runtime } from '../runtime/contract.ts'
import type { Machine, MachineUse } from './machine.ts'
import { conditionEvents, schedulableEvents, startEvents } from './node-events.ts'
import { haveOthersChanged, isSameNodeStatus, nodeStatus, type Reserved, withdrawnResources } from './node-status.ts'

export type NodeReporterOptions = {
  readonly client: Client
  readonly runtime: Runtime
  readonly clock: Clock
  readonly log: Log
  readonly nodeName: string
  readonly machine: Machine
  readonly addresses: readonly NodeAddress[]
  readonly port: () => number | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly Taint[]
  readonly reserved: Reserved
  readonly evictionHard: Bounds
  /** How often the machine is looked at. A report goes out when something changed, and every `reportPeriodMs` without. */
  readonly checkPeriodMs: number
  readonly reportPeriodMs: number
  /** What the machine's use at a look means; called for each. */
  readonly judge: (use: MachineUse) => Pressure
  readonly isShuttingDown: () => boolean
  readonly onNode: (node: Node) => void
  /** Something about the node is worth an event; it is known by then. */
  readonly event: (event: EventInput) => void
  /** Whether an agent that starts says so, too: each of thousands of simulated nodes would. */
  readonly tellsStart: boolean
}

const notReadyCheckMs = 50

/** The controller attaches volumes to the node, not the node itself. */
const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } as const

const hasAll = (found: Readonly<Record<string, string>> | undefined, wanted: Readonly<Record<string, string>>) =>
  Object.entries(wanted).every(([key, value]) => found?.[key] === value)

/** Registers the node (or adopts its object) and keeps its status current. */
export class NodeReporter {
  readonly #options: NodeReporterOptions
  #node: Node | undefined
  /** By the clock that nobody sets. */
  #reportedAtMs = Number.NEGATIVE_INFINITY
  #runtimeVersion: string | undefined
  #images: readonly ContainerImage[] = []
  #wake: (() => void) | undefined

  constructor(options: NodeReporterOptions) {
    this.#options = options
  }

  get node(): Node | undefined {
    return this.#node
  }

  /** A newer state of the node's object, from a watch. */
  takeNode(node: Node): void {
    const before = this.#node
    // The answer to a report of its own may be newer than what the watch tells.
    if (before && before.metadata.uid === node.metadata.uid && isOlder(node, before)) return
    this.#node = node
    if (!before) return
    this.#tell(schedulableEvents(before, node))
    if (haveOthersChanged(before.status, node.status)) this.wake()
  }

  setImages(images: readonly ContainerImage[]): void {
    this.#images = images
  }

  /** Looks at once instead of at the next period. */
  wake(): void {
    this.#wake?.()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, checkPeriodMs, log } = this.#options
    let notReadyDelayMs = notReadyCheckMs
    while (!signal.aborted) {
      let delayMs = checkPeriodMs
      try {
        this.#node ??= await this.#start(signal)
        const isReady = await this.#report(signal)
        // A node that is coming up is wanted soon: it is looked at often at first, and less and less while it stays as it is.
        notReadyDelayMs = isReady ? notReadyCheckMs : Math.min(notReadyDelayMs * 1.5, checkPeriodMs)
        if (!isReady) delayMs = notReadyDelayMs
      } catch (error) {
        if (signal.aborted) return
        if (isStatus(error, 'NotFound')) this.#node = undefined
        log.warn({ error: String(error) }, 'the node status could not be reported')
        delayMs = Math.min(1_000, checkPeriodMs)
      }
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      await sleep(clock, delayMs, AbortSignal.any([signal, woken.signal])).catch(() => {})
    }
  }

  async #start(signal: AbortSignal): Promise<Node> {
    const status = await this.#status(undefined)
    const node = await this.#register(status, signal)
    this.#node = node
    const { nodeName, tellsStart } = this.#options
    if (tellsStart) this.#tell(startEvents(nodeName, node.status, status))
    return node
  }

  #tell(events: readonly EventInput[]): void {
    for (const event of events) this.#options.event(event)
  }

  async #register(status: NodeStatus, signal: AbortSignal): Promise<Node> {
    const { client, nodeName, taints } = this.#options
    const nodes = client.resource(kindRefs.coreV1.nodes)
    const labels = this.#labels()
    const node: Node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: nodeName, labels, annotations },
      spec: taints.length > 0 ? { taints: [...taints] } : {},
      status,
    }
    try {
      const created = await nodes.create(node, { signal })
      this.#options.onNode(created)
      return created
    } catch (error) {
      if (!isStatus(error, 'AlreadyExists')) throw error
      const existing = await nodes.get(nodeName, { signal })
      const isWhole = hasAll(existing.metadata.labels, labels) && hasAll(existing.metadata.annotations, annotations)
      const body = { metadata: { labels, annotations } }
      const adopted = isWhole ? existing : await nodes.patch(nodeName, { type: 'merge', body }, { signal })
      this.#options.onNode(adopted)
      return adopted
    }
  }

  #labels(): Record<string, string> {
    const { nodeName, labels, machine } = this.#options
    const { architecture, operatingSystem } = machine.facts()
    return {
      'beta.kubernetes.io/arch': architecture,
      'beta.kubernetes.io/os': operatingSystem,
      'kubernetes.io/arch': architecture,
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': operatingSystem,
      ...labels,
    }
  }

  /** Whether the node is Ready. */
  async #report(signal: AbortSignal): Promise<boolean> {
    const { client, clock, nodeName, reportPeriodMs } = this.#options
    const status = await this.#status(this.#node)
    const isReady = status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true
    const isDue = clock.monotonicMs() - this.#reportedAtMs >= reportPeriodMs
    if (!isDue && isSameNodeStatus(this.#node?.status, status, deepEqual)) return isReady
    const withdrawn = withdrawnResources(this.#node?.status, status).map((name) => [name, null])
    const allocatable = { ...status.allocatable, ...Object.fromEntries(withdrawn) }
    const body = { status: { ...status, allocatable, addresses: addressPatch(this.#node, status) } }
    const reported = await client
      .resource(kindRefs.coreV1.nodes)
      .patch(nodeName, { type: 'strategic', body }, { subresource: 'status', signal })
    const before = this.#node?.status
    this.#node = reported
    this.#tell(conditionEvents(nodeName, before, status))
    this.#reportedAtMs = clock.monotonicMs()
    this.#options.onNode(reported)
    return isReady
  }

  async #status(old: Node | undefined): Promise<NodeStatus> {
    const { runtime, machine, clock, reserved, evictionHard, judge, addresses, port } = this.#options
    const use = await machine.use()
    const pressure = judge(use)
    const ready = await this.#runtimeStatus()
    this.#runtimeVersion ??= await runtime.version().then(
      (v) => `${v.name}://${v.version}`,
      () => undefined,
    )
    return nodeStatus({
      old,
      nowMs: clock.now(),
      facts: machine.facts(),
      pressure,
      reserved,
      evictionHard,
      ...ready,
      isShuttingDown: this.#options.isShuttingDown(),
      runtimeVersion: this.#runtimeVersion ?? '',
      addresses,
      port: port(),
      images: this.#images,
    })
  }

  async #runtimeStatus() {
    try {
      return await this.#options.runtime.status()
    } catch (error) {
      const down = { status: false, reason: 'RuntimeUnavailable', message: error instanceof Error ? error.message : String(error) }
      return { runtimeReady: down, networkReady: { status: true, reason: '', message: '' } }
    }
  }
}

function isOlder(node: Node, than: Node): boolean {
  return compareResourceVersions(node.metadata.resourceVersion ?? '', than.metadata.resourceVersion ?? '') < 0
}

/** Addresses merge by type: one that is gone must be named as deleted. */
function addressPatch(node: Node | undefined, status: NodeStatus): unknown[] {
  const gone = (node?.status?.addresses ?? []).filter((old) => !status.addresses?.some((a) => a.type === old.type))
  return [...gone.map(({ type }) => ({ $patch: 'delete', type })), ...(status.addresses ?? [])]
}
