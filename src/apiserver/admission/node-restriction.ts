import { nodes } from '../../kinds/core/node.ts'
import { pods } from '../../kinds/core/pod.ts'
import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import { internalDiff, internalForm } from '../../kinds/internal-form.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { localVolumeDriver, localVolumeFinalizer, volumeReachableFrom } from '../../kinds/storage/volume-binding.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import { parseSigningRequest } from '../../platform/pki/signing-request.ts'
import { nodeNameOf } from '../authz/node-authorizer.ts'
import { referencesOf } from '../authz/node-graph.ts'
import type { AdmissionPlugin, AdmissionRequest, Authorizer } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { refusedLabels } from './node-labels.ts'
import { nodeTokenProblem } from './node-token.ts'
import { refusal } from './refusal.ts'

/**
 * Holds a node's agent to its own Node object, its own lease and the pods bound to it, so that a stolen machine can harm no
 * more than what ran on it (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
 * The node authorizer decides by names alone; what needs the objects is decided here.
 */
export function nodeRestriction(parts: NodeRestrictionParts): AdmissionPlugin {
  const restrict = async (request: AdmissionRequest) => {
    const nodeName = nodeNameOf(request.user)
    if (!nodeName) throw refusal(request, `could not determine node from user ${JSON.stringify(request.user.name)}`)
    const problem = await rules[ruleKey(request.kind)]!(request, nodeName, parts)
    if (problem instanceof StatusError) throw problem
    if (problem !== undefined) throw refusal(request, problem)
  }
  return {
    name: 'NodeRestriction',
    treatsAlike: () => true,
    handles: (operation, kind) => operation !== 'CONNECT' && rules[ruleKey(kind)] !== undefined,
    // Also who is in the group without a node's name: rights of the group are given for what is checked here. All others wait for nothing.
    admit: (request) => (request.user.groups.includes(nodesGroup) ? restrict(request) : undefined),
  }
}

const nodesGroup = 'system:nodes'

export type NodeRestrictionParts = { readonly reader: ObjectReader; readonly authorizer: Authorizer }

/** What is wrong with the request, in upstream's words; undefined: nothing. */
type Problem = string | StatusError | undefined
type Rule = (request: AdmissionRequest, nodeName: string, parts: NodeRestrictionParts) => Problem | Promise<Problem>

const rules: Readonly<Record<string, Rule>> = {
  '/pods': podRule,
  '/nodes': nodeRule,
  '/serviceaccounts': nodeTokenProblem,
  '/persistentvolumeclaims': claimRule,
  '/persistentvolumes': volumeRule,
  'coordination.k8s.io/leases': leaseRule,
  'storage.k8s.io/csinodes': ({ name, object }, nodeName) =>
    nameOf(name, object) === nodeName ? undefined : 'can only access CSINode with the same name as the requesting node',
  'resource.k8s.io/resourceslices': ({ operation, object, old }, nodeName) => {
    if (operation === 'UPDATE') return undefined
    const slice = (operation === 'CREATE' ? object : old) as { spec?: { nodeName?: string } } | undefined
    return slice?.spec?.nodeName === nodeName
      ? undefined
      : `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`
  },
  'certificates.k8s.io/certificatesigningrequests': signingRule,
}

const ruleKey = ({ group, plural }: KindDefinition) => `${group}/${plural}`
const nameOf = (name: string, object: KubeObject | undefined) => name || (object?.metadata.name ?? '')
const quoted = (text: string) => JSON.stringify(text)

/** Of its own local volumes a node writes one finalizer: that the volume has a directory. */
function volumeRule({ object, old }: AdmissionRequest, nodeName: string, { reader }: NodeRestrictionParts): string | undefined {
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

function podRule(request: AdmissionRequest, nodeName: string, { reader }: NodeRestrictionParts): Problem {
  const { operation, subresource, object, old, namespace = '', name } = request
  const node = quoted(nodeName)
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return mirrorPodProblem(object as Pod, nodeName, reader)
      if (operation !== 'DELETE') return `unexpected operation "${operation}", node ${node} can only create and delete mirror pods`
      return isBoundTo(old, nodeName) ? undefined : `node ${node} can only delete pods with spec.nodeName set to itself`
    case 'status':
      return podStatusProblem(object as Pod, old as Pod, nodeName)
    case 'eviction': {
      const pod = reader.get(pods, namespace, name)
      if (!pod) return statusErrors.notFound({ group: '', resource: 'pod' }, name)
      return isBoundTo(pod, nodeName) ? undefined : `node ${nodeName} can only evict pods with spec.nodeName set to itself`
    }
    default:
      return `unexpected pod subresource ${quoted(subresource)}, only 'status' and 'eviction' are allowed`
  }
}

