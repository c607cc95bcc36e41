/** Which objects each node's pods lead to: what an agent must be able to read, and no more. */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'

export type NodeGraph = {
  /** Whether a pod of the node leads to the object, by itself or over its claims and volumes; resource is the plural. */
  refers(nodeName: string, resource: string, namespace: string, name: string): boolean
}

/** Objects that say themselves which node they are for, read at the time of the question. */
export type GraphLookup = (
  kind: 'Pod' | 'PersistentVolumeClaim' | 'PersistentVolume' | 'VolumeAttachment' | 'ResourceSlice',
  namespace: string,
  name: string,
) => KubeObject | undefined

/** The pods of a node, at least those of the namespace where one is given; every pod is a new object when it changes. */
export type PodsOfNode = (nodeName: string, namespace: string) => readonly Pod[]

/**
 * What a pod refers to is read when its node asks for something, not with every change of every pod: agents ask rarely, and a start
 * with many pods waits for none of them.
 */
export function createNodeGraph(podsOf: PodsOfNode, lookup: GraphLookup = () => undefined): NodeGraph {
  const known = new WeakMap<Pod, ReadonlySet<string>>()
  const grantsOfPod = (pod: Pod): ReadonlySet<string> => {
    let grants = known.get(pod)
    if (!grants) known.set(pod, (grants = grantsOf(pod)))
    return grants
  }
  const names = (node: string, resource: string, namespace: string, name: string) => {
    const key = `${resource}/${namespace}/${name}`
    return podsOf(node, namespace).some((pod) => grantsOfPod(pod).has(key))
  }
  const derived: Readonly<Record<string, (node: string, namespace: string, name: string) => boolean>> = {
    pods: (node, namespace, name) => specNodeName(lookup('Pod', namespace, name)) === node,
    persistentvolumes: (node, _namespace, name) => {
      const claim = (lookup('PersistentVolume', '', name) as PersistentVolume | undefined)?.spec?.claimRef
      return claim !== undefined && names(node, 'persistentvolumeclaims', claim.namespace ?? '', claim.name ?? '')
    },
    secrets: (node, namespace, name) =>
      podsOf(node, '').some((pod) => {
        for (const key of grantsOfPod(pod))
          if (key.startsWith(claimPrefix) && volumeSecrets(lookup, key).has(`${namespace}/${name}`)) return true
        return false
      }),
    volumeattachments: (node, _namespace, name) => specNodeName(lookup('VolumeAttachment', '', name)) === node,
    resourceslices: (node, _namespace, name) => specNodeName(lookup('ResourceSlice', '', name)) === node,
  }
  return {
    refers: (node, resource, namespace, name) =>
      (namedByPods.has(resource) && names(node, resource, namespace, name)) || (derived[resource]?.(node, namespace, name) ?? false),
  }
}

const namedByPods = new Set(['serviceaccounts', 'secrets', 'configmaps', 'persistentvolumeclaims', 'resourceclaims'])
const claimPrefix = 'persistentvolumeclaims/'
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** The mirror of a static pod is made by the node itself: it gives the node nothing. */
function grantsOf(pod: Pod): Set<string> {
  return pod.metadata.annotations?.[mirrorAnnotation] === undefined ? referencesOf(pod) : new Set()
}

const specNodeName = (object: KubeObject | undefined) => (object as { spec?: { nodeName?: string } } | undefined)?.spec?.nodeName

/** `resource/namespace/name` of all that a pod's agent must read beside the pod. */
export function referencesOf(pod: Pod): Set<string> {
  const namespace = pod.metadata.namespace ?? ''
  const found = new Set<string>()
  const add = (resource: string, name: string | undefined) => {
    if (name) found.add(`${resource}/${namespace}/${name}`)
  }
  const spec = pod.spec
  if (!spec) return found
  add('serviceaccounts', spec.serviceAccountName)
  for (const s of spec.imagePullSecrets ?? []) add('secrets', s.name)
  const containers = [
    ...(spec.initContainers ?? []),
    ...((spec.containers as typeof spec.containers | undefined) ?? []),
    ...((spec.ephemeralContainers ?? []) as typeof spec.containers),
  ]
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
    add('secrets', v.csi?.nodePublishSecretRef?.name)
    for (const source of [v.iscsi, v.cephfs, v.rbd, v.flexVolume, v.cinder, v.scaleIO, v.storageos]) add('secrets', source?.secretRef?.name)
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
