import { join } from 'node:path'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { ObjectInformer } from '../client/informer.ts'
import { type EventInput, EventRecorder } from '../control/event-recorder.ts'
import type { Node, Pod, Service } from '../kinds/generated/types/core-v1.ts'
import { isMirrorPod, isStaticPod } from '../kinds/static-pod.ts'
import { diskSpace } from '../platform/machine-facts.ts'
import { readTextFile, writeTextFile } from '../platform/text-file.ts'
import { type AgentSettings, agentSettings } from './agent-settings.ts'
import { containerEnvironment } from './environment/container-environment.ts'
import { Evictor } from './eviction/evictor.ts'
import { isAnythingShort, judgePressure, noPressure, noPressureMemory, type Pressure } from './eviction/pressure.ts'
import { observations } from './eviction/thresholds.ts'
import { type AgentFiles, prepareAgentFiles, seccompRoot } from './host/agent-files.ts'
import { machinePodHost } from './host/machine-pod-host.ts'
import type { PodDirectoryRoots } from './host/pod-directories.ts'
import { ImageCollector } from './images/image-gc.ts'
import { ImagePuller } from './images/image-puller.ts'
import { PullRecords, type PullRecordsOptions } from './images/pull-records.ts'
import { pullCredentials } from './images/registry-credentials.ts'
import { rotateLogs } from './logs/log-rotation.ts'
import type { NodeAgentOptions, NodeDoor } from './node-agent.ts'
import { type Machine, type MachineUse, simulatedMachine, usageMeter } from './node-status/machine.ts'
import { keepNodeLease } from './node-status/node-lease.ts'
import { NodeReporter } from './node-status/node-reporter.ts'
import { realMachine } from './node-status/real-machine.ts'
import { type Admission, type AdmissionNode, admitResize, planAdmission } from './pod/pod-admission.ts'
import type { PodContext } from './pod/pod-context.ts'
import { type PodHost, simulatedPodHost } from './pod/pod-host.ts'
import { PodLoop, type PodSource } from './pod/pod-loop.ts'
import { containerRecord } from './pod/pod-records.ts'
import { StatusWriter } from './pod/status-writer.ts'
import { ContainerProbes, type ProbeVerdict } from './probes/container-probes.ts'
import { lifecycleHooks } from './probes/lifecycle-hooks.ts'
import { simulatedProbeTransport, socketProbeTransport } from './probes/probe-transport.ts'
import { ObjectReferences } from './references/object-references.ts'
import { containerResourcesOf } from './resources/container-resources.ts'
import { machinePodCgroups } from './resources/pod-cgroups.ts'
import { delegatedAccess } from './server/node-access.ts'
import { agentRoutes } from './server/agent-routes.ts'
import type { NodeRoutes } from './server/node-routes.ts'
import { createLocalNodeServer, type NodeServer, startNodeServer } from './server/node-server.ts'
import type { Runtime } from './runtime/contract.ts'
import { Semaphore } from './semaphore.ts'
import { StaticPods } from './static-pods/static-pods.ts'
import { NodeShutdown } from './shutdown/node-shutdown.ts'
import { measuredRuntime } from './stats/measured-runtime.ts'
import { NodeMetrics } from './stats/node-metrics.ts'
import { PodStarts } from './stats/pod-starts.ts'
import { PersistentVolumes } from './volumes/persistent-volumes.ts'
import { PodVolumes } from './volumes/pod-volumes.ts'
import { ServiceAccountTokens } from './volumes/service-account-tokens.ts'

const imageCheckPeriodMs = 60_000

/** One run of an agent: the parts put together, and the tasks that live until its signal aborts. */
export class AgentRun {
  readonly loop: PodLoop
  readonly #options: NodeAgentOptions
  readonly #settings: AgentSettings
  readonly #metrics = new NodeMetrics()
  readonly #starts: PodStarts
  readonly #signal: AbortSignal
  readonly #machine: Machine
  readonly #events: EventRecorder
  readonly #references: ObjectReferences
  readonly #reporter: NodeReporter
  readonly #probes: ContainerProbes
  readonly #collector: ImageCollector
  readonly #evictor: Evictor
  readonly #pullRecords: PullRecords
  readonly #tasks: Promise<void>[] = []
  readonly #volumes: PodVolumes | undefined
  readonly #roots: PodDirectoryRoots | undefined
  #statics: StaticPods | undefined
  #shutdown: NodeShutdown | undefined
  #server: NodeServer | undefined
  #podCidr = ''
  #pressure = noPressure
  #pressureMemory = noPressureMemory