function podStatusProblem(pod: Pod, old: Pod, nodeName: string): string | undefined {
  const node = quoted(nodeName)
  if (!isBoundTo(old, nodeName)) return `node ${node} can only update pod status for pods with spec.nodeName set to itself`
  if (!deepEqual(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) return `node ${node} cannot update labels through pod status`
  // A claim named there is one that the node may read.
  const [status, before] = [pod.status ?? {}, old.status ?? {}]
  if (!deepEqual(status.resourceClaimStatuses ?? [], before.resourceClaimStatuses ?? []))
    return `node ${node} cannot update resource claim statues`
  return deepEqual(status.extendedResourceClaimStatus, before.extendedResourceClaimStatus)
    ? undefined
    : `node ${node} cannot update extended resource claim status`
}

const isBoundTo = (pod: KubeObject | undefined, nodeName: string) => (pod as Pod | undefined)?.spec?.nodeName === nodeName

/** A mirror of a static pod shows what runs anyway; it must not be a way to objects that the node was not given. */
function mirrorPodProblem(pod: Pod, nodeName: string, reader: ObjectReader): Problem {
  const node = quoted(nodeName)
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined)
    return `pod does not have "kubernetes.io/config.mirror" annotation, node ${node} can only create mirror pods`
  if (pod.spec?.nodeName !== nodeName) return `node ${node} can only create pods with spec.nodeName set to itself`
  const [owner, another] = pod.metadata.ownerReferences ?? []
  if (another) return `node ${node} can only create pods with a single owner reference set to itself`
  if (owner?.kind !== 'Node' || owner.apiVersion !== 'v1' || owner.name !== nodeName)
    return `node ${node} can only create pods with an owner reference set to itself`
  if (!owner.controller) return `node ${node} can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion) return `node ${node} must not set blockOwnerDeletion on an owner reference`
  const stored = reader.get(nodes, '', nodeName)
  if (!stored) return statusErrors.notFound({ group: '', resource: 'node' }, nodeName)
  if (owner.uid !== stored.metadata.uid) return `node ${nodeName} UID mismatch: expected ${owner.uid} got ${stored.metadata.uid}`
  const reference = apiReferenceOf(pod)
  return reference === undefined ? undefined : `node ${node} can not create pods that reference ${reference}`
}

/** The first kind of object that a pod needs from the API. */
function apiReferenceOf(pod: Pod): string | undefined {
  const found = [...referencesOf(pod)]
  for (const resource of ['serviceaccounts', 'secrets', 'configmaps'])
    if (found.some((one) => one.startsWith(`${resource}/`))) return resource
  if (pod.spec?.resourceClaims?.length) return 'resourceclaims'
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.csi) return 'csidrivers (via CSI volumes)'
    if (volume.glusterfs) return 'endpoints (via glusterFS volumes)'
    if (volume.persistentVolumeClaim) return 'persistentvolumeclaims'
    if (volume.ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)'
    if (volume.projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken)) return 'serviceaccounts (via projected volumes)'
  }
  return undefined
}

function nodeRule(request: AdmissionRequest, nodeName: string): string | undefined {
  const { operation, name, object, old } = request
  const node = quoted(nodeName)
  if (nameOf(name, object) !== nodeName) return `node ${node} is not allowed to modify node ${quoted(nameOf(name, object))}`
  if (operation === 'CREATE') {
    const refused = refusedLabels(object?.metadata.labels ?? {}, {})
    return refused.length > 0 ? `node ${node} is not allowed to set the following labels: ${refused.join(', ')}` : undefined
  }
  if (operation !== 'UPDATE') return undefined
  const [next, before] = [object as Node, old as Node]
  // A node that could drop its own taints could draw any pod to itself.
  if (!deepEqual(next.spec?.taints ?? [], before.spec?.taints ?? [])) return `node ${node} is not allowed to modify taints`
  if (!deepEqual(next.metadata.ownerReferences ?? [], before.metadata.ownerReferences ?? []))
    return `node ${node} is not allowed to modify ownerReferences`
  const refused = refusedLabels(next.metadata.labels ?? {}, before.metadata.labels ?? {})
  return refused.length > 0 ? `is not allowed to modify labels: ${refused.join(', ')}` : undefined
}

function leaseRule({ name, namespace, object }: AdmissionRequest, nodeName: string): string | undefined {
  if (namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace'
  return nameOf(name, object) === nodeName ? undefined : 'can only access node lease with the same name as the requesting node'
}

/** What the agent finds of a claim's volume when it has grown it, and nothing else. */
function claimRule({ operation, subresource, object, old }: AdmissionRequest, nodeName: string): string | undefined {
  if (subresource !== 'status') return 'may only update PVC status'
  if (operation !== 'UPDATE') return `unexpected operation "${operation}"`
  const [next, before] = [withoutGrowth(object as PersistentVolumeClaim), withoutGrowth(old as PersistentVolumeClaim)]
  if (deepEqual(next, before)) return undefined
  const shown = internalDiff(internalForm('PersistentVolumeClaim', before), internalForm('PersistentVolumeClaim', next))
  return `node ${quoted(nodeName)} is not allowed to update fields other than status.quantity and status.conditions: ${shown}`
}

function withoutGrowth(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  const { resourceVersion: _r, managedFields: _m, ...metadata } = claim.metadata
  const { capacity: _c, conditions: _n, allocatedResources: _a, allocatedResourceStatuses: _s, ...status } = claim.status ?? {}
  return { ...claim, metadata, status }
}

const agentSigners: ReadonlySet<string> = new Set(['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'])

/** A node asks for certificates in its own name only. */
async function signingRule({ operation, subresource, object }: AdmissionRequest, nodeName: string): Promise<string | undefined> {
  if (operation !== 'CREATE' || subresource !== '') return undefined
  const { signerName, request } = (object as CertificateSigningRequest).spec
  if (!agentSigners.has(signerName)) return undefined
  const parsed = await parseSigningRequest(Buffer.from(request, 'base64').toString('latin1'))
  if (!parsed) return 'unable to parse csr: PEM block type must be CERTIFICATE REQUEST'
  return parsed.subject.commonName === `system:node:${nodeName}` ? undefined : `can only create a node CSR with CN=system:node:${nodeName}`
}
