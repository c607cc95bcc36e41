/**
 * The CRI v1 messages that the agent uses, as they come out of the codec: enums by name, 64-bit numbers as decimal text
 * (nanosecond timestamps pass 2^53), bytes as Buffer, absent messages as null. Field numbers are in cri-v1.json.
 */
export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET'

export type NamespaceOption = {
  readonly network: NamespaceMode
  readonly pid: NamespaceMode
  readonly ipc: NamespaceMode
  /** The container whose process namespace TARGET means. */
  readonly targetId?: string
}

export type SecurityProfile = { readonly profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost'; readonly localhostRef?: string }

export type Int64Value = { readonly value: number }

export type PodSandboxConfig = {
  readonly metadata: PodSandboxMetadata
  readonly hostname: string
  readonly logDirectory: string
  readonly dnsConfig: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] }
  readonly portMappings: readonly {
    readonly protocol: 'TCP' | 'UDP' | 'SCTP'
    readonly containerPort: number
    readonly hostPort: number
    readonly hostIp: string
  }[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly linux: {
    readonly cgroupParent: string
    readonly sysctls: Readonly<Record<string, string>>
    readonly securityContext: {
      readonly namespaceOptions: NamespaceOption
      readonly runAsUser?: Int64Value
      readonly runAsGroup?: Int64Value
      readonly supplementalGroups: readonly number[]
      readonly privileged: boolean
      readonly seccomp: SecurityProfile
    }
  }
}

export type PodSandboxMetadata = { readonly name: string; readonly uid: string; readonly namespace: string; readonly attempt: number }

export type LinuxContainerResources = {
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpuShares?: number
  readonly memoryLimitInBytes?: number
  readonly oomScoreAdj?: number
  readonly unified?: Readonly<Record<string, string>>
}

export type ContainerConfig = {
  readonly metadata: ContainerMetadata
  readonly image: { readonly image: string; readonly userSpecifiedImage: string }
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly workingDir: string
  readonly envs: readonly { readonly key: string; readonly value: Uint8Array }[]
  readonly mounts: readonly {
    readonly containerPath: string
    readonly hostPath: string
    readonly readonly: boolean
    readonly propagation: 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL'
  }[]
  readonly devices: readonly { readonly containerPath: string; readonly hostPath: string; readonly permissions: string }[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly logPath: string
  readonly stdin: boolean
  readonly stdinOnce: boolean
  readonly tty: boolean
  readonly linux: {
    readonly resources: LinuxContainerResources
    readonly securityContext: LinuxContainerSecurityContext
  }
}

export type LinuxContainerSecurityContext = {
  readonly capabilities: { readonly addCapabilities: readonly string[]; readonly dropCapabilities: readonly string[] }
  readonly privileged: boolean
  readonly namespaceOptions: NamespaceOption
  readonly runAsUser?: Int64Value
  readonly runAsGroup?: Int64Value
  readonly runAsUsername?: string
  readonly readonlyRootfs: boolean
  readonly supplementalGroups: readonly number[]
  readonly noNewPrivs: boolean
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly seccomp: SecurityProfile
}

export type ContainerMetadata = { readonly name: string; readonly attempt: number }

export type PodSandbox = {
  readonly id: string
  readonly metadata: PodSandboxMetadata
  readonly state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY'
  readonly createdAt: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export type PodSandboxStatus = PodSandbox & {
  readonly network: { readonly ip: string; readonly additionalIps: readonly { readonly ip: string }[] } | null
}

export type CriContainer = {
  readonly id: string
  readonly podSandboxId: string
  readonly metadata: ContainerMetadata
  readonly state: ContainerStatus['state']
  readonly labels: Readonly<Record<string, string>>
}

export type ContainerStatus = {
  readonly id: string
  readonly metadata: ContainerMetadata
  readonly state: 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN'
  readonly createdAt: string
  readonly startedAt: string
  readonly finishedAt: string
  readonly exitCode: number
  readonly image: { readonly image: string } | null
  readonly imageRef: string
  readonly reason: string
  readonly message: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly logPath: string
}

export type CriImage = {
  readonly id: string
  readonly repoTags: readonly string[]
  readonly repoDigests: readonly string[]
  readonly size: string
  readonly uid: { readonly value: string } | null
  readonly username: string
  readonly pinned: boolean
}

export type CriContainerStats = {
  readonly attributes: { readonly id: string; readonly metadata: ContainerMetadata; readonly labels: Readonly<Record<string, string>> }
  readonly cpu: { readonly timestamp: string; readonly usageCoreNanoSeconds: { readonly value: string } | null } | null
  readonly memory: {
    readonly workingSetBytes: { readonly value: string } | null
    readonly rssBytes: { readonly value: string } | null
  } | null
  readonly writableLayer: {
    readonly usedBytes: { readonly value: string } | null
    readonly inodesUsed: { readonly value: string } | null
  } | null
}
