import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { AdmissionPlugin, AdmissionRequest, Authorizer } from '../contract.ts'

const group = 'certificates.k8s.io'
export const signingRequests = { group, resource: 'certificatesigningrequests' }
export const isSigningRequest = (kind: KindDefinition) => kind.group === group && kind.plural === signingRequests.resource

/** Signing is a right on the signer, beyond that on the request (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization). */
export function certificateSigning({ authorizer }: { readonly authorizer: Authorizer }): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: (operation, kind, subresource) => operation === 'UPDATE' && isSigningRequest(kind) && subresource === 'status',
    validate: (request) => {
      const [next, old] = [request.object, request.old] as [CertificateSigningRequest, CertificateSigningRequest]
      if (next.status?.certificate === old.status?.certificate) return
      return demandUse(authorizer, request, { verb: 'sign', signerName: old.spec.signerName })
    },
  }
}

/** Throws 403 unless the user has the right on the signer, or on all of its domain (`example.com/*`). */
export async function demandUse(
  authorizer: Authorizer,
  request: AdmissionRequest,
  { verb, signerName }: { readonly verb: 'approve' | 'sign'; readonly signerName: string },
): Promise<void> {
  const { user, name } = request
  const names = [signerName, `${signerName.split('/', 1)[0]}/*`]
  const attributes = { type: 'resource', user, verb, group, version: '*', resource: 'signers', subresource: '', namespace: '' } as const
  for (const signer of names) if ((await authorizer.authorize({ ...attributes, name: signer }, request)).allowed) return
  const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`
  throw statusErrors.forbidden(signingRequests, name, why)
}
