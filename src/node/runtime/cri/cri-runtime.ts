import { constants } from 'node:os'
import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import { type CgroupTree, readCgroupTree, removeCgroup } from '../../../platform/cgroup.ts'
import { createHostPorts, type HostPorts } from '../../cni/host-ports.ts'
import {
  type Condition,
  type ContainerStats,
  type ExecOptions,
  type ImageInfo,
  type ProcessStreams,
  type RegistryAuth,
  type Runtime,
  RuntimeError,
  type SandboxSpec,
} from '../contract.ts'
import containerdDescriptor from './containerd-v1.json' with { type: 'json' }
import { isNotFound, toRuntimeError } from './cri-errors.ts'
import { criEvents } from './cri-events.ts'
import type { CriContainerStats, CriImage } from './cri-messages.ts'
import { createCriObserver, type CriObserver, milliseconds } from './cri-observer.ts'
import { annotations, containerConfig, labels, linuxResources, podSandboxConfig } from './cri-specs.ts'
import { openPort, openProcess } from './cri-streaming.ts'
import criDescriptor from './cri-v1.json' with { type: 'json' }
import { drainStdin } from './stdin-drain.ts'
import { createGrpcCaller, type GrpcCaller } from '../../../platform/grpc-caller.ts'

export type CriRuntimeOptions = {
  /** Absolute path of containerd's unix socket. */
  readonly socket: string
  /** Whose sandboxes these are when several agents share one containerd: usually the node's name. */
  readonly owner: string
  readonly clock: Clock
  readonly log: Log
  /** Images that garbage collection must keep, e.g. the pause image. */
  readonly pinnedImages?: readonly string[]
  /** Default: those of the network namespace of this process. */
  readonly hostPorts?: HostPorts
}

const callTimeoutMs = 30_000
/** Creating and starting go through runc, which a loaded disk can hold up. */
const actTimeoutMs = 240_000
const pullTimeoutMs = 30 * 60_000
const execOutputBytesMax = 16 * 1024 * 1024
/** What containerd's Tasks and Events services need to know; CRI keeps everything in one namespace. */
const metadata = { 'containerd-namespace': 'k8s.io' }
const graceSecondsMax = 14 * 86_400

/** The Runtime contract on containerd: CRI v1, its streaming server, its event stream and its task service. */
export function createCriRuntime(options: CriRuntimeOptions): Runtime {
  const caller = createGrpcCaller({
    address: `unix://${options.socket}`,
    descriptors: [criDescriptor, containerdDescriptor],
    clock: options.clock,
  })
  const observer = createCriObserver(caller, options.owner)
  const hostPorts = options.hostPorts ?? createHostPorts()
  let configuration: Promise<EngineConfiguration> | undefined
  const context: Context = {
    ...{ ...options, caller, observer, hostPorts, cgroups: readCgroupTree() },
    stateDirectory: async () => {
      configuration ??= engineConfiguration(caller)
      return (await configuration.catch(() => (configuration = undefined)))?.stateDir
    },
  }
  return {
    version: async () => {
      const answer = await call<{ runtimeName: string; runtimeVersion: string; runtimeApiVersion: string }>(context, 'Version', {})
      return { name: answer.runtimeName, version: answer.runtimeVersion, apiVersion: answer.runtimeApiVersion }
    },
    status: () => readStatus(context),
    list: () => observer.list().catch(rethrow),
    pod: (sandboxId) => observer.pod(sandboxId).catch(rethrow),
    events: (signal) => criEvents(context, signal),
    ...sandboxMethods(context),
    ...containerMethods(context),
    ...processMethods(context),
    ...imageMethods(context),
    stats: () => readStats(context),
    close: async () => caller.close(),
  }
}

/** The image that the engine's configuration names for sandboxes; undefined when the engine does not tell. */
export async function sandboxImageOf(socket: string, options: Pick<CriRuntimeOptions, 'clock'>): Promise<string | undefined> {
  const caller = createGrpcCaller({ address: `unix://${socket}`, descriptors: [criDescriptor], clock: options.clock })
  try {
    return (await engineConfiguration(caller)).sandboxImage
  } catch (error) {
    throw toRuntimeError(error)
  } finally {
    caller.close()
  }
}

