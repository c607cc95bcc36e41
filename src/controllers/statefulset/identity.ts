import { podFromTemplate } from '../../control/pod-from-template.ts'
import type { StatefulSet } from '../../kinds/generated/types/apps-v1.ts'
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from '../../kinds/generated/types/core-v1.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { deepClone } from '../../machinery/deep-clone.ts'

export const revisionLabel = 'controller-revision-hash'
const podNameLabel = 'statefulset.kubernetes.io/pod-name'
const podIndexLabel = 'apps.kubernetes.io/pod-index'

/** The number behind the last dash of `SET-N`; undefined for a name that is not the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`
  const name = pod.metadata.name ?? ''
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : ''
  return /^(0|[1-9][0-9]*)$/.test(rest) ? Number(rest) : undefined
}

/** The claims of one ordinal, by their names in the template. */
export function claimsOf(set: StatefulSet, ordinal: number): ReadonlyMap<string, PersistentVolumeClaim> {
  const claims = new Map<string, PersistentVolumeClaim>()
  for (const template of set.spec?.volumeClaimTemplates ?? []) {
    const name = template.metadata.name ?? ''
    const metadata = {
      ...(template.metadata.annotations ? { annotations: { ...template.metadata.annotations } } : {}),
      name: `${name}-${set.metadata.name}-${ordinal}`,
      namespace: set.metadata.namespace ?? '',
      labels: { ...template.metadata.labels, ...set.spec?.selector.matchLabels },
    }
    claims.set(name, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: deepClone(template.spec ?? {}) })
  }
  return claims
}

export function newPod(set: StatefulSet, revision: { readonly name: string; readonly template: PodTemplateSpec }, ordinal: number): Pod {
  const name = `${set.metadata.name}-${ordinal}`
  const pod = podFromTemplate(revision.template, kindRefs.appsV1.statefulSets, set, name)
  const spec = { ...pod.spec!, hostname: name, ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}) }
  return withIdentity(
    set,
    { ...pod, spec, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [revisionLabel]: revision.name } } },
    ordinal,
  )
}

/** The pod with its own labels and the volumes of its own claims. */
export function withIdentity(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const name = `${set.metadata.name}-${ordinal}`
  const claims = claimsOf(set, ordinal)
  const own = [...claims].map(([volume, claim]) => ({ name: volume, persistentVolumeClaim: { claimName: claim.metadata.name ?? '' } }))
  const volumes = [...own, ...(pod.spec?.volumes ?? []).filter((volume) => !claims.has(volume.name))]
  const labels = { ...pod.metadata.labels, [podNameLabel]: name, [podIndexLabel]: String(ordinal) }
  return { ...pod, metadata: { ...pod.metadata, labels }, spec: { ...pod.spec!, ...(volumes.length > 0 ? { volumes } : {}) } }
}

export function hasIdentity(set: StatefulSet, pod: Pod, ordinal: number): boolean {
  const { labels = {} } = pod.metadata
  return labels[podNameLabel] === `${set.metadata.name}-${ordinal}` && labels[podIndexLabel] === String(ordinal)
}
