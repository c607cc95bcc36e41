import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { ObjectInformer } from '../client/informer.ts'
import { EventRecorder } from '../control/event-recorder.ts'
import type { NodeAddress, Pod, Taint } from '../kinds/generated/types/core-v1.ts'
import { ImagePuller } from './images/image-puller.ts'
import { type Machine, simulatedMachine } from './node-status/machine.ts'
import { keepNodeLease } from './node-status/node-lease.ts'
import { NodeReporter } from './node-status/node-reporter.ts'
import { defaultThresholds, type EvictionThresholds, type Reserved } from './node-status/node-status.ts'
import { admitPod } from './pod/pod-admission.ts'
import type { PodContext } from './pod/pod-context.ts'
import { type PodHost, simulatedPodHost } from './pod/pod-host.ts'
import { PodLoop, type PodSource } from './pod/pod-loop.ts'
import { StatusWriter } from './pod/status-writer.ts'
import { containerResourcesOf } from './resources/container-resources.ts'
import type { Runtime } from './runtime/contract.ts'
import { Semaphore } from './semaphore.ts'

export type NodeAgentOptions = {
  readonly client: Client
  readonly runtime: Runtime
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly nodeName: string
  /** At least one InternalIP; a Hostname is added when missing. */
  readonly addresses: readonly NodeAddress[]
  /** Default: a simulated machine of 4 CPUs and 16 GiB. */
  readonly machine?: Machine
  /** Default: a simulated one, without files, volumes and cgroups. */
  readonly host?: PodHost
  /** Default: an informer of this node's pods. Simulations share one informer between their nodes. */
  readonly pods?: PodSource
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  readonly reserved?: Partial<Reserved>
  readonly thresholds?: Partial<EvictionThresholds>
  readonly leaseDurationSeconds?: number
  readonly statusCheckPeriodMs?: number
  readonly statusReportPeriodMs?: number
  /** Sandboxes and containers made at once; default 4. */
  readonly parallelStarts?: number
  /** Image pulls at once; default 4. */
  readonly parallelPulls?: number
  /** The node's own pod range is known (or has changed). */
  readonly onPodCidr?: (cidr: string) => void
}

export type NodeAgent = {
  /** Registers the node and runs its pods until the signal aborts. Containers go on after it. */
  run(signal: AbortSignal): Promise<void>
  readonly loop: PodLoop | undefined
}

const defaultLeaseSeconds = 40
const defaultCheckPeriodMs = 10_000
const defaultReportPeriodMs = 300_000

export function createNodeAgent(options: NodeAgentOptions): NodeAgent {
  let loop: PodLoop | undefined
  return {
    get loop() {
      return loop
    },
    run: async (signal) => {
      const started = startAgent(options, signal)
      loop = started.loop
      await started.done
    },
  }
}

function startAgent(options: NodeAgentOptions, signal: AbortSignal): { loop: PodLoop; done: Promise<void> } {
  const { client, clock, random, log, nodeName } = options
  const events = new EventRecorder({ client, clock, log, component: 'kubelet', host: nodeName })
  const reporter = createReporter(options)
  let loop: PodLoop | undefined
  const statuses = new StatusWriter(
    { client, clock, random, log, onWritten: (pod) => loop?.worker(pod.metadata.uid ?? '')?.takeWritten(pod) },
    signal,
  )
  const context = createPodContext(options, { events, statuses, reporter, pods: () => loop?.pods() ?? [] })
  const own = options.pods ? undefined : ownPods(options)
  loop = new PodLoop({ context, source: options.pods ?? own!.source, random })
  const lease = keepNodeLease(
    {
      client,
      clock,
      random,
      log,
      nodeName,
      durationSeconds: options.leaseDurationSeconds ?? defaultLeaseSeconds,
      node: () => reporter.node,
    },
    signal,
  )
  const tasks = [reporter.run(signal), lease, loop.run(signal), own?.run(signal)]
  return { loop, done: Promise.all(tasks).then(() => {}) }
}

function createReporter(options: NodeAgentOptions): NodeReporter {
  let podCidr = ''
  const { nodeName, addresses } = options
  return new NodeReporter({
    client: options.client,
    runtime: options.runtime,
    clock: options.clock,
    log: options.log,
    nodeName,
    machine: options.machine ?? simulatedMachine(),
    addresses: addresses.some((a) => a.type === 'Hostname') ? addresses : [...addresses, { type: 'Hostname', address: nodeName }],
    port: () => undefined,
    labels: options.labels ?? {},
    taints: options.taints ?? [],
    reserved: { cpuMilli: 0, memoryBytes: 0, ephemeralStorageBytes: 0, ...options.reserved },
    thresholds: { ...defaultThresholds, ...options.thresholds },
    checkPeriodMs: options.statusCheckPeriodMs ?? defaultCheckPeriodMs,
    reportPeriodMs: options.statusReportPeriodMs ?? defaultReportPeriodMs,
    onNode: (node) => {
      const cidr = node.spec?.podCIDR ?? ''
      if (cidr === '' || cidr === podCidr) return
      podCidr = cidr
      options.onPodCidr?.(cidr)
    },
  })
}

type Parts = {
  readonly events: EventRecorder
  readonly statuses: StatusWriter
  readonly reporter: NodeReporter
  readonly pods: () => readonly Pod[]
}

function createPodContext(options: NodeAgentOptions, { events, statuses, reporter, pods }: Parts): PodContext {
  const { client, runtime, clock, log } = options
  const machine = options.machine ?? simulatedMachine()
  const hostIPs = options.addresses.filter((a) => a.type === 'InternalIP').map((a) => a.address)
  const event: PodContext['event'] = (pod, input) => events.record({ ...pod, apiVersion: 'v1', kind: 'Pod' }, input)
  return {
    client,
    runtime,
    clock,
    log,
    host: options.host ?? simulatedPodHost(),
    images: new ImagePuller({ runtime, clock, event, parallelPulls: options.parallelPulls ?? 4, credentials: async () => [] }),
    environment: { of: async () => [] },
    hooks: { run: async () => {} },
    probes: { sync() {}, stop() {} },
    statuses,
    starts: new Semaphore(options.parallelStarts ?? 4),
    hostIPs: () => hostIPs,
    memoryCapacityBytes: () => machine.facts().memoryBytes,
    containerResources: containerResourcesOf,
    admit: (pod) => admitPod(pod, pods(), reporter.node),
    admitResize: () => undefined,
    event,
  }
}

/** An informer of the pods that are bound to this node. */
function ownPods({ client, clock, random, log, nodeName }: NodeAgentOptions): {
  source: PodSource
  run(signal: AbortSignal): Promise<void>
} {
  const informer = new ObjectInformer<Pod>({
    client,
    kind: kindRefs.coreV1.pods,
    clock,
    random,
    log,
    fieldSelector: `spec.nodeName=${nodeName}`,
  })
  const source: PodSource = {
    synced: (signal) => informer.synced(signal),
    list: () => informer.list(),
    onChange: (handler) => informer.onChange(handler),
  }
  return { source, run: (signal) => informer.run(signal) }
}
