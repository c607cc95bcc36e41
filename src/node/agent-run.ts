import { join } from 'node:path'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { ObjectInformer } from '../client/informer.ts'
import { EventRecorder } from '../control/event-recorder.ts'
import type { Node, Pod, Service } from '../kinds/generated/types/core-v1.ts'
import { podRequests, resourceAmounts } from '../kinds/pod-requests.ts'
import { diskSpace } from '../platform/machine-facts.ts'
import { containerEnvironment } from './environment/container-environment.ts'
import { Evictor } from './eviction/evictor.ts'
import { type AgentFiles, prepareAgentFiles } from './host/agent-files.ts'
import { machinePodHost } from './host/machine-pod-host.ts'
import type { PodDirectoryRoots } from './host/pod-directories.ts'
import { podDiskPaths } from './host/pod-disk-paths.ts'
import { defaultImageGcPolicy, ImageCollector } from './images/image-gc.ts'
import { ImagePuller } from './images/image-puller.ts'
import { pullCredentials } from './images/registry-credentials.ts'
import { machineLogFiles } from './logs/log-files.ts'
import { rotateLogs } from './logs/log-rotation.ts'
import type { NodeAgentOptions, NodeDoor } from './node-agent.ts'
import { type Machine, simulatedMachine, usageMeter } from './node-status/machine.ts'
import { keepNodeLease } from './node-status/node-lease.ts'
import { NodeReporter } from './node-status/node-reporter.ts'
import { defaultThresholds } from './node-status/node-status.ts'
import { realMachine } from './node-status/real-machine.ts'
import { admitPod } from './pod/pod-admission.ts'
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
import { kubeletConfiguration } from './server/kubelet-configuration.ts'
import { delegatedAccess } from './server/node-access.ts'
import { createNodeRoutes } from './server/node-routes.ts'
import { runningPods, syncTrouble } from './server/running-pods.ts'
import { createLocalNodeServer, type NodeServer, startNodeServer } from './server/node-server.ts'
import { Semaphore } from './semaphore.ts'
import { DiskFigures } from './stats/disk-figures.ts'
import type { Family } from './stats/exposition.ts'
import { agentFamilies, processFamilies } from './stats/agent-families.ts'
import { type MachineFigures, machineFigures } from './stats/machine-figures.ts'
import { measuredRuntime } from './stats/measured-runtime.ts'
import { nodeDocuments } from './stats/node-documents.ts'
import { NodeMetrics } from './stats/node-metrics.ts'
import { NodeStatistics } from './stats/node-statistics.ts'
import { PodStarts } from './stats/pod-starts.ts'
import { PersistentVolumes } from './volumes/persistent-volumes.ts'
import { PodVolumes } from './volumes/pod-volumes.ts'
import { ServiceAccountTokens } from './volumes/service-account-tokens.ts'

const defaultLeaseSeconds = 40
const defaultCheckPeriodMs = 10_000
const defaultReportPeriodMs = 300_000
const defaultParallelStarts = 4
const defaultParallelPulls = 4
const imageCheckPeriodMs = 60_000
const noneReserved = { cpuMilli: 0, memoryBytes: 0, ephemeralStorageBytes: 0 } as const