/** What containerd tells of its CRI plugin's configuration, as far as it does. */
type EngineConfiguration = { readonly sandboxImage?: string; readonly stateDir?: string }

async function engineConfiguration(caller: GrpcCaller): Promise<EngineConfiguration> {
  const request = { timeoutMs: callTimeoutMs }
  const { info } = await caller.unary<{ info: Record<string, string> }>('runtime.v1.RuntimeService/Status', { verbose: true }, request)
  return JSON.parse(info.config ?? '{}') as EngineConfiguration
}

type Context = CriRuntimeOptions & {
  readonly caller: GrpcCaller
  readonly observer: CriObserver
  readonly hostPorts: HostPorts
  /** Read once: the list of mounts is long on a node with many pods. */
  readonly cgroups: CgroupTree
  /** Of the engine's CRI plugin; undefined: it does not tell. Asked once. */
  readonly stateDirectory: () => Promise<string | undefined>
}

const userNamespacesRefusal = (handler: string) =>
  `can't set \`spec.hostUsers: false\`, RuntimeClass handler "${handler}" does not support user namespaces`

function sandboxMethods(context: Context): Pick<Runtime, 'runSandbox' | 'stopSandbox' | 'removeSandbox'> {
  const { observer } = context
  return {
    runSandbox: async (spec, signal) => {
      if (!spec.hostUsers) throw new RuntimeError('Failed', userNamespacesRefusal(spec.runtimeHandler))
      const { podSandboxId } = await call<{ podSandboxId: string }>(
        context,
        'RunPodSandbox',
        { config: podSandboxConfig(spec, context.owner), runtimeHandler: spec.runtimeHandler },
        { timeoutMs: actTimeoutMs, signal },
      )
      if (spec.hostNetwork) return { sandboxId: podSandboxId, ips: [] }
      const ips = await observer.addresses(podSandboxId).catch(rethrow)
      const ports = spec.portMappings.filter(({ hostPort }) => hostPort > 0)
      if (ips[0] && ports.length > 0) await openPorts(context, podSandboxId, { podAddress: ips[0], ports })
      return { sandboxId: podSandboxId, ips }
    },
    stopSandbox: async (podSandboxId) => {
      // First the way in, then who is behind it.
      await context.hostPorts.close(podSandboxId)
      await idempotent(call(context, 'StopPodSandbox', { podSandboxId }, { timeoutMs: actTimeoutMs }))
    },
    removeSandbox: async (podSandboxId) => {
      await context.hostPorts.close(podSandboxId)
      const status = await observer.sandboxStatus(podSandboxId).catch(rethrow)
      await idempotent(call(context, 'RemovePodSandbox', { podSandboxId }, { timeoutMs: actTimeoutMs }))
      // The engine removes the containers' cgroups and leaves the pod's.
      const cgroup = status?.annotations[annotations.cgroupParent]
      if (cgroup) removePodCgroup(context, cgroup)
    },
  }
}

/** A sandbox whose ports cannot be opened is no sandbox: it is taken down again. */
async function openPorts(
  context: Context,
  podSandboxId: string,
  { podAddress, ports }: { podAddress: string; ports: SandboxSpec['portMappings'] },
): Promise<void> {
  try {
    await context.hostPorts.open(podSandboxId, podAddress, ports)
  } catch (error) {
    await call(context, 'StopPodSandbox', { podSandboxId }, { timeoutMs: actTimeoutMs })
    await call(context, 'RemovePodSandbox', { podSandboxId }, { timeoutMs: actTimeoutMs })
    throw new RuntimeError('Failed', `host ports cannot be opened: ${(error as Error).message}`, { cause: error })
  }
}

function removePodCgroup(context: Context, cgroup: string): void {
  const stayed = removeCgroup(cgroup, context.cgroups)
  if (stayed.length > 0) context.log.debug({ stayed }, 'pod cgroup still in use')
}

