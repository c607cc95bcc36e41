import { ObjectReferences } from '../references/object-references.ts'
import { EventRecorder } from '../../control/event-recorder.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { prepareAgentFiles } from '../host/agent-files.ts'
import { rotateLogs } from '../logs/log-rotation.ts'
import type { NodeAgentOptions } from '../node-agent.ts'
import { simulatedMachine, usageMeter } from '../node-status/machine.ts'
import { keepNodeLease } from '../node-status/node-lease.ts'
import { NodeReporter } from '../node-status/node-reporter.ts'
import { realMachine } from '../node-status/real-machine.ts'
import { PodLoop } from '../pod/pod-loop.ts'
import type { Runtime } from '../runtime/contract.ts'
import { agentRoutes } from '../server/agent-routes.ts'
import type { NodeServer } from '../server/node-server.ts'
import { hasEndedForShutdown, NodeShutdown } from '../shutdown/node-shutdown.ts'
import { StaticPods } from '../static-pods/static-pods.ts'
import { measuredRuntime } from '../stats/measured-runtime.ts'
import { NodeMetrics } from '../stats/node-metrics.ts'
import { PodStarts } from '../stats/pod-starts.ts'
import { type AgentBase, whenAborted } from './agent-base.ts'
import { agentContext } from './agent-context.ts'
import { type AgentHost, agentHost, type PreparedFiles } from './agent-host.ts'
import { type AgentImages, agentImages } from './agent-images.ts'
import { AgentPressure } from './agent-pressure.ts'
import { serveNode } from './agent-server.ts'
import { agentSettings } from './agent-settings.ts'
import { AgentSources } from './agent-sources.ts'

/** One run of an agent: the parts put together, and the tasks that live until its signal aborts. */
export class AgentRun {
  readonly loop: PodLoop
  readonly #base: AgentBase
  readonly #signal: AbortSignal
  readonly #events: EventRecorder
  readonly #sources: AgentSources
  readonly #reporter: NodeReporter
  readonly #host: AgentHost
  readonly #images: AgentImages
  readonly #pressure: AgentPressure
  readonly #statics: StaticPods | undefined
  readonly #tasks: Promise<void>[] = []
  #shutdown: NodeShutdown | undefined
  #server: NodeServer | undefined
  #podCidr = ''

  static async create(options: NodeAgentOptions, signal: AbortSignal): Promise<AgentRun> {
    const prepared = options.files ? await prepareAgentFiles(options.files, options.log) : undefined
    const run = new AgentRun(options, signal, prepared)
    await run.#start()
    return run
  }

