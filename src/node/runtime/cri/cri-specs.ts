import type { ContainerResources, ContainerSecurity, ContainerSpec, SandboxSpec, SeccompProfile } from '../contract.ts'
import type {
  ContainerConfig,
  LinuxContainerResources,
  LinuxContainerSecurityContext,
  NamespaceOption,
  PodSandboxConfig,
  SecurityProfile,
} from './cri-messages.ts'

/** Labels by which an agent finds its own again; the first four are what every CRI tool reads. */
export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
  owner: 'keelson.dev/agent',
} as const

export const annotations = {
  specHash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  /** What the user wrote: when tags share an image the engine may report another one. */
  userImage: 'keelson.dev/user-image',
  stopSignal: 'keelson.dev/stop-signal',
  cgroupParent: 'keelson.dev/cgroup-parent',
} as const

/** Paths of /proc and /sys that a container may not see, or not write, unless it is privileged or asks for an unmasked /proc. */
const maskedPaths: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
const readonlyPaths: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** The engine's words for a sandbox. `owner` marks whose it is when several agents share an engine. */
export function podSandboxConfig(spec: SandboxSpec, owner: string): PodSandboxConfig {
  return {
    metadata: { name: spec.name, uid: spec.uid, namespace: spec.namespace, attempt: spec.attempt },
    // The engine refuses a hostname in the host's UTS namespace.
    hostname: spec.hostNetwork ? '' : spec.hostname,
    logDirectory: spec.logDirectory,
    dnsConfig: spec.dns,
    // Host ports are opened by the agent itself (cni/host-ports.ts).
    portMappings: [],
    labels: { ...spec.labels, ...podLabels(spec, owner) },
    annotations: { ...spec.annotations, [annotations.cgroupParent]: spec.cgroupParent },
    linux: {
      cgroupParent: spec.cgroupParent,
      sysctls: spec.sysctls,
      securityContext: {
        namespaceOptions: namespaceOptions(spec),
        ...(spec.runAsUser === undefined ? {} : { runAsUser: { value: spec.runAsUser } }),
        // A group without a user is an error to containerd, and the pause process does not care.
        ...(spec.runAsGroup === undefined || spec.runAsUser === undefined ? {} : { runAsGroup: { value: spec.runAsGroup } }),
        supplementalGroups: spec.supplementalGroups,
        privileged: spec.privileged,
        seccomp: securityProfile(spec.seccomp),
      },
    },
  }
}

export function containerConfig(spec: ContainerSpec, sandbox: SandboxSpec, owner: string): ContainerConfig {
  return {
    metadata: { name: spec.name, attempt: spec.attempt },
    image: { image: spec.image, userSpecifiedImage: spec.userImage },
    command: spec.command,
    args: spec.args,
    workingDir: spec.workingDir,
    envs: spec.env.map(({ name, value }) => ({ key: name, value: Buffer.from(value) })),
    mounts: spec.mounts.map((mount) => ({
      containerPath: mount.containerPath,
      hostPath: mount.hostPath,
      readonly: mount.readOnly,
      propagation: propagationNames[mount.propagation],
    })),
    devices: spec.devices,
    labels: { ...podLabels(sandbox, owner), [labels.containerName]: spec.name },
    annotations: {
      [annotations.specHash]: spec.specHash,
      [annotations.restartCount]: String(spec.attempt),
      [annotations.userImage]: spec.userImage,
      ...(spec.stopSignal === undefined ? {} : { [annotations.stopSignal]: spec.stopSignal }),
    },
    logPath: spec.logPath,
    stdin: spec.stdin,
    stdinOnce: spec.stdinOnce,
    tty: spec.tty,
    linux: {
      resources: { ...linuxResources(spec.resources), oomScoreAdj: spec.oomScoreAdj },
      securityContext: securityContext(spec.security),
    },
  }
}

/** CRI reads 0 as "as it was" (update) or "the engine's default" (create), so undefined fields are left out. */
export function linuxResources(resources: ContainerResources): LinuxContainerResources {
  return {
    ...(resources.cpuShares === undefined ? {} : { cpuShares: resources.cpuShares }),
    ...(resources.cpuQuotaUs === undefined ? {} : { cpuQuota: resources.cpuQuotaUs }),
    ...(resources.cpuPeriodUs === undefined ? {} : { cpuPeriod: resources.cpuPeriodUs }),
    ...(resources.memoryLimitBytes === undefined ? {} : { memoryLimitInBytes: resources.memoryLimitBytes }),
    unified: resources.unified,
  }
}

const propagationNames = {
  Private: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const

function podLabels(pod: { namespace: string; name: string; uid: string }, owner: string): Record<string, string> {
  return { [labels.podName]: pod.name, [labels.podNamespace]: pod.namespace, [labels.podUid]: pod.uid, [labels.owner]: owner }
}

function securityContext(security: ContainerSecurity): LinuxContainerSecurityContext {
  const isUnmasked = security.privileged || security.procMount === 'Unmasked'
  return {
    capabilities: {
      addCapabilities: security.addCapabilities.map(capability),
      dropCapabilities: security.dropCapabilities.map(capability),
    },
    privileged: security.privileged,
    namespaceOptions: namespaceOptions(security),
    ...user(security),
    ...(security.runAsGroup === undefined ? {} : { runAsGroup: { value: security.runAsGroup } }),
    readonlyRootfs: security.readOnlyRootFilesystem,
    supplementalGroups: security.supplementalGroups,
    noNewPrivs: !security.allowPrivilegeEscalation,
    maskedPaths: isUnmasked ? [] : maskedPaths,
    readonlyPaths: isUnmasked ? [] : readonlyPaths,
    seccomp: securityProfile(security.privileged ? { type: 'Unconfined' } : security.seccomp),
  }
}

/** The engine takes names without the CAP_ prefix; manifests are seen with it. */
function capability(name: string): string {
  return name.replace(/^CAP_/, '')
}

function user(security: ContainerSecurity): Pick<LinuxContainerSecurityContext, 'runAsUser' | 'runAsUsername'> {
  if (security.runAsUser !== undefined) return { runAsUser: { value: security.runAsUser } }
  return security.runAsUsername === undefined ? {} : { runAsUsername: security.runAsUsername }
}

function namespaceOptions(from: {
  hostNetwork: boolean
  hostPid: boolean
  hostIpc: boolean
  shareProcessNamespace: boolean
  processesOf?: string | undefined
}): NamespaceOption {
  const { processesOf } = from
  return {
    ...(processesOf === undefined ? {} : { targetId: processesOf }),
    network: from.hostNetwork ? 'NODE' : 'POD',
    pid: processesOf !== undefined ? 'TARGET' : from.hostPid ? 'NODE' : from.shareProcessNamespace ? 'POD' : 'CONTAINER',
    ipc: from.hostIpc ? 'NODE' : 'POD',
  }
}

function securityProfile(profile: SeccompProfile): SecurityProfile {
  return profile.type === 'Localhost' ? { profileType: 'Localhost', localhostRef: profile.path } : { profileType: profile.type }
}
