import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { parseSigningRequest } from '../../platform/pki/signing-request.ts'
import type { AdmissionPlugin } from '../contract.ts'
import { isSigningRequest, signingRequests } from './certificate-signing.ts'

/** No certificate makes a superuser: the group of those whom no policy binds cannot be asked for. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (operation, kind, subresource) => operation === 'CREATE' && isSigningRequest(kind) && subresource === '',
  validate: async ({ object, name }) => {
    const { signerName, request } = (object as CertificateSigningRequest).spec
    if (signerName !== 'kubernetes.io/kube-apiserver-client') return
    const parsed = await parseSigningRequest(Buffer.from(request, 'base64').toString('latin1'))
    if (!parsed?.subject.organizations.includes('system:masters')) return
    const why = `use of ${signerName} signer with system:masters group is not allowed`
    throw statusErrors.forbidden(signingRequests, name || (object?.metadata.name ?? ''), why)
  },
}
