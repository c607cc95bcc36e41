import { join } from 'node:path'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { containerResourcesOf, effectiveResources, oomScoreAdj } from '../resources/container-resources.ts'
import type { ContainerSecurity, ContainerSpec, ImageInfo, Mount, SeccompProfile } from '../runtime/contract.ts'
import { expandVariables } from '../environment/expand-variables.ts'
import type { PodContainer } from './pod-view.ts'
import { podText } from './pod-view.ts'
import { StartError } from './start-error.ts'

export type ContainerSpecInput = {
  readonly pod: Pod
  readonly container: PodContainer
  readonly attempt: number
  readonly specHash: string
  readonly image: ImageInfo
  readonly env: ContainerSpec['env']
  readonly mounts: readonly Mount[]
  readonly memoryCapacityBytes: number
  /** The folder that `localhostProfile` names a file of. */
  readonly seccompRoot: string
  /** Id of the container whose processes it sees. */
  readonly processesOf?: string | undefined
}

/** The engine's description of a container of the spec. Pure. */
export function containerSpecOf(input: ContainerSpecInput): ContainerSpec {
  const { pod, container, attempt, image, env } = input
  const c = container.container
  const variables = new Map(env.map((e) => [e.name, e.value]))
  return {
    name: c.name,
    attempt,
    specHash: input.specHash,
    image: image.id || (c.image ?? ''),
    userImage: c.image ?? '',
    command: (c.command ?? []).map((word) => expandVariables(word, variables)),
    args: (c.args ?? []).map((word) => expandVariables(word, variables)),
    workingDir: c.workingDir ?? '',
    env,
    mounts: input.mounts,
    devices: [],
    logPath: `${c.name}/${attempt}.log`,
    stdin: c.stdin ?? false,
    stdinOnce: c.stdinOnce ?? false,
    tty: c.tty ?? false,
    resources: containerResourcesOf(effectiveResources(pod, c)),
    oomScoreAdj: oomScoreAdj(pod, c, input.memoryCapacityBytes),
    security: { ...containerSecurity(input), processesOf: input.processesOf },
    stopSignal: c.lifecycle?.stopSignal,
    isAwaited: container.role === 'init',
  }
}

/** The container's own security context over the pod's, with upstream's defaults. */
export function containerSecurity({
  pod,
  container: { container },
  image,
  seccompRoot,
}: Pick<ContainerSpecInput, 'pod' | 'container' | 'image' | 'seccompRoot'>): ContainerSecurity {
  const own = container.securityContext ?? {}
  const ofPod = pod.spec?.securityContext ?? {}
  const privileged = own.privileged === true
  const runAsUser = own.runAsUser ?? ofPod.runAsUser ?? (image.username ? undefined : image.uid)
  return {
    privileged,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    allowPrivilegeEscalation: own.allowPrivilegeEscalation ?? true,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    runAsUser,
    runAsUsername: runAsUser === undefined && image.username ? image.username : undefined,
    runAsGroup: own.runAsGroup ?? ofPod.runAsGroup,
    supplementalGroups: supplementalGroupsOf(pod),
    seccomp: seccompOf(own.seccompProfile ?? ofPod.seccompProfile, seccompRoot),
    procMount: own.procMount ?? 'Default',
    shareProcessNamespace: pod.spec?.shareProcessNamespace ?? false,
    hostPid: pod.spec?.hostPID ?? false,
    hostIpc: pod.spec?.hostIPC ?? false,
    hostNetwork: pod.spec?.hostNetwork ?? false,
  }
}

/** The pod's own groups and the one that owns its volumes. */
export function supplementalGroupsOf(pod: Pod): number[] {
  const { fsGroup, supplementalGroups = [] } = pod.spec?.securityContext ?? {}
  return fsGroup === undefined ? [...supplementalGroups] : [...supplementalGroups, fsGroup]
}

function seccompOf(profile: { readonly type: string; readonly localhostProfile?: string } | undefined, root: string): SeccompProfile {
  if (profile?.type === 'RuntimeDefault') return { type: 'RuntimeDefault' }
  if (profile?.type === 'Localhost') return { type: 'Localhost', path: join(root, profile.localhostProfile ?? '') }
  return { type: 'Unconfined' }
}

/** Refuses root where the spec forbids it. Throws StartError with upstream's texts. */
export function checkRunAsNonRoot(pod: Pod, { container }: PodContainer, image: ImageInfo): void {
  const own = container.securityContext ?? {}
  const ofPod = pod.spec?.securityContext ?? {}
  if ((own.runAsNonRoot ?? ofPod.runAsNonRoot) !== true) return
  const user = own.runAsUser ?? ofPod.runAsUser
  const where = `(pod: "${podText(pod)}", container: ${container.name})`
  const refuse = (message: string) => new StartError('CreateContainerConfigError', message)
  if (user === 0) throw refuse(`container's runAsUser breaks non-root policy ${where}`)
  if (user !== undefined) return
  if (image.username && image.username !== '0') {
    throw refuse(`container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`)
  }
  if ((image.uid ?? 0) === 0) throw refuse(`container has runAsNonRoot and image will run as root ${where}`)
}