function containerMethods(
  context: Context,
): Pick<
  Runtime,
  | 'createContainer'
  | 'startContainer'
  | 'stopContainer'
  | 'removeContainer'
  | 'pauseContainer'
  | 'resumeContainer'
  | 'updateResources'
  | 'reopenLog'
> {
  const task = (method: string, containerId: string) => taskCall(context, method, { containerId })
  return {
    createContainer: async (podSandboxId, spec, sandbox: SandboxSpec) => {
      const { containerId } = await call<{ containerId: string }>(
        context,
        'CreateContainer',
        {
          podSandboxId,
          config: containerConfig(spec, sandbox, context.owner),
          sandboxConfig: podSandboxConfig(sandbox, context.owner),
        },
        { timeoutMs: actTimeoutMs },
      )
      return containerId
    },
    startContainer: (containerId) => call(context, 'StartContainer', { containerId }, { timeoutMs: actTimeoutMs }),
    stopContainer: (containerId, graceSeconds) => stopContainer(context, containerId, Math.min(graceSecondsMax, graceSeconds)),
    removeContainer: (containerId) => idempotent(call(context, 'RemoveContainer', { containerId }, { timeoutMs: actTimeoutMs })),
    pauseContainer: (containerId) => task('Pause', containerId),
    resumeContainer: (containerId) => task('Resume', containerId),
    updateResources: (containerId, resources) =>
      call(context, 'UpdateContainerResources', { containerId, linux: linuxResources(resources) }),
    reopenLog: (containerId) => call(context, 'ReopenContainerLog', { containerId }),
  }
}

/**
 * A paused container is resumed first: frozen, it could not obey the signal. A stop signal of the pod's own is sent through
 * the task service because containerd before 2.2 knows only the image's.
 */
async function stopContainer(context: Context, containerId: string, graceSeconds: number): Promise<void> {
  const timeoutMs = graceSeconds * 1000 + actTimeoutMs
  try {
    const [status, task] = await Promise.all([
      context.observer.containerStatus(containerId),
      taskCall<{ process: { status: string } | null }>(context, 'Get', { containerId }).catch(() => undefined),
    ])
    if (!status) return
    if (task?.process?.status === 'PAUSED') await taskCall(context, 'Resume', { containerId })
    const signalName = status.annotations[annotations.stopSignal]
    if (
      signalName &&
      graceSeconds > 0 &&
      status.state === 'CONTAINER_RUNNING' &&
      (await signalAndWait(context, containerId, signalName, graceSeconds))
    ) {
      graceSeconds = 0
    }
    const stop = () => call(context, 'StopContainer', { containerId, timeout: graceSeconds }, { timeoutMs })
    // A shim that ends while it is asked leaves the call without an answer: asked again, the engine knows how it ended.
    await stop().catch((error: unknown) => (String(error).includes('ttrpc: closed') ? stop() : Promise.reject(error as Error)))
  } catch (error) {
    if (!isNotFound(error)) throw toRuntimeError(error)
  }
}

/** False when the signal's name is unknown: the engine's own signal then does. */
async function signalAndWait(context: Context, containerId: string, signalName: string, graceSeconds: number): Promise<boolean> {
  const signal = signalNumber(signalName)
  if (signal === undefined) return false
  await taskCall(context, 'Kill', { containerId, signal })
  try {
    await taskCall(context, 'Wait', { containerId }, graceSeconds * 1000)
  } catch (error) {
    const { reason } = toRuntimeError(error)
    if (reason !== 'DeadlineExceeded' && reason !== 'NotFound') throw error
  }
  return true
}

/** `SIGUSR1` → 10; real-time signals as `SIGRTMIN+3` or the API's `SIGRTMINPLUS3`. */
export function signalNumber(name: string): number | undefined {
  const realTime = /^SIGRT(MIN|MAX)(?:(?:\+|-|PLUS|MINUS)(\d+))?$/.exec(name)
  if (realTime) return realTime[1] === 'MIN' ? 34 + Number(realTime[2] ?? 0) : 64 - Number(realTime[2] ?? 0)
  return (constants.signals as Record<string, number | undefined>)[name]
}

