import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ContainerSpec, ImageInfo, Mount, RuntimeContainer, SandboxSpec } from '../runtime/contract.ts'
import type { PodContainer } from './pod-view.ts'

/**
 * What the machine does for a pod beside its engine: directories, volumes, cgroups, name resolution. The real one works on files
 * (host/machine-pod-host.ts); the simulated one answers at once, for thousands of nodes in a process.
 */
export type PodHost = {
  /** Makes directories, cgroup and volumes. Idempotent. Throws HostError when a volume cannot be made (yet). */
  prepare(pod: Pod, signal: AbortSignal): Promise<void>
  sandboxSpec(pod: Pod, attempt: number): Promise<SandboxSpec>
  /** Everything of a container's spec that comes from the machine: volumes, /etc/hosts, the termination log. Throws HostError. */
  containerMounts(pod: Pod, container: PodContainer, options: ContainerHostOptions): Promise<Mount[]>
  /** The message that an ended container left behind, by its terminationMessagePolicy; empty: none. */
  terminationMessage(pod: Pod, container: PodContainer, ended: RuntimeContainer): Promise<string>
  /** On disk: the pod's emptyDirs by volume, and its logs by container, in bytes or in files. */
  diskUse(
    pod: Pod,
    unit: 'bytes' | 'inodes',
  ): Promise<{ readonly volumes: ReadonlyMap<string, number>; readonly logs: ReadonlyMap<string, number> }>
  /** Tasks that run in the pod; 0 where nobody counts them. */
  processCount(pod: Pod): number
  /** Sets the limits of the pod's cgroup to what `pod` asks for; given more than one, to the least that holds each of them. */
  resize(...pods: readonly [Pod, ...Pod[]]): Promise<void>
  /** Unmounts and removes everything of the pod; its logs only when it is deleted. Idempotent. */
  teardown(
    pod: { readonly uid: string; readonly namespace: string; readonly name: string },
    options: { readonly keepLogs: boolean },
  ): Promise<void>
  /** Takes over a pod that runs already (this agent has just started): its volumes follow the API again. */
  adopt(pod: Pod): Promise<void>
  /** Brings files that come out of the API up to date: the pod or an object that it names has changed. */
  refresh(pod: Pod): Promise<void>
  /** Removes what is left of all pods but these uids. */
  sweep(live: ReadonlySet<string>): Promise<void>
}

export type ContainerHostOptions = {
  readonly attempt: number
  readonly env: ContainerSpec['env']
  readonly podIps: readonly string[]
  /** What is present of the images that the container's volumes show, by volume. */
  readonly volumeImages: ReadonlyMap<string, ImageInfo>
}

/** The machine cannot give what the pod asks for now. `reason` is the event's; the message goes to users. */
export class HostError extends Error {
  override name = 'HostError'
  readonly reason: string
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** A machine that has everything and keeps nothing. */
export function simulatedPodHost(): PodHost {
  return {
    prepare: async () => {},
    sandboxSpec: async (pod, attempt) => simulatedSandbox(pod, attempt),
    containerMounts: async () => [],
    terminationMessage: async () => '',
    diskUse: async () => ({ volumes: new Map(), logs: new Map() }),
    processCount: () => 0,
    resize: async () => {},
    teardown: async () => {},
    adopt: async () => {},
    refresh: async () => {},
    sweep: async () => {},
  }
}

const noDns = { servers: [], searches: [], options: [] } as const

function simulatedSandbox(pod: Pod, attempt: number): SandboxSpec {
  const { namespace = '', name = '', uid = '', annotations } = pod.metadata
  return {
    namespace,
    name,
    uid,
    attempt,
    hostname: name,
    hostNetwork: pod.spec?.hostNetwork === true,
    hostPid: false,
    hostIpc: false,
    shareProcessNamespace: false,
    hostUsers: true,
    logDirectory: `${namespace}_${name}_${uid}`,
    cgroupParent: '',
    dns: noDns,
    portMappings: [],
    sysctls: {},
    privileged: false,
    runAsUser: undefined,
    runAsGroup: undefined,
    supplementalGroups: [],
    seccomp: { type: 'RuntimeDefault' },
    runtimeHandler: '',
    labels: {},
    annotations: annotations ?? {},
  }
}