/** One run of an agent: the parts put together, and the tasks that live until its signal aborts. */
export class AgentRun {
  readonly loop: PodLoop
  readonly #options: NodeAgentOptions
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
  readonly #tasks: Promise<void>[] = []
  readonly #volumes: PodVolumes | undefined
  readonly #roots: PodDirectoryRoots | undefined
  #server: NodeServer | undefined
  #podCidr = ''

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
    this.#starts = new PodStarts({ clock, metrics: this.#metrics })
    this.#signal = signal
    this.#machine =
      options.machine ??
      (files ? realMachine(files.rootDir, options.maxPods === undefined ? {} : { maxPods: options.maxPods }) : simulatedMachine())
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
    this.#roots = prepared?.roots
    this.#volumes = prepared && this.#createVolumes(prepared)
    const host = prepared && files ? this.#createHost(files, prepared) : simulatedPodHost()
    this.#evictor = this.#createEvictor(host)
    const context = this.#createContext({ host, event, transport })
    this.loop = new PodLoop({ context, source: options.pods ?? this.#ownPods(), random })
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
    const durationSeconds = this.#options.leaseDurationSeconds ?? defaultLeaseSeconds
    this.#tasks.push(
      this.#reporter.run(signal),
      keepNodeLease(
        { client, clock, random, log, nodeName, durationSeconds, node: () => this.node, usage: usageMeter(this.#machine, clock) },
        signal,
      ),
      this.loop.run(signal),
      this.#watchNode(),
    )
    if (!files) return
    await this.#volumes?.start()
    const running = () =>
      [...this.loop.workers.values()].flatMap((w) => w.sandboxes).flatMap((s) => s.containers.filter((c) => c.state === 'Running'))
    this.#tasks.push(this.#collector.run(signal), rotateLogs({ runtime, clock, log, running }, signal))
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
      reserved: { ...noneReserved, ...this.#options.reserved },
      thresholds: { ...defaultThresholds, ...this.#options.thresholds },
      checkPeriodMs: this.#options.statusCheckPeriodMs ?? defaultCheckPeriodMs,
      reportPeriodMs: this.#options.statusReportPeriodMs ?? defaultReportPeriodMs,
      onNode: (node) => this.#onNode(node),
      onUse: (use) => this.#evictor.look(use),
    })
  }

  #onNode(node: Node): void {
    const cidr = node.spec?.podCIDR ?? ''
    if (cidr === '' || cidr === this.#podCidr) return
    this.#podCidr = cidr
    this.#options.onPodCidr?.(cidr)
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
    if (!files && !this.#options.onPodCidr) return
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

  #createEvictor(host: PodHost): Evictor {
    const { runtime, log, files } = this.#options
    return new Evictor({
      thresholds: { ...defaultThresholds, ...this.#options.thresholds },
      runtime,
      host,
      log,
      onEviction: (signal) => this.#metrics.evicted(signal),
      pods: () => this.loop.pods(),
      evict: (uid, terminal) => this.loop.evict(uid, terminal),
      reclaimDisk: async () => {
        await this.#collector.reclaim()
        return files && diskSpace(files.rootDir)?.availableBytes
      },
    })
  }

  #createCollector(): ImageCollector {
    const { runtime, clock, log, files } = this.#options
    return new ImageCollector({
      runtime,
      clock,
      log,
      policy: defaultImageGcPolicy,
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
        parallelPulls: this.#options.parallelPulls ?? defaultParallelPulls,
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
      }),
      hooks: lifecycleHooks({ runtime, clock, transport }),
      probes: this.#probes,
      statuses: new StatusWriter({ client, clock, random, log, onWritten }, this.#signal),
      starts: new Semaphore(this.#options.parallelStarts ?? defaultParallelStarts),
      hostIPs: () => this.#hostIPs(),
      memoryCapacityBytes: () => this.#machine.facts().memoryBytes,
      containerResources: containerResourcesOf,
      admit: (pod) => admitPod(pod, this.loop.admittedPods(), this.node),
      admitResize: (pod) => this.#admitResize(pod),
      event,
    }
  }

  #hostIPs(): readonly string[] {
    return this.#options.addresses.filter((a) => a.type === 'InternalIP').map((a) => a.address)
  }

  #admitResize(pod: Pod): ReturnType<PodContext['admitResize']> {
    const allocatable = resourceAmounts(this.node?.status?.allocatable)
    const wanted = podRequests(pod)
    for (const name of ['cpu', 'memory'] as const) {
      if (allocatable[name] === undefined) continue
      if ((wanted[name] ?? 0) > allocatable[name]) {
        return {
          reason: 'Infeasible',
          message: `Node didn't have enough capacity: ${name}, requested: ${wanted[name]}, capacity: ${allocatable[name]}`,
        }
      }
    }
    const others = this.loop.admittedPods().filter((p) => p.metadata.uid !== pod.metadata.uid)
    const refusal = admitPod(pod, others, this.node)
    return refusal?.reason.startsWith('OutOf')
      ? { reason: 'Deferred', message: refusal.message.replace('Pod was rejected: ', '') }
      : undefined
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

  #createRoutes() {
    const { runtime, clock, files } = this.#options
    const figures = files && machineFigures({ podsRoot: files.cgroupRoot, directory: files.rootDir })
    const statistics = this.#createStatistics(figures)
    return createNodeRoutes({
      runtime,
      clock,
      logFiles: this.#options.logFiles ?? (files ? machineLogFiles() : noLogFiles),
      find: (namespace, name) => this.loop.find(namespace, name),
      pods: () => this.loop.pods(),
      runningPods: () => runningPods([...this.loop.workers.values()].flatMap((w) => w.sandboxes)),
      onRequest: (method, path) => this.#metrics.request(method, path),
      healthChecks: [
        { name: 'ping', check: () => undefined },
        { name: 'log', check: () => undefined },
        { name: 'syncloop', check: () => syncTrouble(this.loop.failingSinceMs, clock.now()) },
      ],
      logDirectory: files?.logsDir,
      onPodChange: (uid, listener) => this.loop.onLooked(uid, listener),
      documents: nodeDocuments({
        statistics,
        configuration: () => this.#configuration(),
        probeFamilies: () => [
          ...(figures ? processFamilies(figures.process()).filter((f) => f.name === 'process_start_time_seconds') : []),
          ...this.#metrics.probeFamilies(),
        ],
        families: () => this.#families(statistics, figures),
      }),
    })
  }

  #configuration(): object {
    const { server, files, taints = [], reserved, thresholds } = this.#options
    return kubeletConfiguration({
      server: server && { host: server.host, port: this.port ?? server.port },
      files,
      maxPods: this.#machine.facts().maxPods,
      taints,
      reserved: { ...noneReserved, ...reserved },
      thresholds: { ...defaultThresholds, ...thresholds },
      imageGc: defaultImageGcPolicy,
      leaseDurationSeconds: this.#options.leaseDurationSeconds ?? defaultLeaseSeconds,
      statusCheckPeriodMs: this.#options.statusCheckPeriodMs ?? defaultCheckPeriodMs,
      statusReportPeriodMs: this.#options.statusReportPeriodMs ?? defaultReportPeriodMs,
      parallelPulls: this.#options.parallelPulls ?? defaultParallelPulls,
    })
  }

  #createStatistics(figures: MachineFigures | undefined): NodeStatistics {
    const { runtime, clock, nodeName } = this.#options
    const roots = this.#roots
    const pods = () => [...this.loop.workers.values()]
    const running = () => pods().filter((w) => w.sandboxes.some((s) => s.state === 'Ready'))
    return new NodeStatistics({
      ...{ runtime, clock, nodeName, machine: this.#machine, pods },
      figures,
      disks:
        roots &&
        new DiskFigures({
          clock,
          pods: () => running().map((w) => w.pod),
          paths: podDiskPaths(roots, this.#volumes!),
          directories: [roots.root, roots.logs],
        }),
    })
  }

  async #families(statistics: NodeStatistics, figures: MachineFigures | undefined): Promise<Family[]> {
    const { nodeName, server, clientCertificate, clock } = this.#options
    const now = agentFamilies({
      nodeName,
      pods: [...this.loop.workers.values()],
      disks: await statistics.disks(),
      clientCertificate,
      servingCertificate: server?.cert,
      agentProcess: figures?.process(),
      nowMs: clock.now(),
    })
    return [...now, ...this.#metrics.families()]
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

  #ownServices(): () => Promise<readonly Service[]> {
    const { client, clock, random, log, files } = this.#options
    if (!files) return async () => []
    const informer = new ObjectInformer<Service>({ client, kind: kindRefs.coreV1.services, clock, random, log })
    this.#tasks.push(informer.run(this.#signal))
    return async () => {
      await informer.synced(this.#signal)
      return informer.list()
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

const noLogFiles = { open: async () => undefined, identity: async () => undefined, watch: () => () => {} }
