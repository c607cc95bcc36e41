import { toTime } from '../../base/clock.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { readKind, watchKind } from '../../control/watch-declaration.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../kinds/generated/types/certificates-v1.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { certificateEndMs } from '../../platform/pki/certificate.ts'
import { parseSigningRequest } from '../../platform/pki/signing-request.ts'
import { forgottenAtMs, isDecided, isOwnServing, recognizedRights, type Requested, signerRefusal, signers } from './plan.ts'

const { certificateSigningRequests } = kindRefs.certificatesV1
const { subjectAccessReviews } = kindRefs.authorizationV1
const { nodes } = kindRefs.coreV1

/** Signs with the cluster's CA; both ways PEM. Throws when the request cannot be signed. */
export type SignCertificate = (
  requestPem: string,
  options: { readonly usages: readonly string[]; readonly expirationSeconds: number | undefined },
) => Promise<string> | string

const group = 'certificates.k8s.io'

/** Approves what nodes ask for themselves. */
export const csrApprovingController: ControllerDefinition = {
  name: 'certificate',
  watches: [watchKind(certificateSigningRequests), readKind(nodes)],
  writes: [certificateSigningRequests],
  rules: [
    { verbs: ['update'], apiGroups: [group], resources: ['certificatesigningrequests/approval'] },
    { verbs: ['approve'], apiGroups: [group], resources: ['signers'], resourceNames: [signers.kubeletClient, signers.kubeletServing] },
    { verbs: ['create'], apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'] },
  ],
  reconcile: async (context, name) => {
    const csr = context.informer(certificateSigningRequests).get(name)
    if (!csr || csr.status?.certificate || isDecided(csr, 'Approved') || isDecided(csr, 'Denied')) return
    if (csr.spec.signerName !== signers.kubeletClient && csr.spec.signerName !== signers.kubeletServing) return
    const requested = await requestedBy(csr)
    const message = requested && (await approvalOf(context, csr, requested))
    if (message === undefined) return
    const next = withCondition(context, csr, { type: 'Approved', status: 'True', reason: 'AutoApproved', message })
    await context.client.resource(certificateSigningRequests).subresource(name, 'approval', next, { method: 'PUT' })
  },
}

/** What the approval says; undefined: nobody may have it without a person. */
async function approvalOf(context: LoopContext, csr: CertificateSigningRequest, requested: Requested): Promise<string | undefined> {
  if (isOwnServing(csr, requested, addressesOf(context, requested))) return 'Auto approving kubelet serving certificate of the node itself.'
  const { username, uid, groups, extra } = csr.spec
  const reviews = context.client.resource(subjectAccessReviews)
  for (const { subresource, message } of recognizedRights(csr, requested)) {
    const resourceAttributes = { group, resource: 'certificatesigningrequests', verb: 'create', subresource, version: '*' }
    const who = {
      ...(username ? { user: username } : {}),
      ...(uid ? { uid } : {}),
      ...(groups ? { groups } : {}),
      ...(extra ? { extra } : {}),
    }
    const { status } = await reviews.create({ metadata: {}, spec: { ...who, resourceAttributes } })
    if (status?.allowed) return message
  }
  return undefined
}

/** Signs what has been approved. */
export function csrSigningController(sign: SignCertificate): ControllerDefinition {
  const ours = new Set<string>(Object.values(signers))
  return {
    name: 'certificate-signing',
    account: 'certificate-controller',
    watches: [watchKind(certificateSigningRequests)],
    writes: [certificateSigningRequests],
    rules: [{ verbs: ['sign'], apiGroups: [group], resources: ['signers'], resourceNames: Object.values(signers) }],
    reconcile: async (context, name) => {
      const csr = context.informer(certificateSigningRequests).get(name)
      if (!csr || csr.status?.certificate || !ours.has(csr.spec.signerName)) return
      if (!isDecided(csr, 'Approved') || isDecided(csr, 'Denied') || isDecided(csr, 'Failed')) return
      const resource = context.client.resource(certificateSigningRequests)
      const requested = await requestedBy(csr)
      const refusal = requested ? signerRefusal(csr.spec.signerName, requested, csr.spec.usages ?? []) : 'the request cannot be read'
      if (refusal) {
        await resource.updateStatus(
          withCondition(context, csr, { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: refusal }),
        )
        return
      }
      const certificate = await sign(decode(csr), { usages: csr.spec.usages ?? [], expirationSeconds: csr.spec.expirationSeconds })
      await resource.updateStatus({ ...csr, status: { ...csr.status, certificate: btoa(certificate) } })
    },
  }
}

/** Deletes requests that are of no use any more. */
export const csrCleanerController: ControllerDefinition = {
  name: 'certificate-cleaner',
  account: 'certificate-controller',
  watches: [watchKind(certificateSigningRequests)],
  writes: [certificateSigningRequests],
  reconcile: async (context, name): Promise<ReconcileResult> => {
    const csr = context.informer(certificateSigningRequests).get(name)
    if (!csr) return
    const leftMs =
      forgottenAtMs(csr, csr.status?.certificate ? certificateEndMs(atob(csr.status.certificate)) : undefined) - context.clock.now()
    if (leftMs > 0) return { requeueAfterMs: leftMs }
    await context.client
      .resource(certificateSigningRequests)
      .delete(name, { preconditions: { uid: csr.metadata.uid ?? '' } })
      .catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error
      })
  },
}

const decode = (csr: CertificateSigningRequest) => atob(csr.spec.request)

async function requestedBy(csr: CertificateSigningRequest): Promise<Requested | undefined> {
  const parsed = await parseSigningRequest(decode(csr))
  return parsed && { ...parsed.subject, ...parsed }
}

/** The addresses and names that the Node object of this identity has; the node itself may write them, and only its own. */
function addressesOf(context: LoopContext, requested: Requested): ReadonlySet<string> {
  const name = requested.commonName.replace(/^system:node:/, '')
  const addresses = context.informer(nodes).get(name)?.status?.addresses ?? []
  return new Set([name, ...addresses.map(({ address }) => address)])
}

function withCondition(
  context: LoopContext,
  csr: CertificateSigningRequest,
  condition: Pick<CertificateSigningRequestCondition, 'type' | 'status' | 'reason' | 'message'>,
): CertificateSigningRequest {
  const time = toTime(context.clock.now())
  const conditions = [...(csr.status?.conditions ?? []), { ...condition, lastUpdateTime: time, lastTransitionTime: time }]
  return { ...csr, status: { ...csr.status, conditions } }
}
