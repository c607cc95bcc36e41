import { hasUserNamespace, procMount, seccompStated, seccompTypes } from './baseline-checks.ts'
import { type Check, type CheckPod, containersOf, containersThat, joinQuote, named, plural, setters, sorted } from './pod-parts.ts'

const volumeTypes = new Set([
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'],
])

/** The rule is about Linux: a pod that says it is for Windows keeps it. */
const onLinux =
  (check: CheckPod): CheckPod =>
  (pod) =>
    pod.spec.os?.name === 'windows' ? undefined : check(pod)
const outsideUserNamespace =
  (check: CheckPod): CheckPod =>
  (pod) =>
    hasUserNamespace(pod.spec) ? undefined : check(pod)

const allowPrivilegeEscalation: CheckPod = (pod) => {
  const bad = containersThat(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (bad.length === 0) return undefined
  return { reason: 'allowPrivilegeEscalation != false', detail: `${named(bad)} must set securityContext.allowPrivilegeEscalation=false` }
}

const capabilitiesRestricted: CheckPod = (pod) => {
  const undropped = containersThat(pod, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'))
  const isForbidden = (capability: string) => capability !== 'NET_BIND_SERVICE'
  const adding = containersThat(pod, ({ securityContext }) => securityContext?.capabilities?.add?.some(isForbidden) ?? false)
  const added = sorted(containersOf(pod).flatMap(({ securityContext }) => securityContext?.capabilities?.add?.filter(isForbidden) ?? []))
  const details = [
    ...(undropped.length > 0 ? [`${named(undropped)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${named(adding)} must not include ${joinQuote(added)} in securityContext.capabilities.add`] : []),
  ]
  return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined
}

const restrictedVolumes: CheckPod = ({ spec }) => {
  const typeOf = (volume: object) => Object.keys(volume).find((field) => field !== 'name') ?? 'unknown'
  const bad = (spec.volumes ?? []).filter((volume) => !volumeTypes.has(typeOf(volume)))
  if (bad.length === 0) return undefined
  const types = sorted(bad.map(typeOf))
  const names = bad.map(({ name }) => name)
  const detail = [
    `${plural('volume', 'volumes', bad.length)} ${joinQuote(names)} ${plural('uses', 'use', bad.length)}`,
    `${plural('restricted volume type', 'restricted volume types', types.length)} ${joinQuote(types)}`,
  ].join(' ')
  return { reason: 'restricted volume types', detail }
}

const runAsNonRoot: CheckPod = (pod) => {
  const podValue = pod.spec.securityContext?.runAsNonRoot
  const stated = containersThat(pod, ({ securityContext }) => securityContext?.runAsNonRoot === false)
  const who = setters(podValue === false, stated)
  const reason = 'runAsNonRoot != true'
  if (who.length > 0) return { reason, detail: `${who.join(' and ')} must not set securityContext.runAsNonRoot=false` }
  const silent = podValue === true ? [] : containersThat(pod, ({ securityContext }) => securityContext?.runAsNonRoot === undefined)
  return silent.length > 0 ? { reason, detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` } : undefined
}

const runAsUser: CheckPod = (pod) => {
  const bad = containersThat(pod, ({ securityContext }) => securityContext?.runAsUser === 0)
  const who = setters(pod.spec.securityContext?.runAsUser === 0, bad)
  return who.length > 0 ? { reason: 'runAsUser=0', detail: `${who.join(' and ')} must not set runAsUser=0` } : undefined
}

const seccompRequired: CheckPod = (pod) => {
  const stated = seccompStated(pod)
  if (stated) return stated
  const podType = pod.spec.securityContext?.seccompProfile?.type
  if (podType !== undefined && seccompTypes.includes(podType)) return undefined
  const silent = containersThat(pod, ({ securityContext }) => securityContext?.seccompProfile === undefined)
  if (silent.length === 0) return undefined
  const detail = `pod or ${named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`
  return { reason: 'seccompProfile', detail }
}

/** What hardened pods keep beyond the baseline. */
export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    versions: [
      [8, allowPrivilegeEscalation],
      [25, onLinux(allowPrivilegeEscalation)],
    ],
  },
  {
    id: 'capabilities_restricted',
    overrides: ['capabilities_baseline'],
    versions: [
      [22, capabilitiesRestricted],
      [25, onLinux(capabilitiesRestricted)],
    ],
  },
  { id: 'procMount_restricted', overrides: ['procMount'], versions: [[35, procMount]] },
  { id: 'restrictedVolumes', overrides: ['hostPathVolumes'], versions: [[0, restrictedVolumes]] },
  {
    id: 'runAsNonRoot',
    versions: [
      [0, runAsNonRoot],
      [35, outsideUserNamespace(runAsNonRoot)],
    ],
  },
  {
    id: 'runAsUser',
    versions: [
      [23, runAsUser],
      [35, outsideUserNamespace(runAsUser)],
    ],
  },
  {
    id: 'seccompProfile_restricted',
    overrides: ['seccompProfile_baseline'],
    versions: [
      [19, seccompRequired],
      [25, onLinux(seccompRequired)],
    ],
  },
]
