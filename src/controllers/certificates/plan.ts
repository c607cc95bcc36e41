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
const bootstrappersGroup = 'system:bootstrappers'

export type Approval = { readonly reason: 'AutoApproved'; readonly message: string }

/**
 * Approves a kubelet's client certificate for a bootstrapping machine or for the node itself, and a kubelet's serving certificate
 * for the node itself, when it names nothing but the node's own addresses. Upstream leaves the latter to people; here the
 * addresses are checked against the Node object (`ownAddresses`), without which logs and exec would need that person.
 */
export function planApproval(
  csr: CertificateSigningRequest,
  requested: Requested,
  ownAddresses: ReadonlySet<string>,
): Approval | undefined {
  const { signerName, username = '', groups = [], usages = [] } = csr.spec
  const isNodeIdentity = requested.commonName.startsWith(nodeUserPrefix) && requested.organizations.join() === nodesGroup
  if (!isNodeIdentity || requested.emailAddresses.length + requested.uris.length > 0) return undefined
  const isOwn = username === requested.commonName && groups.includes(nodesGroup)
  const hosts = [...requested.dnsNames, ...requested.ipAddresses]
  if (signerName === signers.kubeletClient && hosts.length === 0 && usagesAre(usages, 'client auth')) {
    if (isOwn) return approved('Auto approving self kubelet client certificate after SubjectAccessReview.')
    if (groups.includes(bootstrappersGroup)) return approved('Auto approving kubelet client certificate after SubjectAccessReview.')
  }
  const isServing = signerName === signers.kubeletServing && isOwn && hosts.length > 0 && usagesAre(usages, 'server auth')
  return isServing && hosts.every((host) => ownAddresses.has(host))
    ? approved('Auto approving kubelet serving certificate of the node itself.')
    : undefined
}

function approved(message: string): Approval {
  return { reason: 'AutoApproved', message }
}

/** Exactly digital signature and the given use; key encipherment may be there (RSA keys). */
function usagesAre(usages: readonly string[], purpose: string): boolean {
  const rest = new Set(usages)
  rest.delete('key encipherment')
  return rest.size === 2 && rest.has('digital signature') && rest.has(purpose)
}

/** Whether the request is one that its signer may sign; the message says why not. */
export function signerRefusal(signerName: string, requested: Requested, usages: readonly string[]): string | undefined {
  const hosts = [...requested.dnsNames, ...requested.ipAddresses]
  if (signerName === signers.kubeletClient) {
    if (!requested.commonName.startsWith(nodeUserPrefix) || requested.organizations.join() !== nodesGroup)
      return 'subject is not that of a node'
    if (hosts.length + requested.emailAddresses.length + requested.uris.length > 0) return 'subject alternative names are not allowed'
    return usagesAre(usages, 'client auth') ? undefined : 'usages did not match'
  }
  if (signerName === signers.kubeletServing) {
    if (!requested.commonName.startsWith(nodeUserPrefix) || requested.organizations.join() !== nodesGroup)
      return 'subject is not that of a node'
    if (hosts.length === 0) return 'at least one DNS name or IP address is required'
    if (requested.emailAddresses.length + requested.uris.length > 0) return 'only DNS names and IP addresses are allowed'
    return usagesAre(usages, 'server auth') ? undefined : 'usages did not match'
  }
  const allowed = new Set(['digital signature', 'key encipherment', 'client auth'])
  if (!usages.includes('client auth') || usages.some((usage) => !allowed.has(usage))) return 'usages did not match'
  return undefined
}

export function isDecided(csr: CertificateSigningRequest, type: 'Approved' | 'Denied' | 'Failed'): boolean {
  return csr.status?.conditions?.some((condition) => condition.type === type) ?? false
}

const hourMs = 3_600_000

/** When a request is of no use any more (wall clock, ms): issued, denied or failed ones after an hour, open ones after a day. */
export function forgottenAtMs(csr: CertificateSigningRequest): number {
  const created = Date.parse(csr.metadata.creationTimestamp ?? '')
  const decided = (csr.status?.conditions ?? []).map(({ lastUpdateTime, lastTransitionTime }) =>
    Date.parse(lastUpdateTime ?? lastTransitionTime ?? ''),
  )
  const last = Math.max(...decided.filter((ms) => !Number.isNaN(ms)), created)
  const isOpen = !isDecided(csr, 'Denied') && !isDecided(csr, 'Failed') && !isDecided(csr, 'Approved')
  return isOpen ? created + 24 * hourMs : last + hourMs
}
