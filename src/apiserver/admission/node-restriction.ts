import { nodes } from '../../kinds/core/node.ts'
import { pods } from '../../kinds/core/pod.ts'
import type { TokenRequest } from '../../kinds/generated/types/authentication-v1.ts'
import type { Node, PersistentVolume, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { localVolumeDriver, localVolumeFinalizer, volumeReachableFrom } from '../../kinds/storage/volume-binding.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { nodeNameOf } from '../authz/node-authorizer.ts'
import { referencesOf } from '../authz/node-graph.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'
import type { ObjectReader } from '../object-reader.ts'
import { refusedLabels } from './node-labels.ts'

/**
 * Holds a node's agent to its own Node object, its own lease and the pods bound to it, so that a stolen machine can harm no
 * more than what ran on it (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
 * The node authorizer decides by names alone; what needs the objects is decided here.
 */
export function nodeRestriction({ reader }: { readonly reader: ObjectReader }): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    treatsAlike: () => true,
    handles: (operation, kind) => operation !== 'CONNECT' && rules[ruleKey(kind)] !== undefined,
    // On the final object: what a status update may not touch has been put back by then.
    validate: (request) => {
      if (!request.user.groups.includes(nodesGroup)) return
      const nodeName = nodeNameOf(request.user)
      if (!nodeName) throw refusal(request, `could not determine node from user ${JSON.stringify(request.user.name)}`)
      const problem = rules[ruleKey(request.kind)]!(request, nodeName, reader)
      if (problem) throw refusal(request, problem)
    },
  }
}

const nodesGroup = 'system:nodes'

/** What is wrong with the request, in upstream's words; undefined: nothing. */
type Rule = (request: AdmissionRequest, nodeName: string, reader: ObjectReader) => string | undefined

const rules: Readonly<Record<string, Rule>> = {
  '/pods': podRule,
  '/nodes': nodeRule,
  '/serviceaccounts': tokenRule,
  '/persistentvolumeclaims': ({ subresource }) => (subresource === 'status' ? undefined : 'may only update PVC status'),
  '/persistentvolumes': volumeRule,
  'coordination.k8s.io/leases': leaseRule,
  'storage.k8s.io/csinodes': ({ name, object }, nodeName) =>
    nameOf(name, object) === nodeName ? undefined : 'can only access CSINode with the same name as the requesting node',
  'resource.k8s.io/resourceslices': ({ object, old }, nodeName) =>
    [object, old].every((slice) => !slice || (slice as { spec?: { nodeName?: string } }).spec?.nodeName === nodeName)
      ? undefined
      : 'can only create, update or delete ResourceSlice with the same NodeName as the requesting node',
}

const ruleKey = ({ group, plural }: KindDefinition) => `${group}/${plural}`
const nameOf = (name: string, object: KubeObject | undefined) => name || (object?.metadata.name ?? '')
const quoted = (text: string) => JSON.stringify(text)

function refusal({ kind, name, object }: AdmissionRequest, why: string): Error {
  return statusErrors.forbidden({ group: kind.group, resource: kind.plural }, nameOf(name, object), why)
}

/** Of its own local volumes a node writes one finalizer: that the volume has a directory. */
function volumeRule({ object, old }: AdmissionRequest, nodeName: string, reader: ObjectReader): string | undefined {
  const volume = old as PersistentVolume | undefined
  const node = reader.get(nodes, '', nodeName)
  if (!volume || volume.spec?.csi?.driver !== localVolumeDriver || !node || !volumeReachableFrom(volume, node))
    return 'can only change local volumes of the requesting node'
  const rest = ({ metadata, ...fields }: KubeObject) => {
    const { finalizers = [], resourceVersion: _r, managedFields: _m, ...kept } = metadata
    return { ...fields, metadata: { ...kept, finalizers: finalizers.filter((finalizer) => finalizer !== localVolumeFinalizer) } }
  }
  return object && deepEqual(rest(object), rest(volume)) ? undefined : `can only set and remove the finalizer ${localVolumeFinalizer}`
}

function podRule({ operation, subresource, object, old, namespace = '', name }: AdmissionRequest, nodeName: string, reader: ObjectReader) {
  const node = quoted(nodeName)
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return mirrorPodProblem(object as Pod, nodeName)
      if (operation !== 'DELETE') return `unexpected operation "${operation}", node ${node} can only create and delete mirror pods`
      return isBoundTo(old, nodeName) ? undefined : `node ${node} can only delete pods with spec.nodeName set to itself`
    case 'status':
      if (!isBoundTo(old, nodeName)) return `node ${node} can only update pod status for pods with spec.nodeName set to itself`
      if (!deepEqual(object?.metadata.labels ?? {}, old?.metadata.labels ?? {}))
        return `node ${node} cannot update labels through pod status`
      // A claim named there is one that the node may read.
      return deepEqual(claimStatusesOf(object), claimStatusesOf(old)) ? undefined : `node ${node} cannot update resource claim statuses`
    case 'eviction':
      return isBoundTo(reader.get(pods, namespace, name), nodeName)
        ? undefined
        : `node ${node} can only evict pods with spec.nodeName set to itself`
    default:
      return `unexpected pod subresource ${quoted(subresource)}, only 'status' and 'eviction' are allowed`
  }
}

