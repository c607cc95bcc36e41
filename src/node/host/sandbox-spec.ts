import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { supplementalGroupsOf } from '../pod/container-spec.ts'
import { podContainers } from '../pod/pod-view.ts'
import type { SandboxSpec } from '../runtime/contract.ts'

const hostnameLengthMax = 63

export type SandboxSpecInput = {
  readonly pod: Pod
  readonly attempt: number
  readonly logDirectory: string
  readonly cgroupParent: string
  readonly dns: SandboxSpec['dns']
  readonly clusterDomain: string
  /** What the pod's RuntimeClass names; empty: the engine's default. */
  readonly runtimeHandler: string
}

/** The engine's description of a pod's sandbox. Pure. */
export function sandboxSpecOf(input: SandboxSpecInput): SandboxSpec {
  const { pod, attempt, logDirectory, cgroupParent, dns, clusterDomain, runtimeHandler } = input
  const { namespace = '', name = '', uid = '', labels = {}, annotations = {} } = pod.metadata
  const spec = pod.spec!
  const security = spec.securityContext ?? {}
  const containers = podContainers(spec)
  return {
    namespace,
    name,
    uid,
    attempt,
    // In the host's network the engine must leave the host's name alone.
    hostname: spec.hostNetwork ? '' : sandboxHostname(pod, clusterDomain),
    hostNetwork: spec.hostNetwork ?? false,
    hostPid: spec.hostPID ?? false,
    hostIpc: spec.hostIPC ?? false,
    shareProcessNamespace: spec.shareProcessNamespace ?? false,
    hostUsers: spec.hostUsers ?? true,
    logDirectory,
    cgroupParent,
    dns,
    portMappings: spec.hostNetwork ? [] : portMappings(pod),
    sysctls: Object.fromEntries((security.sysctls ?? []).map((s) => [s.name, s.value])),
    privileged: containers.some((c) => c.container.securityContext?.privileged),
    runAsUser: security.runAsUser,
    runAsGroup: security.runAsGroup,
    supplementalGroups: supplementalGroupsOf(pod),
    // The pause process does nothing: the engine's profile suits it whatever its containers run with.
    seccomp: { type: 'RuntimeDefault' },
    runtimeHandler,
    labels,
    annotations,
  }
}

/** `hostname` or the pod's name, cut to what a kernel takes. */
export function podHostname(pod: Pod): string {
  const wanted = pod.spec?.hostnameOverride || pod.spec?.hostname || pod.metadata.name || ''
  return wanted.length <= hostnameLengthMax ? wanted : wanted.slice(0, hostnameLengthMax).replace(/[-.]+$/, '')
}

/** `subdomain.namespace.svc.domain` for a pod with a subdomain; else empty. */
export function podDomain(pod: Pod, clusterDomain: string): string {
  return pod.spec?.subdomain ? `${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : ''
}

function sandboxHostname(pod: Pod, clusterDomain: string): string {
  const domain = podDomain(pod, clusterDomain)
  return pod.spec?.setHostnameAsFQDN && domain ? `${podHostname(pod)}.${domain}` : podHostname(pod)
}

function portMappings(pod: Pod): SandboxSpec['portMappings'] {
  const result: SandboxSpec['portMappings'][number][] = []
  for (const { container } of podContainers(pod.spec)) {
    for (const { containerPort, hostPort, hostIP, protocol } of container.ports ?? []) {
      if (!hostPort) continue
      result.push({ protocol: (protocol as 'TCP' | 'UDP' | 'SCTP' | undefined) ?? 'TCP', containerPort, hostPort, hostIp: hostIP ?? '' })
    }
  }
  return result
}
