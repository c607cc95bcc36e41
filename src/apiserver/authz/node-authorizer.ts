/**
 * What a node's agent may do beyond its role: only what concerns itself and the pods bound to it
 * (https://kubernetes.io/docs/reference/access-authn-authz/node/).
 */
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Attributes, Authorizer } from '../contract.ts'

type ResourceAttributes = Extract<Attributes, { type: 'resource' }>

export type NodeGraph = {
  /** Keeps the objects that each node's pods refer to. */
  setPod(pod: Pod, isGone: boolean): void
  /** Whether a pod of the node refers to the object; resource is the plural. */
  refers(nodeName: string, resource: string, namespace: string, name: string): boolean
}

export function createNodeGraph(): NodeGraph {
  const ofPod = new Map<string, readonly string[]>()
  const counts = new Map<string, number>()
  const change = (keys: readonly string[], by: number) => {
    for (const key of keys) {
      const count = (counts.get(key) ?? 0) + by
      if (count === 0) counts.delete(key)
      else counts.set(key, count)
    }
  }
  return {
    setPod: (pod, isGone) => {
      const id = `${pod.metadata.namespace}/${pod.metadata.name}`
      const node = pod.spec?.nodeName
      const old = ofPod.get(id) ?? []
      const now = isGone || !node ? [] : [...referencesOf(pod)].map((r) => `${node} ${r}`)
      // Almost every change of a pod is one of its status.
      if (old.length === now.length && old.every((key, i) => key === now[i])) return
      change(old, -1)
      change(now, 1)
      if (now.length === 0) ofPod.delete(id)
      else ofPod.set(id, now)
    },
    refers: (nodeName, resource, namespace, name) => counts.has(`${nodeName} ${resource}/${namespace}/${name}`),
  }
}

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
    add('secrets', v.csi?.nodePublishSecretRef?.name)
    for (const source of v.projected?.sources ?? []) {
      add('configmaps', source.configMap?.name)
      add('secrets', source.secret?.name)
    }
  }
  for (const claim of spec.resourceClaims ?? []) add('resourceclaims', claim.resourceClaimName)
  return found
}

const nodesGroup = 'system:nodes'
const userPrefix = 'system:node:'
const graphResources = new Set(['secrets', 'configmaps', 'persistentvolumeclaims', 'resourceclaims'])

/** The node's name when the user is a node's agent. */
export function nodeNameOf(user: { readonly name: string; readonly groups: readonly string[] }): string | undefined {
  return user.groups.includes(nodesGroup) && user.name.startsWith(userPrefix) ? user.name.slice(userPrefix.length) : undefined
}

const allow = { allowed: true, reason: '' } as const
const refuse = (reason: string) => ({ allowed: false, reason })

export function createNodeAuthorizer(graph: NodeGraph): Authorizer {
  return {
    authorize: (attributes) => {
      const nodeName = nodeNameOf(attributes.user)
      if (nodeName === undefined || attributes.type === 'path') return refuse('')
      return decide(attributes, nodeName, graph)
    },
    rulesFor: () => ({ resourceRules: [], nonResourceRules: [] }),
  }
}

function decide(a: ResourceAttributes, nodeName: string, graph: NodeGraph): { allowed: boolean; reason: string } {
  const isRead = a.verb === 'get' || a.verb === 'list' || a.verb === 'watch'
  if (a.group === '' && graphResources.has(a.resource) && a.subresource === '') {
    if (!isRead) return refuse('can only read resources of this type')
    // A watch or list of one object by name is how agents follow what their pods use.
    if (a.name === '') return refuse(`can only read ${a.resource} by name`)
    return graph.refers(nodeName, a.resource, a.namespace, a.name)
      ? allow
      : refuse(`no relationship found between node '${nodeName}' and this object`)
  }
  if (a.group === '' && a.resource === 'serviceaccounts' && a.subresource === 'token' && a.verb === 'create') {
    return graph.refers(nodeName, 'serviceaccounts', a.namespace, a.name)
      ? allow
      : refuse(`no relationship found between node '${nodeName}' and this object`)
  }
  if (a.group === 'coordination.k8s.io' && a.resource === 'leases') {
    if (a.namespace !== 'kube-node-lease') return refuse(`can only access leases in the "kube-node-lease" system namespace`)
    if (a.verb === 'create' || a.name === nodeName)
      return isRead || ['create', 'update', 'patch', 'delete'].includes(a.verb) ? allow : refuse('')
    return refuse('can only access node lease with the same name as the requesting node')
  }
  return ownRules(a, nodeName)
}

/** Writing of other nodes' objects is what admission (NodeRestriction) refuses, where the object is known. */
function ownRules(a: ResourceAttributes, nodeName: string): { allowed: boolean; reason: string } {
  const isRead = a.verb === 'get' || a.verb === 'list' || a.verb === 'watch'
  const key = `${a.group}/${a.resource}${a.subresource ? `/${a.subresource}` : ''}`
  if (key === '/nodes')
    return isRead || ((a.verb === 'update' || a.verb === 'patch') && a.name === nodeName) || a.verb === 'create' ? allow : refuse('')
  if (key === '/nodes/status')
    return (a.verb === 'update' || a.verb === 'patch') && a.name === nodeName ? allow : refuse('can only update its own node status')
  if (key === '/pods') return isRead || a.verb === 'create' || a.verb === 'delete' ? allow : refuse('')
  if (key === '/pods/status') return a.verb === 'update' || a.verb === 'patch' ? allow : refuse('')
  // Which volumes, and what of them, admission (NodeRestriction) says.
  if (key === '/persistentvolumes') return isRead || a.verb === 'patch' ? allow : refuse('')
  if (key === '/pods/eviction') return a.verb === 'create' ? allow : refuse('')
  if (key === '/events' || key === 'events.k8s.io/events') return ['create', 'update', 'patch'].includes(a.verb) ? allow : refuse('')
  if (key === 'certificates.k8s.io/certificatesigningrequests') return a.verb === 'create' || isRead ? allow : refuse('')
  if (
    [
      '/services',
      '/endpoints',
      '/namespaces',
      'discovery.k8s.io/endpointslices',
      'node.k8s.io/runtimeclasses',
      'storage.k8s.io/csidrivers',
      'resource.k8s.io/resourceslices',
    ].includes(key)
  )
    return isRead ? allow : refuse('')
  if (
    key === 'authentication.k8s.io/tokenreviews' ||
    key === 'authorization.k8s.io/subjectaccessreviews' ||
    key === 'authorization.k8s.io/localsubjectaccessreviews'
  )
    return a.verb === 'create' ? allow : refuse('')
  return refuse('')
}
