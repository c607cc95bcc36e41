/** Which objects each node's pods lead to: what an agent must be able to read, and no more. */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'

export type NodeGraph = {
  /** Keeps the objects that each node's pods refer to. */
  setPod(pod: Pod, isGone: boolean): void
  /** Whether a pod of the node leads to the object, by itself or over its claims and volumes; resource is the plural. */
  refers(nodeName: string, resource: string, namespace: string, name: string): boolean
}

/** Objects that say themselves which node they are for, read at the time of the question. */
export type GraphLookup = (
  kind: 'PersistentVolumeClaim' | 'PersistentVolume' | 'VolumeAttachment' | 'ResourceSlice',
  namespace: string,
  name: string,
) => KubeObject | undefined

export function createNodeGraph(lookup: GraphLookup = () => undefined): NodeGraph {
  const ofPod = new Map<string, { readonly node: string; readonly keys: readonly string[] }>()
  /** Per node: how many of its pods name each object. */
  const byNode = new Map<string, Map<string, number>>()
  const change = (node: string, keys: readonly string[], by: number) => {
    let counts = byNode.get(node)
    if (!counts) byNode.set(node, (counts = new Map()))
    for (const key of keys) {
      const count = (counts.get(key) ?? 0) + by
      if (count === 0) counts.delete(key)
      else counts.set(key, count)
    }
    if (counts.size === 0) byNode.delete(node)
  }
  const names = (node: string, key: string) => byNode.get(node)?.has(key) ?? false
  const derived: Readonly<Record<string, (node: string, namespace: string, name: string) => boolean>> = {
    persistentvolumes: (node, _namespace, name) => {
      const claim = (lookup('PersistentVolume', '', name) as PersistentVolume | undefined)?.spec?.claimRef
      return claim !== undefined && names(node, `persistentvolumeclaims/${claim.namespace}/${claim.name}`)
    },
    secrets: (node, namespace, name) => {
      for (const key of byNode.get(node)?.keys() ?? [])
        if (key.startsWith(claimPrefix) && volumeSecrets(lookup, key).has(`${namespace}/${name}`)) return true
      return false
    },
    volumeattachments: (node, _namespace, name) => specNodeName(lookup('VolumeAttachment', '', name)) === node,
    resourceslices: (node, _namespace, name) => specNodeName(lookup('ResourceSlice', '', name)) === node,
  }
  return {
    setPod: (pod, isGone) => {
      const id = `${pod.metadata.namespace}/${pod.metadata.name}`
      const node = pod.spec?.nodeName ?? ''
      const old = ofPod.get(id)
      const keys = isGone || node === '' ? [] : [...grantsOf(pod)]
      // Almost every change of a pod is one of its status.
      if ((old?.keys.length ?? 0) === keys.length && (!old || (old.node === node && old.keys.every((key, i) => key === keys[i])))) return
      if (old) change(old.node, old.keys, -1)
      if (keys.length === 0) ofPod.delete(id)
      else {
        change(node, keys, 1)
        ofPod.set(id, { node, keys })
      }
    },
    refers: (node, resource, namespace, name) =>
      names(node, `${resource}/${namespace}/${name}`) || (derived[resource]?.(node, namespace, name) ?? false),
  }
}

const claimPrefix = 'persistentvolumeclaims/'
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** The mirror of a static pod is made by the node itself: it gives the node nothing but itself. */
function grantsOf(pod: Pod): Iterable<string> {
  const isMirror = pod.metadata.annotations?.[mirrorAnnotation] !== undefined
  return isMirror ? [`pods/${pod.metadata.namespace ?? ''}/${pod.metadata.name}`] : referencesOf(pod)
}

const specNodeName = (object: KubeObject | undefined) => (object as { spec?: { nodeName?: string } } | undefined)?.spec?.nodeName

/** `resource/namespace/name` of all that a pod's agent must read. */
export function referencesOf(pod: Pod): Set<string> {
  const namespace = pod.metadata.namespace ?? ''
  const found = new Set<string>([`pods/${namespace}/${pod.metadata.name}`])
  const add = (resource: string, name: string | undefined) => {
    if (name) found.add(`${resource}/${namespace}/${name}`)
  }
  const spec = pod.spec
  if (!spec) return found
  add('serviceaccounts', spec.serviceAccountName)
  for (const s of spec.imagePullSecrets ?? []) add('secrets', s.name)
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...((spec.ephemeralContainers ?? []) as typeof spec.containers)]
  for (const c of containers) {
    for (const from of c.envFrom ?? []) {
      add('configmaps', from.configMapRef?.name)
      add('secrets', from.secretRef?.name)
    }
    for (const e of c.env ?? []) {
      add('configmaps', e.valueFrom?.configMapKeyRef?.name)
      add('secrets', e.valueFrom?.secretKeyRef?.name)
    }
  }
  for (const v of spec.volumes ?? []) {
    add('configmaps', v.configMap?.name)
    add('secrets', v.secret?.secretName)
    add('persistentvolumeclaims', v.persistentVolumeClaim?.claimName)
    if (v.ephemeral) add('persistentvolumeclaims', `${pod.metadata.name}-${v.name}`)
    for (const secret of [v.csi?.nodePublishSecretRef, v.iscsi?.secretRef, v.cephfs?.secretRef, v.rbd?.secretRef, v.flexVolume?.secretRef])
      add('secrets', secret?.name)
    add('secrets', v.azureFile?.secretName)
    for (const source of v.projected?.sources ?? []) {
      add('configmaps', source.configMap?.name)
      add('secrets', source.secret?.name)
    }
  }
  for (const claim of spec.resourceClaims ?? []) add('resourceclaims', claim.resourceClaimName)
  // Claims made from a template, and those for extended resources, have names that only the status knows.
  for (const claim of pod.status?.resourceClaimStatuses ?? []) add('resourceclaims', claim.resourceClaimName)
  add('resourceclaims', pod.status?.extendedResourceClaimStatus?.resourceClaimName)
  return found
}

/** `namespace/name` of the secrets that a node needs to mount the volume of a claim. */
function volumeSecrets(lookup: GraphLookup, claimKey: string): Set<string> {
  const [, namespace = '', name = ''] = claimKey.split('/')
  const claim = lookup('PersistentVolumeClaim', namespace, name) as PersistentVolumeClaim | undefined
  const volume = claim?.spec?.volumeName
    ? (lookup('PersistentVolume', '', claim.spec.volumeName) as PersistentVolume | undefined)
    : undefined
  const spec = volume?.spec
  const found = new Set<string>()
  // The volume has the last word on whose it is.
  if (!spec || spec.claimRef?.namespace !== namespace || spec.claimRef.name !== name) return found
  const { csi, iscsi, cephfs, rbd, flexVolume, azureFile } = spec
  const references = [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef, iscsi?.secretRef, cephfs?.secretRef]
  for (const ref of [...references, rbd?.secretRef, flexVolume?.secretRef])
    if (ref?.name) found.add(`${ref.namespace || namespace}/${ref.name}`)
  if (azureFile) found.add(`${azureFile.secretNamespace || namespace}/${azureFile.secretName}`)
  return found
}