function claimStatusesOf(pod: KubeObject | undefined): readonly unknown[] {
  const status = (pod as Pod | undefined)?.status
  return [status?.resourceClaimStatuses ?? [], status?.extendedResourceClaimStatus ?? null]
}

const isBoundTo = (pod: KubeObject | undefined, nodeName: string) => (pod as Pod | undefined)?.spec?.nodeName === nodeName

/** A mirror of a static pod shows what runs anyway; it must not be a way to objects that the node was not given. */
function mirrorPodProblem(pod: Pod, nodeName: string): string | undefined {
  const node = quoted(nodeName)
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined)
    return `pod does not have "kubernetes.io/config.mirror" annotation, node ${node} can only create mirror pods`
  if (pod.spec?.nodeName !== nodeName) return `node ${node} can only create pods with spec.nodeName set to itself`
  const owners = pod.metadata.ownerReferences ?? []
  if (owners.length !== 1) return `pod must have exactly one owner reference, the node ${node} itself`
  const [owner] = owners
  if (owner?.kind !== 'Node' || owner.apiVersion !== 'v1' || owner.name !== nodeName)
    return `node ${node} can only create pods with an owner reference set to itself`
  const [reference] = referencesOf(pod)
  return reference === undefined ? undefined : `node ${node} can not create pods that reference ${reference.split('/')[0]}`
}

function nodeRule(request: AdmissionRequest, nodeName: string): string | undefined {
  const { operation, subresource, name, object, old } = request
  const node = quoted(nodeName)
  if (nameOf(name, object) !== nodeName) return `node ${node} is not allowed to modify node ${quoted(nameOf(name, object))}`
  if (operation === 'CREATE') {
    const refused = refusedLabels(object?.metadata.labels ?? {}, {})
    return refused.length > 0 ? `node ${node} is not allowed to set the following labels: ${refused.join(', ')}` : undefined
  }
  if (operation !== 'UPDATE' || subresource !== '') return undefined
  const [next, before] = [object as Node, old as Node]
  // A node that could drop its own taints could draw any pod to itself.
  if (!deepEqual(next.spec?.taints ?? [], before.spec?.taints ?? [])) return `node ${node} is not allowed to modify taints`
  if (!deepEqual(next.metadata.ownerReferences ?? [], before.metadata.ownerReferences ?? []))
    return `node ${node} is not allowed to modify ownerReferences`
  const refused = refusedLabels(next.metadata.labels ?? {}, before.metadata.labels ?? {})
  return refused.length > 0 ? `node ${node} is not allowed to modify labels: ${refused.join(', ')}` : undefined
}

function leaseRule({ name, namespace, object }: AdmissionRequest, nodeName: string): string | undefined {
  if (namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace'
  return nameOf(name, object) === nodeName ? undefined : 'can only access node lease with the same name as the requesting node'
}

/** A node gets tokens only for pods that it runs, for the accounts and audiences that these pods name. */
function tokenRule({ subresource, namespace = '', name, object }: AdmissionRequest, nodeName: string, reader: ObjectReader) {
  if (subresource !== 'token') return undefined
  const { boundObjectRef: bound, audiences = [] } = (object as KubeObject & TokenRequest).spec ?? {}
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) return 'node requested token not bound to a pod'
  if (!bound.uid) return 'node requested token with a pod binding without a uid'
  const pod = reader.get(pods, namespace, bound.name)
  if (!pod) return `pod ${quoted(bound.name)} not found`
  if (pod.metadata.uid !== bound.uid)
    return `the UID in the bound object reference (${bound.uid}) does not match the UID in record (${pod.metadata.uid}). The object might have been deleted and then recreated`
  if (pod.spec?.nodeName !== nodeName) return 'node requested token bound to a pod scheduled on a different node'
  if (pod.spec.serviceAccountName !== name) return `node requested token for service account ${quoted(name)}, which its pod does not use`
  const known = projectedAudiences(pod)
  const unknown = audiences.find((audience) => audience !== '' && !known.has(audience))
  return unknown === undefined ? undefined : `audience ${quoted(unknown)} not found in pod spec volume`
}

function projectedAudiences(pod: Pod): Set<string> {
  const sources = (pod.spec?.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? [])
  return new Set(sources.flatMap((source) => (source.serviceAccountToken?.audience ? [source.serviceAccountToken.audience] : [])))
}