type Session = { readonly method: 'Exec' | 'Attach'; readonly request: object; readonly streams: Omit<ExecOptions, 'command'> }

async function openSession(context: Context, containerId: string, { method, request, streams }: Session): Promise<ProcessStreams> {
  const ending = new AbortController()
  if (streams.stdin) void drain(context, { containerId, stateDirectory: await context.stateDirectory() }, ending.signal)
  try {
    const stderr = streams.stderr && !streams.tty
    const { url } = await call<{ url: string }>(context, method, { containerId, ...request, ...streams, stderr })
    const session = await openProcess(url, streams)
    void session.done.catch(() => {}).finally(() => ending.abort())
    return session
  } catch (error) {
    ending.abort()
    throw error
  }
}

type Drain = { readonly containerId: string; readonly stateDirectory: string | undefined }

/** Sessions go on without it, as far as their processes read what they are sent. */
async function drain({ caller, log }: Context, { containerId, stateDirectory }: Drain, signal: AbortSignal): Promise<void> {
  if (stateDirectory === undefined) return
  try {
    await drainStdin({ caller, stateDirectory, containerId }, signal)
  } catch (error) {
    if (!signal.aborted) log.warn({ error: (error as Error).message }, 'input that a process leaves unread may keep its session open')
  }
}

function processMethods(context: Context): Pick<Runtime, 'execSync' | 'exec' | 'attach' | 'portForward'> {
  return {
    execSync: async (containerId, command, { timeoutMs, outputBytesMax = execOutputBytesMax }) => {
      const answer = await call<{ stdout: Uint8Array; stderr: Uint8Array; exitCode: number }>(
        context,
        'ExecSync',
        { containerId, cmd: command, timeout: Math.ceil(timeoutMs / 1000) },
        { timeoutMs: timeoutMs > 0 ? Math.ceil(timeoutMs / 1000) * 1000 + callTimeoutMs : pullTimeoutMs },
      )
      return {
        exitCode: answer.exitCode,
        stdout: answer.stdout.subarray(0, outputBytesMax),
        stderr: answer.stderr.subarray(0, outputBytesMax),
      }
    },
    exec: (containerId, { command, ...streams }) =>
      openSession(context, containerId, { method: 'Exec', request: { cmd: command }, streams }),
    attach: async (containerId, streams) => {
      const session = await openSession(context, containerId, { method: 'Attach', request: {}, streams })
      const done = session.done.then(() => ({ exitCode: undefined }))
      done.catch(() => {})
      return { ...session, done }
    },
    portForward: async (podSandboxId, port) => {
      const { url } = await call<{ url: string }>(context, 'PortForward', { podSandboxId, port: [port] })
      return openPort(url, port)
    },
  }
}

function imageMethods(context: Context): Pick<Runtime, 'pullImage' | 'image' | 'images' | 'removeImage' | 'imageFilesystem'> {
  const image = async (reference: string): Promise<ImageInfo | undefined> => {
    const answer = await imageCall<{ image: CriImage | null }>(context, 'ImageStatus', { image: { image: reference } })
    return answer.image ? imageInfo(context, answer.image) : undefined
  }
  return {
    image,
    pullImage: async (reference, auth, signal) => {
      const { imageRef } = await imageCall<{ imageRef: string }>(
        context,
        'PullImage',
        { image: { image: reference }, ...(auth ? { auth: authConfig(auth) } : {}) },
        { timeoutMs: pullTimeoutMs, signal, operation: 'pull' },
      )
      const pulled = (await image(reference)) ?? (await image(imageRef))
      if (!pulled) throw new RuntimeError('ImagePull', `image ${JSON.stringify(reference)} is gone right after its pull`)
      return pulled
    },
    images: async () => {
      const { images } = await imageCall<{ images: CriImage[] }>(context, 'ListImages', {})
      return images.map((listed) => imageInfo(context, listed))
    },
    removeImage: (reference) => idempotent(imageCall(context, 'RemoveImage', { image: { image: reference } })),
    imageFilesystem: async () => {
      type Usage = { fsId: { mountpoint: string } | null; usedBytes: { value: string } | null }
      const { imageFilesystems } = await imageCall<{ imageFilesystems: Usage[] }>(context, 'ImageFsInfo', {})
      const usage = imageFilesystems[0]
      return { usedBytes: Number(usage?.usedBytes?.value ?? 0), mountpoint: usage?.fsId?.mountpoint ?? '' }
    },
  }
}

