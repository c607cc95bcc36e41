import type { Container, PodSpec } from '../../../kinds/generated/types/core-v1.ts'
import { type Check, type CheckPod, containersOf, containersThat, joinQuote, named, plural, setters, sorted } from './pod-parts.ts'

const capabilities = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID'],
  ...['SETPCAP', 'SETUID', 'SYS_CHROOT'],
])
const selinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t']
const ipv4 = (names: string) => names.split(' ').map((name) => `net.ipv4.${name}`)
const sysctls0 = ['kernel.shm_rmid_forced', ...ipv4('ip_local_port_range tcp_syncookies ping_group_range ip_unprivileged_port_start')]
const sysctls27 = [...sysctls0, ...ipv4('ip_local_reserved_ports')]
const sysctls29 = [...sysctls27, ...ipv4('tcp_keepalive_time tcp_fin_timeout tcp_keepalive_intvl tcp_keepalive_probes')]
const sysctls32 = [...sysctls29, ...ipv4('tcp_rmem tcp_wmem')]
const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/'
const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompContainerAnnotation = 'container.seccomp.security.alpha.kubernetes.io/'

export const seccompTypes: readonly string[] = ['RuntimeDefault', 'Localhost']

/** A pod in a user namespace of its own: root in it is nobody outside. */
export const hasUserNamespace = (spec: PodSpec) => spec.hostUsers === false

const appArmorProfile: CheckPod = (pod) => {
  const isBad = (type: string | undefined) => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost'
  const podType = pod.spec.securityContext?.appArmorProfile?.type
  const bad = containersOf(pod).filter(({ securityContext }) => isBad(securityContext?.appArmorProfile?.type))
  const types = sorted([...(isBad(podType) ? [podType!] : []), ...bad.map(({ securityContext }) => securityContext!.appArmorProfile!.type)])
  const who = setters(
    isBad(podType),
    bad.map(({ name }) => name),
  )
  const annotations = Object.entries(pod.metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith(appArmorAnnotation) && value !== '' && !/^(runtime\/default$|localhost\/)/.test(value))
    .map(([key, value]) => `${key}="${value}"`)
    .sort()
  if (types.length + annotations.length === 0) return undefined
  const details = [
    ...(types.length > 0 ? [`${who.join(' and ')} must not set AppArmor profile type to ${joinQuote(types)}`] : []),
    ...(annotations.length > 0 ? [`${plural('annotation', 'annotations', annotations.length)} ${annotations.join(', ')}`] : []),
  ]
  const count = types.length + annotations.length
  return { reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', count), detail: details.join(' and ') }
}

const capabilitiesBaseline: CheckPod = (pod) => {
  const badOf = ({ securityContext }: Container) => securityContext?.capabilities?.add?.filter((c) => !capabilities.has(c)) ?? []
  const bad = containersThat(pod, (container) => badOf(container).length > 0)
  if (bad.length === 0) return undefined
  const names = joinQuote(sorted(containersOf(pod).flatMap(badOf)))
  return { reason: 'non-default capabilities', detail: `${named(bad)} must not include ${names} in securityContext.capabilities.add` }
}

const hostNamespaces: CheckPod = ({ spec }) => {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true)
  return used.length > 0 ? { reason: 'host namespaces', detail: used.map((field) => `${field}=true`).join(', ') } : undefined
}

const hostPathVolumes: CheckPod = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name)
  return bad.length > 0 ? { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', bad.length)} ${joinQuote(bad)}` } : undefined
}

const hostPorts: CheckPod = (pod) => {
  const portsOf = ({ ports = [] }: Container) => ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]))
  const bad = containersThat(pod, (container) => portsOf(container).length > 0)
  if (bad.length === 0) return undefined
  const ports = sorted(containersOf(pod).flatMap(portsOf))
  const detail = `${named(bad)} ${plural('uses', 'use', bad.length)} ${plural('hostPort', 'hostPorts', ports.length)} ${ports.join(', ')}`
  return { reason: 'hostPort', detail }
}

const hostProbes: CheckPod = (pod) => {
  const hostsOf = (container: Container) => {
    const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container
    const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
    return handlers
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host) => host !== undefined && host !== '')
  }
  const bad = sorted(containersThat(pod, (container) => hostsOf(container).length > 0))
  if (bad.length === 0) return undefined
  const hosts = sorted(containersOf(pod).flatMap(hostsOf) as string[])
  const what = plural('probe or lifecycle host', 'probe or lifecycle hosts', hosts.length)
  return { reason: 'probe or lifecycle host', detail: `${named(bad)} ${plural('uses', 'use', bad.length)} ${what} ${joinQuote(hosts)}` }
}

const privileged: CheckPod = (pod) => {
  const bad = containersThat(pod, ({ securityContext }) => securityContext?.privileged === true)
  return bad.length > 0 ? { reason: 'privileged', detail: `${named(bad)} must not set securityContext.privileged=true` } : undefined
}

