import { X509Certificate } from 'node:crypto'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../contract.ts'

const uidAttribute = '1.3.6.1.4.1.57683.2'

/** What the client of a connection showed, with the authority that vouches for it. Undefined: it showed nothing. */
export function clientCertificateOf(
  socket: TLSSocket,
  authorities: { readonly clientCa: string; readonly frontProxyCa?: string },
): ClientCertificate | undefined {
  const certificate = socket.getPeerCertificate(true)
  if (!certificate || Object.keys(certificate).length === 0) return undefined
  const subject = certificate.subject as unknown as Readonly<Record<string, string | string[] | undefined>>
  return {
    commonName: all(subject.CN).at(-1) ?? '',
    organizations: all(subject.O),
    uids: all(subject[uidAttribute]),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notAfterMs: Date.parse(certificate.valid_to),
    // TLS has checked chain, purpose and dates against both authorities together; which of the two it was is found here.
    authority: socket.authorized ? authorityOf(certificate, authorities) : 'none',
  }
}

const all = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])

function authorityOf(
  leaf: PeerCertificate & { readonly issuerCertificate?: unknown },
  { clientCa, frontProxyCa }: { readonly clientCa: string; readonly frontProxyCa?: string },
): NonNullable<ClientCertificate['authority']> {
  if (frontProxyCa === undefined) return 'client'
  const top = new X509Certificate(topOf(leaf).raw)
  const isFrom = (bundle: string) =>
    certificatesOf(bundle).some((ca) => ca.raw.equals(top.raw) || (top.checkIssued(ca) && top.verify(ca.publicKey)))
  if (isFrom(clientCa)) return 'client'
  return isFrom(frontProxyCa) ? 'front-proxy' : 'none'
}

const chainMax = 10

function topOf(leaf: PeerCertificate): PeerCertificate {
  let top = leaf as PeerCertificate & { issuerCertificate?: PeerCertificate }
  for (let i = 0; i < chainMax; i++) {
    const issuer = top.issuerCertificate
    if (!issuer?.raw || issuer.fingerprint256 === top.fingerprint256) break
    top = issuer
  }
  return top
}

const certificatesOf = (bundle: string) =>
  [...bundle.matchAll(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g)].map(([pem]) => new X509Certificate(pem))
