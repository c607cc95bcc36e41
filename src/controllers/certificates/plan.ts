/** Which certificate requests of nodes are approved without a person, and which are forgotten. */
import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'

export const signers = {
  apiClient: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
} as const

/** What a request asks to be certified. */
export type Requested = {
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly emailAddresses: readonly string[]
  readonly uris: readonly string[]
}

const nodeUserPrefix = 'system:node:'
const nodesGroup = 'system:nodes'

/** A right on a subresource of requests, which the requestor must have; the first that they have approves. */
export type Recognized = { readonly subresource: 'selfnodeclient' | 'nodeclient'; readonly message: string }

/** What a request for a node's client certificate may be approved by. */
export function recognizedRights(csr: CertificateSigningRequest, requested: Requested): readonly Recognized[] {
  if (csr.spec.signerName !== signers.kubeletClient || signerRefusal(csr.spec.signerName, requested, csr.spec.usages ?? [])) return []
  const isSelf = csr.spec.username === requested.commonName
  return [
    ...(isSelf
      ? [{ subresource: 'selfnodeclient', message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' } as const]
      : []),
    { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
  ]
}

/**
 * Whether a request is a node's own for a serving certificate that names nothing but the addresses of its Node object. Upstream leaves
 * these to people; without them logs and exec would need that person.
 */
export function isOwnServing(csr: CertificateSigningRequest, requested: Requested, ownAddresses: ReadonlySet<string>): boolean {
  const { signerName, username, groups = [], usages = [] } = csr.spec
  if (signerName !== signers.kubeletServing || signerRefusal(signerName, requested, usages)) return false
  const isOwn = username === requested.commonName && groups.includes(nodesGroup)
  return isOwn && [...requested.dnsNames, ...requested.ipAddresses].every((host) => ownAddresses.has(host))
}

/** The purpose and digital signature, no more; key encipherment may be there (RSA keys). */
function usagesAre(usages: readonly string[], purpose: string): boolean {
  const rest = new Set(usages)
  rest.delete('key encipherment')
  return rest.size === 2 && rest.has('digital signature') && rest.has(purpose)
}

const usagesText = (purpose: string) => `usages did not match [${['digital signature', 'key encipherment', purpose].sort().join(' ')}]`

/** Why its signer may not sign a request, in upstream's words; undefined: it may. */
export function signerRefusal(signerName: string, requested: Requested, usages: readonly string[]): string | undefined {
  if (signerName === signers.apiClient) return clientUsagesRefusal(usages)
  const isServing = signerName === signers.kubeletServing
  if (requested.organizations.length !== 1 || requested.organizations[0] !== nodesGroup) return 'subject organization is not system:nodes'
  if (isServing && requested.dnsNames.length + requested.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required'
  if (!isServing && requested.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
  if (requested.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (!isServing && requested.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed'
  if (requested.uris.length > 0) return 'URI subjectAltNames are not allowed'
  const purpose = isServing ? 'server auth' : 'client auth'
  const wrongUsages = usagesAre(usages, purpose) ? undefined : usagesText(purpose)
  if (isServing && wrongUsages) return wrongUsages
  if (!requested.commonName.startsWith(nodeUserPrefix)) return 'subject common name does not begin with system:node:'
  return wrongUsages
}

function clientUsagesRefusal(usages: readonly string[]): string | undefined {
  const allowed = ['digital signature', 'key encipherment', 'client auth']
  const strange = usages.find((usage) => !allowed.includes(usage))
  if (strange !== undefined) return `invalid usage for client certificate: ${strange}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}

const minuteMs = 60_000
const backdateMs = 5 * minuteMs
const shortMs = 8 * 60 * minuteMs
const shortestMs = 10 * minuteMs

/** When a certificate begins and ends (wall clock, ms): what was asked for, within ten minutes and the signer's longest. */
export function validity(
  expirationSeconds: number | undefined,
  { longestMs, nowMs }: { readonly longestMs: number; readonly nowMs: number },
) {
  const askedMs = expirationSeconds === undefined ? longestMs : expirationSeconds * 1000
  const lengthMs = Math.min(Math.max(askedMs, shortestMs), longestMs)
  // A short life is not made shorter by clocks that go wrong.
  const notAfterMs = nowMs + lengthMs - (lengthMs < shortMs ? 0 : backdateMs)
  return { notBeforeMs: nowMs - backdateMs, notAfterMs }
}

export function isDecided(csr: CertificateSigningRequest, type: 'Approved' | 'Denied' | 'Failed'): boolean {
  return csr.status?.conditions?.some((condition) => condition.type === type) ?? false
}

const hourMs = 3_600_000

/**
 * When a request is of no use any more (wall clock, ms): issued, denied or failed ones after an hour, open ones after a day, and one whose
 * certificate has ended (`certificateEndMs`) at once.
 */
export function forgottenAtMs(csr: CertificateSigningRequest, certificateEndMs = Number.POSITIVE_INFINITY): number {
  const created = Date.parse(csr.metadata.creationTimestamp ?? '')
  const decided = (csr.status?.conditions ?? []).map(({ lastUpdateTime, lastTransitionTime }) =>
    Date.parse(lastUpdateTime ?? lastTransitionTime ?? ''),
  )
  const last = Math.max(...decided.filter((ms) => !Number.isNaN(ms)), created)
  const isOpen = !isDecided(csr, 'Denied') && !isDecided(csr, 'Failed') && !isDecided(csr, 'Approved')
  return Math.min(isOpen ? created + 24 * hourMs : last + hourMs, certificateEndMs)
}