  static async create(options: NodeAgentOptions, signal: AbortSignal): Promise<AgentRun> {
    const prepared = options.files ? await prepareAgentFiles(options.files, options.log) : undefined
    const run = new AgentRun(options, signal, prepared)
    await run.#start()
    return run
  }

  private constructor(options: NodeAgentOptions, signal: AbortSignal, prepared: Awaited<ReturnType<typeof prepareAgentFiles>> | undefined) {
    const { client, clock, random, log, nodeName, files } = options
    const runtime = measuredRuntime(options.runtime, this.#metrics, clock)
    this.#options = { ...options, runtime }
    this.#settings = agentSettings(options)
    this.#starts = new PodStarts({ clock, metrics: this.#metrics })
    this.#signal = signal
    this.#machine =
      options.machine ??
      (files
        ? realMachine({
            directory: files.rootDir,
            imageDirectory: imageDirectoryOf(runtime),
            overrides: options.maxPods === undefined ? {} : { maxPods: options.maxPods },
          })
        : simulatedMachine())
    this.#events = new EventRecorder({ client, clock, log, component: 'kubelet', host: nodeName })
    this.#references = new ObjectReferences({
      client,
      clock,
      random,
      log,
      onChange: (uids) => uids.forEach((uid) => this.loop.worker(uid)?.noteReferenceChange()),
    })
    this.#reporter = this.#createReporter()
    const transport = options.probeTransport ?? (files ? socketProbeTransport() : simulatedProbeTransport())
    const recordsEvents = options.recordsEvents ?? true
    const event: PodContext['event'] = (pod, input) => {
      if (recordsEvents) this.#events.record({ ...pod, apiVersion: 'v1', kind: 'Pod' }, input)
    }
    this.#probes = new ContainerProbes({
      runtime,
      clock,
      transport,
      event,
      counts: this.#metrics,
      onVerdict: (verdict) => this.#onVerdict(verdict),
    })
    this.#collector = this.#createCollector()
    this.#pullRecords = new PullRecords(files ? pullRecordsFile(join(files.rootDir, 'image-pulls.json')) : forgottenRecords)
    this.#roots = prepared?.roots
    this.#volumes = prepared && this.#createVolumes(prepared)
    const host = prepared && files ? this.#createHost(files, prepared) : simulatedPodHost()
    this.#evictor = this.#createEvictor(host)
    const context = this.#createContext({ host, event, transport })
    const api = options.pods ?? this.#ownPods()
    if (options.manifests) this.#statics = this.#createStatics(api)
    this.loop = new PodLoop({ context, source: this.#statics?.source ?? api, random, onEnd: (uid) => this.#statics?.noteEnd(uid) })
  }

  get node(): Node | undefined {
    return this.#reporter.node
  }

  get port(): number | undefined {
    return this.#server?.port
  }

  async untilEnd(): Promise<void> {
    try {
      await Promise.all(this.#tasks)
    } finally {
      await this.#server?.close()
      await this.#volumes?.close()
      await this.#references.close()
      await this.#events.flushed()
    }
  }

  async #start(): Promise<void> {
    const { client, clock, random, log, nodeName, server, door, runtime, files } = this.#options
    const signal = this.#signal
    if (server) {
      const access = delegatedAccess({ client, clock, nodeName })
      this.#server = await startNodeServer({ ...server, log, access, routes: this.#createRoutes() })
    }
    if (!server && door) this.#server = this.#serveAt(door)
    if (files) await this.#forgetPullsOfGoneImages()
    const durationSeconds = this.#settings.leaseDurationSeconds
    this.#tasks.push(
      this.#reporter.run(signal),
      keepNodeLease(
        { client, clock, random, log, nodeName, durationSeconds, node: () => this.node, usage: usageMeter(this.#machine, clock) },
        signal,
      ),
      this.loop.run(signal),
      this.#watchNode(),
    )
    if (this.#statics) await this.#runStatics(this.#statics)
    this.#shutdown = this.#createShutdown()
    if (!files) return
    await this.#volumes?.start()
    const running = () =>
      [...this.loop.workers.values()].flatMap((w) => w.sandboxes).flatMap((s) => s.containers.filter((c) => c.state === 'Running'))
    this.#tasks.push(this.#collector.run(signal), rotateLogs({ runtime, clock, log, running }, signal))
  }

  async #runStatics(statics: StaticPods): Promise<void> {
    this.#tasks.push(statics.run(this.#signal))
    const end = await this.#options.manifests!((pods) => statics.set(pods))
    this.#signal.addEventListener('abort', end, { once: true })
    if (this.#signal.aborted) end()
  }

  #createShutdown(): NodeShutdown | undefined {
    const { shutdown, clock, log } = this.#options
    if (!shutdown || shutdown.periods.length === 0) return undefined
    const { periods, source } = shutdown
    const nodeEvent = (event: EventInput) => this.#nodeEvent(event)
    const onChange = () => this.#reporter.wake()
    const result = new NodeShutdown({ periods, clock, log, nodeEvent, onChange, loop: () => this.loop })
    const end = source((isComing) => result.tell(isComing))
    this.#signal.addEventListener('abort', end, { once: true })
    return result
  }

  #createStatics(api: PodSource): StaticPods {
    const { client, clock, log } = this.#options
    return new StaticPods({ client, clock, log, api, node: () => this.node, onMirror: (uid) => this.loop.look(uid) })
  }

  async #forgetPullsOfGoneImages(): Promise<void> {
    const { runtime, log } = this.#options
    try {
      this.#pullRecords.retain(new Set((await runtime.images()).map(({ id }) => id)))
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'records of pulls are kept as they are: the images cannot be listed')
    }
  }

  #serveAt(door: NodeDoor): NodeServer {
    const local = createLocalNodeServer({ log: this.#options.log, routes: this.#createRoutes() })
    const shut = door.open((connection) => local.accept(connection))
    return {
      port: door.port,
      close: async () => {
        shut()
        local.close()
      },
    }
  }

  #createReporter(): NodeReporter {
    const { client, runtime, clock, log, nodeName, addresses } = this.#options
    return new NodeReporter({
      client,
      runtime,
      clock,
      log,
      nodeName,
      machine: this.#machine,
      addresses: addresses.some((a) => a.type === 'Hostname') ? addresses : [...addresses, { type: 'Hostname', address: nodeName }],
      port: () => this.port,
      labels: this.#options.labels ?? {},
      taints: this.#options.taints ?? [],
      reserved: this.#settings.reserved,
      evictionHard: this.#settings.eviction.hard,
      checkPeriodMs: this.#settings.statusCheckPeriodMs,
      reportPeriodMs: this.#settings.statusReportPeriodMs,
      onNode: (node) => this.#onNode(node),
      judge: (use) => this.#judgePressure(use),
      isShuttingDown: () => this.#shutdown?.isComing === true,
    })
  }

  #onNode(node: Node): void {
    this.loop.retryResizes()
    this.#statics?.noteNode()
    const { podCIDR = '', podCIDRs = [podCIDR] } = node.spec ?? {}
    if (podCIDR === '' || podCIDR === this.#podCidr) return
    this.#podCidr = podCIDR
    this.#options.onPodCidrs?.(podCIDRs)
    // The network is about to be ready: tell it as soon as it is, not at the next period.
    this.#reporter.wake()
  }

  /** The node's own object, for its pod range and for admission. Without either need a simulated node reads it off its reports. */
  async #watchNode(): Promise<void> {
    const { client, clock, random, log, nodeName, files, nodeChanges } = this.#options
    const take = (node: Node) => {
      this.#reporter.takeNode(node)
      this.#onNode(node)
    }
    if (nodeChanges) {
      const remove = nodeChanges(take)
      await aborted(this.#signal)
      return remove()
    }
    if (!files && !this.#options.onPodCidrs) return
    const informer = new ObjectInformer<Node>({
      client,
      kind: kindRefs.coreV1.nodes,
      clock,
      random,
      log,
      fieldSelector: `metadata.name=${nodeName}`,
    })
    informer.onChange(({ current }) => {
      if (current) take(current)
    })
    await informer.run(this.#signal)
  }

  #judgePressure(use: MachineUse): Pressure {
    const observed = observations(use, this.#machine.facts().memoryBytes)
    const moment = { memory: this.#pressureMemory, atMs: this.#options.clock.monotonicMs() }
    const { pressure, due, memory } = judgePressure(observed, this.#settings.eviction, moment)
    this.#pressureMemory = memory
    this.#pressure = pressure
    this.#evictor.look(use, due)
    return pressure
  }

  #createEvictor(host: PodHost): Evictor {
    const { runtime, log } = this.#options
    const { eviction } = this.#settings
    return new Evictor({
      runtime,
      host,
      log,
      maxPodGraceSeconds: eviction.maxPodGraceSeconds,
      onShortage: (message) => this.#nodeEvent({ type: 'Warning', reason: 'EvictionThresholdMet', message }),
      onEviction: (signal) => this.#metrics.evicted(signal),
      pods: () => this.loop.pods(),
      evict: (uid, terminal) => this.loop.evict(uid, terminal),
      reclaimDisk: async () => {
        await this.#collector.reclaim()
        return !isAnythingShort(observations(await this.#machine.use(), this.#machine.facts().memoryBytes), eviction)
      },
    })
  }

  #nodeEvent(event: EventInput): void {
    if (this.node) this.#events.record({ ...this.node, apiVersion: 'v1', kind: 'Node' }, event)
  }

  #createCollector(): ImageCollector {
    const { runtime, clock, log, files } = this.#options
    return new ImageCollector({
      runtime,
      clock,
      log,
      policy: this.#settings.imageGc,
      inUse: () => new Set([...this.loop.workers.values()].flatMap((w) => w.sandboxes).flatMap((s) => s.containers.map((c) => c.imageId))),
      disk: () => (files ? diskSpace(files.rootDir) : undefined),
      onImages: (images) => this.#reporter.setImages(images),
      checkPeriodMs: imageCheckPeriodMs,
    })
  }

  #createVolumes({ roots, canMount }: Awaited<ReturnType<typeof prepareAgentFiles>>): PodVolumes {
    const { client, clock, random, log, nodeName } = this.#options
    const directory = join(roots.root, 'local-volumes')
    return new PodVolumes({
      roots,
      clock,
      log,
      canMount,
      onSetUp: (plugin, durationMs, hasFailed) => this.#metrics.storage(plugin, 'volume_mount', durationMs, hasFailed),
      objects: this.#references,
      imageViews: this.#options.imageViews,
      tokens: new ServiceAccountTokens({ client, clock }),
      persistent: new PersistentVolumes({ client, clock, random, log, directory, node: () => this.node }),
      fields: (pod) => ({
        podIps: this.loop.worker(pod.metadata.uid ?? '')?.sandboxes[0]?.ips ?? [],
        hostIps: this.#hostIPs(),
        nodeName,
        allocatable: this.node?.status?.allocatable ?? {},
      }),
    })
  }

  #createHost(files: AgentFiles, { roots }: Awaited<ReturnType<typeof prepareAgentFiles>>): PodHost {
    const cgroups = files.cgroupRoot === undefined ? undefined : machinePodCgroups(files.cgroupRoot)
    const { client } = this.#options
    const handlerOf = async (name: string) => (await client.resource(kindRefs.nodeV1.runtimeClasses).get(name)).handler
    return machinePodHost({
      roots,
      volumes: this.#volumes!,
      references: this.#references,
      cgroups,
      clusterDns: files.clusterDns,
      handlerOf,
    })
  }

  #createContext({
    host,
    event,
    transport,
  }: {
    host: PodHost
    event: PodContext['event']
    transport: Parameters<typeof lifecycleHooks>[0]['transport']
  }): PodContext {
    const { client, runtime, clock, random, log, nodeName } = this.#options
    const onWritten = (pod: Pod) => {
      if (isMirrorPod(pod)) return this.#statics?.takeMirror(pod, undefined)
      const worker = this.loop.worker(pod.metadata.uid ?? '')
      if (!worker) return
      worker.takeWritten(pod)
      this.#starts.written(worker, pod)
    }
    return {
      client,
      runtime,
      clock,
      log,
      host,
      images: new ImagePuller({
        runtime,
        clock,
        event,
        parallelPulls: this.#settings.parallelPulls,
        records: this.#pullRecords,
        credentials: (pod, image) => pullCredentials(this.#references, pod, image),
        onUse: (image) => this.#collector.noteUse(image),
        onPulled: (pod, image, times) => {
          this.#metrics.pulled(image.sizeBytes, times.pullMs)
          const worker = this.loop.worker(pod.metadata.uid ?? '')
          if (worker) this.#starts.pulled(worker, times)
        },
      }),
      environment: containerEnvironment({
        objects: this.#references,
        services: this.#options.services ?? this.#ownServices(),
        nodeName,
        hostIps: () => this.#hostIPs(),
        allocatable: () => this.node?.status?.allocatable ?? {},
        volumeFile: this.#volumes && ((pod, volume, path) => this.#volumes!.readFile(pod, volume, path)),
      }),
      hooks: lifecycleHooks({ runtime, clock, transport, event }),
      probes: this.#probes,
      statuses: new StatusWriter({ client, clock, random, log, onWritten, gather: this.#settings.statusGather }, this.#signal),
      starts: new Semaphore(this.#settings.parallelStarts),
      hostIPs: () => this.#hostIPs(),
      memoryCapacityBytes: () => this.#machine.facts().memoryBytes,
      seccompRoot: this.#roots ? seccompRoot(this.#roots.root) : '',
      containerResources: containerResourcesOf,
      admit: (pod) => this.#admit(pod),
      admitResize: (pod) => admitResize(pod, this.loop.admittedPods(), this.node),
      mirrorOf: (pod) => this.#statics?.mirrorOf(pod),
      event,
    }
  }

  #admit(pod: Pod): Admission {
    const admission = planAdmission(pod, this.loop.admittedPods(), this.#admissionNode())
    if ('refusal' in admission) this.#metrics.rejected(admission.refusal.reason)
    else for (const _ of admission.victims) this.#metrics.preempted(admission.resource ?? '')
    return admission
  }

  #admissionNode(): AdmissionNode {
    return { node: this.node, machine: this.#machine.facts(), pressure: this.#pressure, isShuttingDown: this.#shutdown?.isComing === true }
  }

  #hostIPs(): readonly string[] {
    return this.#options.addresses.filter((a) => a.type === 'InternalIP').map((a) => a.address)
  }

  #onVerdict({ uid, name, containerId, kind, isGood, probe }: ProbeVerdict): void {
    const worker = this.loop.worker(uid)
    if (!worker) return
    const record = containerRecord(worker.records, name)
    if (record.healthOf !== containerId) return
    if (kind === 'readiness') record.isReady = isGood
    else if (isGood) record.isStarted = true
    else {
      const message = `Container ${name} failed ${kind} probe, will be restarted`
      record.kill = { containerId, message, graceSeconds: probe.terminationGracePeriodSeconds }
    }
    worker.look({ observe: false })
  }

  #createRoutes(): NodeRoutes {
    return agentRoutes({
      options: this.#options,
      settings: this.#settings,
      machine: this.#machine,
      loop: this.loop,
      metrics: this.#metrics,
      disks: this.#roots && { roots: this.#roots, volumes: this.#volumes! },
      port: () => this.port,
    })
  }

  /** An informer of the pods that are bound to this node. */
  #ownPods(): PodSource {
    const { client, clock, random, log, nodeName } = this.#options
    const informer = new ObjectInformer<Pod>({
      client,
      kind: kindRefs.coreV1.pods,
      clock,
      random,
      log,
      fieldSelector: `spec.nodeName=${nodeName}`,
    })
    this.#tasks.push(informer.run(this.#signal))
    return {
      synced: (signal) => informer.synced(signal),
      list: () => informer.list(),
      onChange: (handler) => informer.onChange(handler),
    }
  }

  #ownServices(): (pod: Pod) => Promise<readonly Service[]> {
    const { client, clock, random, log, files } = this.#options
    if (!files) return async () => []
    const informer = new ObjectInformer<Service>({ client, kind: kindRefs.coreV1.services, clock, random, log })
    this.#tasks.push(informer.run(this.#signal))
    return async (pod) => {
      // A static pod waits for no API: it hears of what is known by now.
      if (!isStaticPod(pod)) await informer.synced(this.#signal)
      return informer.list()
    }
  }
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

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function pullRecordsFile(path: string): PullRecordsOptions {
  return { stored: readTextFile(path), keep: (text) => writeTextFile(path, text) }
}

const forgottenRecords: PullRecordsOptions = { stored: undefined, keep: () => {} }
