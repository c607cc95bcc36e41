import { defineKind } from '../define-kind.ts'
import type { CertificateSigningRequest } from '../generated/types/certificates-v1.ts'

export const certificateSigningRequests = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  shortNames: ['csr'],
})
