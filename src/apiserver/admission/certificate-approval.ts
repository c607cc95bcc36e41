import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'
import type { AdmissionPlugin, Authorizer } from '../contract.ts'
import { demandUse, isSigningRequest } from './certificate-signing.ts'

/** Approving is a right on the signer, beyond that on the request. */
export function certificateApproval({ authorizer }: { readonly authorizer: Authorizer }): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: (operation, kind, subresource) => operation === 'UPDATE' && isSigningRequest(kind) && subresource === 'approval',
    validate: (request) => {
      const { signerName } = (request.old as CertificateSigningRequest).spec
      return demandUse(authorizer, request, { verb: 'approve', signerName })
    },
  }
}