export const procMount: CheckPod = (pod) => {
  const typeOf = ({ securityContext }: Container) => securityContext?.procMount ?? 'Default'
  const bad = containersThat(pod, (container) => typeOf(container) !== 'Default')
  if (bad.length === 0) return undefined
  const types = joinQuote(
    sorted(
      containersOf(pod)
        .map(typeOf)
        .filter((type) => type !== 'Default'),
    ),
  )
  return { reason: 'procMount', detail: `${named(bad)} must not set securityContext.procMount to ${types}` }
}

const seLinuxOptions =
  (allowed: readonly string[]): CheckPod =>
  (pod) => {
    const all = [pod.spec.securityContext, ...containersOf(pod).map(({ securityContext }) => securityContext)]
    const bad = all.map((context) => {
      const { type = '', user, role } = context?.seLinuxOptions ?? {}
      return { type: allowed.includes(type) ? undefined : type, hasUser: Boolean(user), hasRole: Boolean(role) }
    })
    const isBad = bad.map(({ type, hasUser, hasRole }) => type !== undefined || hasUser || hasRole)
    if (!isBad.includes(true)) return undefined
    const names = containersOf(pod).flatMap(({ name }, i) => (isBad[i + 1] ? [name] : []))
    const types = sorted(bad.flatMap(({ type }) => type ?? []))
    const what = [
      ...(types.length > 0 ? [`${plural('type', 'types', types.length)} ${joinQuote(types)}`] : []),
      ...(bad.some(({ hasUser }) => hasUser) ? ['user may not be set'] : []),
      ...(bad.some(({ hasRole }) => hasRole) ? ['role may not be set'] : []),
    ]
    const who = setters(isBad[0]!, names).join(' and ')
    return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` }
  }

const seccompAnnotations: CheckPod = (pod) => {
  const annotations = pod.metadata?.annotations ?? {}
  const keys = [seccompPodAnnotation, ...containersOf(pod).map(({ name }) => seccompContainerAnnotation + name)]
  const bad = sorted(
    keys
      .filter((key) => annotations[key] !== undefined && !/^((runtime|docker)\/default$|localhost\/)/.test(annotations[key]))
      .map((key) => `${key}="${annotations[key]}"`),
  )
  if (bad.length === 0) return undefined
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', 'annotations', bad.length)} ${bad.join(', ')}` }
}

/** A profile that is stated and is none of those allowed. */
export const seccompStated: CheckPod = (pod) => {
  const isBad = (type: string | undefined) => type !== undefined && !seccompTypes.includes(type)
  const podType = pod.spec.securityContext?.seccompProfile?.type
  const bad = containersOf(pod).filter(({ securityContext }) => isBad(securityContext?.seccompProfile?.type))
  if (!isBad(podType) && bad.length === 0) return undefined
  const types = sorted([...(isBad(podType) ? [podType!] : []), ...bad.map((c) => c.securityContext!.seccompProfile!.type)])
  const who = setters(
    isBad(podType),
    bad.map(({ name }) => name),
  )
  return {
    reason: 'seccompProfile',
    detail: `${who.join(' and ')} must not set securityContext.seccompProfile.type to ${joinQuote(types)}`,
  }
}

const sysctls =
  (allowed: readonly string[]): CheckPod =>
  ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.includes(name))
    return bad.length > 0 ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : undefined
  }

const windowsHostProcess: CheckPod = (pod) => {
  const isPod = pod.spec.securityContext?.windowsOptions?.hostProcess === true
  const bad = containersThat(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true)
  if (!isPod && bad.length === 0) return undefined
  return {
    reason: 'hostProcess',
    detail: `${setters(isPod, bad).join(' and ')} must not set securityContext.windowsOptions.hostProcess=true`,
  }
}

const procMountOutsideUserNamespace: CheckPod = (pod) => (hasUserNamespace(pod.spec) ? undefined : procMount(pod))

/** Known ways to more than a container's share of the machine. */
export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', versions: [[0, appArmorProfile]] },
  { id: 'capabilities_baseline', versions: [[0, capabilitiesBaseline]] },
  { id: 'hostNamespaces', versions: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', versions: [[0, hostPathVolumes]] },
  { id: 'hostPorts', versions: [[0, hostPorts]] },
  { id: 'hostProbesAndHostLifecycle', versions: [[34, hostProbes]] },
  { id: 'privileged', versions: [[0, privileged]] },
  {
    id: 'procMount',
    versions: [
      [0, procMount],
      [35, procMountOutsideUserNamespace],
    ],
  },
  {
    id: 'seLinuxOptions',
    versions: [
      [0, seLinuxOptions(selinuxTypes)],
      [31, seLinuxOptions([...selinuxTypes, 'container_engine_t'])],
    ],
  },
  {
    id: 'seccompProfile_baseline',
    versions: [
      [0, seccompAnnotations],
      [19, seccompStated],
    ],
  },
  {
    id: 'sysctls',
    versions: [
      [0, sysctls(sysctls0)],
      [27, sysctls(sysctls27)],
      [29, sysctls(sysctls29)],
      [32, sysctls(sysctls32)],
    ],
  },
  { id: 'windowsHostProcess', versions: [[0, windowsHostProcess]] },
]
