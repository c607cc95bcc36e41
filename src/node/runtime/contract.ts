import type { Duplex } from 'node:stream'

/**
 * What the node agent needs of a container engine, in the agent's own words. Two implementations: cri/ (containerd over CRI gRPC)
 * and fake/ (deterministic, on the virtual clock, for tests and simulated nodes). Ids are the engine's own.
 * Errors: RuntimeError with a `reason`; anything else is a bug.
 */
export type Runtime = {
  version(): Promise<{ name: string; version: string; apiVersion: string }>
  /** Engine and network ready, each with a reason when it is not. */
  status(): Promise<{ runtimeReady: Condition; networkReady: Condition }>

  /** Everything that the engine holds for this agent: the observation that the pod loop starts from. */
  list(): Promise<RuntimePod[]>
  pod(sandboxId: string): Promise<RuntimePod | undefined>
  /** Engine events as they happen (never polled); the stream ends on disconnect and the caller relists. */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>

  runSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<{ sandboxId: string; ips: readonly string[] }>
  /** Ends every container and the network of the sandbox. Idempotent. */
  stopSandbox(sandboxId: string): Promise<void>
  /** Removes it with all that belongs to it (containers, cgroups, mounts). Idempotent. */
  removeSandbox(sandboxId: string): Promise<void>

  createContainer(sandboxId: string, spec: ContainerSpec, sandbox: SandboxSpec): Promise<string>
  startContainer(containerId: string): Promise<void>
  /** SIGTERM (or the image's stop signal), then SIGKILL after `graceSeconds` (≥ 0). Resolves when it has ended. Idempotent. */
  stopContainer(containerId: string, graceSeconds: number): Promise<void>
  removeContainer(containerId: string): Promise<void>
  pauseContainer(containerId: string): Promise<void>
  resumeContainer(containerId: string): Promise<void>
  updateResources(containerId: string, resources: ContainerResources): Promise<void>

  /** Runs to the end and collects at most `outputBytesMax` of output. A timeout throws RuntimeError 'DeadlineExceeded'. */
  execSync(containerId: string, command: readonly string[], options: { timeoutMs: number; outputBytesMax?: number }): Promise<ExecResult>
  exec(containerId: string, options: ExecOptions): Promise<ProcessStreams>
  attach(containerId: string, options: Omit<ExecOptions, 'command'>): Promise<ProcessStreams>
  /** A byte pipe to a port inside the pod's network. */
  portForward(sandboxId: string, port: number): Promise<Duplex>
  reopenLog(containerId: string): Promise<void>

  pullImage(image: string, auth: RegistryAuth | undefined, signal?: AbortSignal): Promise<ImageInfo>
  image(image: string): Promise<ImageInfo | undefined>
  images(): Promise<ImageInfo[]>
  removeImage(image: string): Promise<void>
  imageFilesystem(): Promise<{ usedBytes: number; mountpoint: string }>

  /** Point-in-time use of every container of this agent. */
  stats(): Promise<ContainerStats[]>
  close(): Promise<void>
}

export type Condition = { readonly status: boolean; readonly reason: string; readonly message: string }

/** Who a sandbox or container belongs to: kept by the engine as labels, so that an agent finds all after its own restart. */
export type PodIdentity = { readonly namespace: string; readonly name: string; readonly uid: string }

export type RuntimePod = PodIdentity & {
  readonly sandboxId: string
  readonly state: 'Ready' | 'NotReady'
  readonly attempt: number
  readonly createdAtMs: number
  readonly ips: readonly string[]
  readonly containers: readonly RuntimeContainer[]
}

export type RuntimeContainer = {
  readonly id: string
  readonly name: string
  readonly attempt: number
  readonly state: 'Created' | 'Running' | 'Exited' | 'Unknown'
  readonly createdAtMs: number
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly exitCode: number | undefined
  /** `Completed`, `Error`, `OOMKilled`, `StartError`, … */
  readonly reason: string
  readonly message: string
  readonly image: string
  readonly imageId: string
  readonly logPath: string
  /** Hash of the container's spec at creation: a changed one is recreated. */
  readonly specHash: string
}

export type RuntimeEvent = {
  readonly type:
    | 'ContainerStarted'
    | 'ContainerExited'
    | 'ContainerCreated'
    | 'ContainerDeleted'
    | 'ContainerOOM'
    | 'ContainerPaused'
    | 'ContainerResumed'
  /** A container's id or a sandbox's own id. */
  readonly containerId: string
  readonly exitCode?: number
}

