import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { parseSigningRequest } from '../../platform/pki/signing-request.ts'
import type { AdmissionPlugin, AdmissionRequest, Authorizer } from '../contract.ts'

const group = 'certificates.k8s.io'
const resource = { group, resource: 'certificatesigningrequests' }
const isRequest = (kind: KindDefinition) => kind.group === group && kind.plural === resource.resource

/** Approving and signing are rights on the signer, beyond those on the request (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization). */
export function certificateSigners({ authorizer }: { readonly authorizer: Authorizer }): AdmissionPlugin {
  return {
    name: 'CertificateSigners',
    handles: (operation, kind, subresource) =>
      operation === 'UPDATE' && isRequest(kind) && (subresource === 'approval' || subresource === 'status'),
    validate: (request) => {
      const [next, old] = [request.object, request.old] as [CertificateSigningRequest, CertificateSigningRequest]
      const verb = request.subresource === 'approval' ? 'approve' : 'sign'
      if (verb === 'sign' && next.status?.certificate === old.status?.certificate) return
      const { signerName } = old.spec
      if (mayUse(authorizer, request, { verb, signerName })) return
      const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`
      throw statusErrors.forbidden(resource, request.name, why)
    },
  }
}

/** The right may name the signer, or all of its domain: `example.com/*`. */
function mayUse(authorizer: Authorizer, { user }: AdmissionRequest, { verb, signerName }: { verb: string; signerName: string }): boolean {
  const names = [signerName, `${signerName.split('/', 1)[0]}/*`]
  const attributes = { type: 'resource', user, verb, group, version: '*', resource: 'signers', subresource: '', namespace: '' } as const
  return names.some((name) => authorizer.authorize({ ...attributes, name }).allowed)
}

/** No certificate makes a superuser: the group of those whom no policy binds cannot be asked for. */
export const certificateSubjects: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (operation, kind, subresource) => operation === 'CREATE' && isRequest(kind) && subresource === '',
  validate: async ({ object, name }) => {
    const { signerName, request } = (object as CertificateSigningRequest).spec
    if (signerName !== 'kubernetes.io/kube-apiserver-client') return
    const parsed = await parseSigningRequest(Buffer.from(request, 'base64').toString('latin1'))
    if (!parsed?.subject.organizations.includes('system:masters')) return
    throw statusErrors.forbidden(
      resource,
      name || (object?.metadata.name ?? ''),
      `use of ${signerName} signer with system:masters group is not allowed`,
    )
  },
}