async function readStatus(context: Context): Promise<{ runtimeReady: Condition; networkReady: Condition }> {
  const { status } = await call<{ status: { conditions: (Condition & { type: string })[] } }>(context, 'Status', {})
  const find = (type: string): Condition => {
    const condition = status.conditions.find((candidate) => candidate.type === type)
    return condition ?? { status: false, reason: 'Unknown', message: `the engine does not report ${type}` }
  }
  return { runtimeReady: find('RuntimeReady'), networkReady: find('NetworkReady') }
}

async function readStats(context: Context): Promise<ContainerStats[]> {
  const { stats } = await call<{ stats: CriContainerStats[] }>(context, 'ListContainerStats', {
    filter: { labelSelector: { [labels.owner]: context.owner } },
  })
  return stats.map(({ attributes, cpu, memory, writableLayer }) => ({
    namespace: attributes.labels[labels.podNamespace] ?? '',
    name: attributes.labels[labels.podName] ?? '',
    uid: attributes.labels[labels.podUid] ?? '',
    containerId: attributes.id,
    containerName: attributes.metadata.name,
    timestampMs: milliseconds(cpu?.timestamp ?? '0') ?? context.clock.now(),
    cpuUsageNanoseconds: Number(cpu?.usageCoreNanoSeconds?.value ?? 0),
    memoryWorkingSetBytes: Number(memory?.workingSetBytes?.value ?? 0),
    memoryRssBytes: Number(memory?.rssBytes?.value ?? 0),
    rootfsUsedBytes: Number(writableLayer?.usedBytes?.value ?? 0),
    ...(writableLayer?.inodesUsed ? { rootfsInodesUsed: Number(writableLayer.inodesUsed.value) } : {}),
  }))
}

function imageInfo(context: Context, image: CriImage): ImageInfo {
  return {
    id: image.id,
    repoTags: image.repoTags,
    repoDigests: image.repoDigests,
    sizeBytes: Number(image.size),
    uid: image.uid ? Number(image.uid.value) : undefined,
    username: image.username,
    pinned: image.pinned || image.repoTags.some((tag) => context.pinnedImages?.includes(tag)),
  }
}

function authConfig(auth: RegistryAuth): object {
  return 'identityToken' in auth ? { identityToken: auth.identityToken } : { ...auth }
}

type CallDetails = { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined; readonly operation?: 'call' | 'pull' }

function call<Response = void>(context: Context, method: string, request: object, details: CallDetails = {}): Promise<Response> {
  return send(context, `runtime.v1.RuntimeService/${method}`, request, details)
}

function imageCall<Response = void>(context: Context, method: string, request: object, details: CallDetails = {}): Promise<Response> {
  return send(context, `runtime.v1.ImageService/${method}`, request, details)
}

function taskCall<Response = void>(context: Context, method: string, request: object, timeoutMs = callTimeoutMs): Promise<Response> {
  return send(context, `containerd.services.tasks.v1.Tasks/${method}`, request, { timeoutMs })
}

async function send<Response>(context: Context, method: string, request: object, details: CallDetails): Promise<Response> {
  try {
    return await context.caller.unary<Response>(method, request, {
      timeoutMs: details.timeoutMs ?? callTimeoutMs,
      signal: details.signal,
      metadata,
    })
  } catch (error) {
    throw toRuntimeError(error, details.operation)
  }
}

async function idempotent(done: Promise<void>): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

function rethrow(error: unknown): never {
  throw toRuntimeError(error)
}