export type SandboxSpec = PodIdentity & {
  readonly attempt: number
  readonly hostname: string
  readonly hostNetwork: boolean
  readonly hostPid: boolean
  readonly hostIpc: boolean
  readonly shareProcessNamespace: boolean
  readonly hostUsers: boolean
  readonly logDirectory: string
  readonly cgroupParent: string
  readonly dns: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] }
  readonly portMappings: readonly {
    readonly protocol: 'TCP' | 'UDP' | 'SCTP'
    readonly containerPort: number
    readonly hostPort: number
    readonly hostIp: string
  }[]
  readonly sysctls: Readonly<Record<string, string>>
  readonly privileged: boolean
  readonly runAsUser: number | undefined
  readonly runAsGroup: number | undefined
  readonly supplementalGroups: readonly number[]
  readonly seccomp: SeccompProfile
  readonly runtimeHandler: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export type SeccompProfile = { readonly type: 'RuntimeDefault' | 'Unconfined' } | { readonly type: 'Localhost'; readonly path: string }

export type ContainerSpec = {
  readonly name: string
  readonly attempt: number
  readonly specHash: string
  /** Reference to run (digest or id as pulled) and what the user wrote. */
  readonly image: string
  readonly userImage: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly workingDir: string
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly mounts: readonly Mount[]
  readonly devices: readonly { readonly hostPath: string; readonly containerPath: string; readonly permissions: string }[]
  /** Relative to the sandbox's logDirectory. */
  readonly logPath: string
  readonly stdin: boolean
  readonly stdinOnce: boolean
  readonly tty: boolean
  readonly resources: ContainerResources
  readonly oomScoreAdj: number
  readonly security: ContainerSecurity
  readonly stopSignal: string | undefined
  /** The pod waits for its end: an init container that is no sidecar. Engines run it like any other; the simulated one has it end. */
  readonly isAwaited: boolean
}

export type Mount = {
  readonly hostPath: string
  readonly containerPath: string
  readonly readOnly: boolean
  readonly propagation: 'Private' | 'HostToContainer' | 'Bidirectional'
}

/** Undefined: unlimited or the engine's default. */
export type ContainerResources = {
  readonly cpuShares: number | undefined
  readonly cpuQuotaUs: number | undefined
  readonly cpuPeriodUs: number | undefined
  readonly memoryLimitBytes: number | undefined
  /** cgroup v2 keys, e.g. memory.min. */
  readonly unified: Readonly<Record<string, string>>
}

export type ContainerSecurity = {
  readonly privileged: boolean
  readonly readOnlyRootFilesystem: boolean
  readonly allowPrivilegeEscalation: boolean
  readonly addCapabilities: readonly string[]
  readonly dropCapabilities: readonly string[]
  readonly runAsUser: number | undefined
  readonly runAsUsername: string | undefined
  readonly runAsGroup: number | undefined
  readonly supplementalGroups: readonly number[]
  readonly seccomp: SeccompProfile
  readonly procMount: 'Default' | 'Unmasked'
  readonly shareProcessNamespace: boolean
  /** Id of the container whose processes this one sees; undefined: as the rest says. */
  readonly processesOf?: string | undefined
  readonly hostPid: boolean
  readonly hostIpc: boolean
  readonly hostNetwork: boolean
}

export type ExecResult = { readonly exitCode: number; readonly stdout: Uint8Array; readonly stderr: Uint8Array }
export type ExecOptions = {
  readonly command: readonly string[]
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** Live streams of a process. `done` gives the exit code, or undefined where the engine cannot tell (attach). */
export type ProcessStreams = {
  readonly stdin: NodeJS.WritableStream | undefined
  readonly stdout: NodeJS.ReadableStream | undefined
  readonly stderr: NodeJS.ReadableStream | undefined
  resize(size: { width: number; height: number }): void
  readonly done: Promise<{ exitCode: number | undefined }>
  close(): void
}

export type RegistryAuth =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }
  | { readonly auth: string }

export type ImageInfo = {
  readonly id: string
  readonly repoTags: readonly string[]
  readonly repoDigests: readonly string[]
  readonly sizeBytes: number
  /** User of the image: a number, or a name. */
  readonly uid: number | undefined
  readonly username: string
  readonly pinned: boolean
}

export type ContainerStats = PodIdentity & {
  readonly containerId: string
  readonly containerName: string
  readonly timestampMs: number
  /** Cumulative CPU time. */
  readonly cpuUsageNanoseconds: number
  readonly memoryWorkingSetBytes: number
  readonly memoryRssBytes: number
  readonly rootfsUsedBytes: number
  /** Undefined: the engine does not tell. */
  readonly rootfsInodesUsed?: number | undefined
}

export class RuntimeError extends Error {
  override name = 'RuntimeError'
  readonly reason: RuntimeErrorReason
  constructor(reason: RuntimeErrorReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export type RuntimeErrorReason =
  | 'NotFound'
  | 'AlreadyExists'
  | 'DeadlineExceeded'
  | 'ImagePull'
  | 'InvalidImageName'
  | 'RegistryUnavailable'
  | 'Unavailable'
  | 'Failed'