  private constructor(options: NodeAgentOptions, signal: AbortSignal, prepared: PreparedFiles | undefined) {
    const { client, clock, random, log, nodeName } = options
    this.#signal = signal
    this.#events = new EventRecorder({ client, clock, log, component: 'kubelet', host: nodeName })
    const base = (this.#base = this.#createBase(options))
    const starts = new PodStarts({ clock, metrics: base.metrics })
    this.#reporter = this.#createReporter()
    this.#host = agentHost(base, prepared)
    this.#images = agentImages(base, { starts, onImages: (images) => this.#reporter.setImages(images) })
    const reclaimImages = () => this.#images.collector.reclaim()
    this.#pressure = new AgentPressure({ base, host: this.#host.host, reclaimImages })
    this.#sources = new AgentSources(options, signal)
    const services = this.#sources.services()
    const api = this.#sources.pods()
    const onMirror = (uid: string) => this.loop.look(uid)
    this.#statics = options.manifests && new StaticPods({ client, clock, log, api, node: base.node, onMirror })
    const parts = {
      agentHost: this.#host,
      images: this.#images.puller,
      services,
      starts,
      statics: () => this.#statics,
      pressure: () => this.#pressure.current,
      isShuttingDown: () => this.#shutdown?.isComing === true,
    }
    this.loop = new PodLoop({
      context: agentContext(base, parts, signal),
      source: this.#statics?.source ?? api,
      random,
      onEnd: (uid) => this.#statics?.noteEnd(uid),
    })
  }

  get node(): Node | undefined {
    return this.#reporter.node
  }

  get port(): number | undefined {
    return this.#server?.port
  }

  async untilEnd(): Promise<void> {
    try {
      await Promise.all([this.#sources.untilEnd(), ...this.#tasks])
    } finally {
      await this.#server?.close()
      await this.#host.disks?.volumes.close()
      await this.#base.references.close()
      await this.#events.flushed()
    }
  }

  async #start(): Promise<void> {
    const { options, settings, machine, metrics } = this.#base
    const { client, clock, random, log, nodeName, runtime, files } = options
    const signal = this.#signal
    const { disks } = this.#host
    this.#server = await serveNode(this.#base, () =>
      agentRoutes({ options, settings, machine, loop: this.loop, metrics, disks, port: () => this.port }),
    )
    if (files) await this.#images.forgetPullsOfGoneImages()
    const durationSeconds = settings.leaseDurationSeconds
    const usage = usageMeter(machine, clock)
    this.#tasks.push(
      this.#reporter.run(signal),
      keepNodeLease({ client, clock, random, log, nodeName, durationSeconds, node: () => this.node, usage }, signal),
      this.loop.run(signal),
    )
    this.#sources.watchNode((node) => {
      this.#reporter.takeNode(node)
      this.#onNode(node)
    })
    if (this.#statics) await this.#runStatics(this.#statics)
    this.#shutdown = this.#createShutdown()
    if (!files) return
    await disks?.volumes.start()
    const running = () =>
      [...this.loop.workers.values()].flatMap((w) => w.sandboxes).flatMap((s) => s.containers.filter((c) => c.state === 'Running'))
    this.#tasks.push(this.#images.collector.run(signal), rotateLogs({ runtime, clock, log, running }, signal))
  }

  async #runStatics(statics: StaticPods): Promise<void> {
    this.#tasks.push(statics.run(this.#signal))
    whenAborted(this.#signal, await this.#base.options.manifests!.watch((pods) => statics.set(pods)))
  }

  #createBase(options: NodeAgentOptions): AgentBase {
    const { client, clock, random, log } = options
    const metrics = new NodeMetrics()
    const runtime = measuredRuntime(options.runtime, metrics, clock)
    const onChange = (uids: readonly string[]) => uids.forEach((uid) => this.loop.worker(uid)?.noteReferenceChange())
    const recordsEvents = options.recordsEvents ?? true
    return {
      options: { ...options, runtime },
      settings: agentSettings(options),
      metrics,
      machine: options.machine ?? machineOf(options, runtime),
      references: new ObjectReferences({ client, clock, random, log, onChange }),
      loop: () => this.loop,
      node: () => this.node,
      podEvent: (pod, event) => {
        if (recordsEvents) this.#events.record({ ...pod, apiVersion: 'v1', kind: 'Pod' }, event)
      },
      nodeEvent: (event) => {
        if (this.node) this.#events.record({ ...this.node, apiVersion: 'v1', kind: 'Node' }, event)
      },
    }
  }

  #createShutdown(): NodeShutdown | undefined {
    const { options, nodeEvent, loop } = this.#base
    const { shutdown, clock, log } = options
    if (!shutdown || shutdown.periods.length === 0) return undefined
    const { periods, source } = shutdown
    const onChange = () => this.#reporter.wake()
    const isOver = (uid: string) => {
      const worker = loop().worker(uid)
      return worker !== undefined && hasEndedForShutdown(worker.records)
    }
    // A pod of the API is its controller's to replace; one of a file is always meant to run.
    const onCancelled = () => this.#statics?.runAgain(isOver)
    const result = new NodeShutdown({ periods, clock, log, nodeEvent, onChange, onCancelled, loop })
    whenAborted(
      this.#signal,
      source((isComing) => result.tell(isComing)),
    )
    return result
  }

  #createReporter(): NodeReporter {
    const { options, settings, machine, nodeEvent } = this.#base
    const { client, runtime, clock, log, nodeName, addresses } = options
    return new NodeReporter({
      client,
      runtime,
      clock,
      log,
      nodeName,
      machine,
      addresses: addresses.some((a) => a.type === 'Hostname') ? addresses : [...addresses, { type: 'Hostname', address: nodeName }],
      port: () => this.port,
      labels: options.labels ?? {},
      taints: options.taints ?? [],
      reserved: settings.reserved,
      evictionHard: settings.eviction.hard,
      checkPeriodMs: settings.statusCheckPeriodMs,
      reportPeriodMs: settings.statusReportPeriodMs,
      onNode: (node) => this.#onNode(node),
      judge: (use) => this.#pressure.judge(use),
      isShuttingDown: () => this.#shutdown?.isComing === true,
      event: nodeEvent,
      tellsStart: options.files !== undefined,
    })
  }

  #onNode(node: Node): void {
    this.loop.retryResizes()
    this.#statics?.noteNode()
    const { podCIDR = '', podCIDRs = [podCIDR] } = node.spec ?? {}
    if (podCIDR === '' || podCIDR === this.#podCidr) return
    this.#podCidr = podCIDR
    this.#base.options.onPodCidrs?.(podCIDRs)
    // The network is about to be ready: tell it as soon as it is, not at the next period.
    this.#reporter.wake()
  }
}

function machineOf({ files, maxPods }: NodeAgentOptions, runtime: Runtime) {
  if (!files) return simulatedMachine()
  const overrides = maxPods === undefined ? {} : { maxPods }
  return realMachine({ directory: files.rootDir, imageDirectory: imageDirectoryOf(runtime), overrides })
}

/** Asked once: an engine keeps its images in one place. */
function imageDirectoryOf(runtime: Runtime): () => Promise<string | undefined> {
  let known: string | undefined
  return async () => {
    known ??= await runtime.imageFilesystem().then(
      ({ mountpoint }) => mountpoint || undefined,
      () => undefined,
    )
    return known
  }
}
