/** Certificate signing requests (PKCS #10, RFC 2986): made here, and read — being untrusted — by a library that is loaded on first use. */
import { constants, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { isIP } from 'node:net'
import {
  type CertifiedKey,
  type CertificateUsage,
  type Subject,
  alternativeNames,
  keyToPem,
  nameOf,
  newKey,
  signPublicKey,
} from './certificate.ts'
import { bitString, firstOf, integer, oid, pem, sequence, set, tagged } from './der.ts'

/** A new key and a request for a certificate on it, both PEM. `hosts` are DNS names and IP addresses. */
export function newSigningRequest(subject: Subject, hosts: readonly string[] = []): { readonly request: string; readonly key: string } {
  const key = newKey()
  const attributes = hosts.length === 0 ? [] : [sequence(oid('1.2.840.113549.1.9.14'), set(sequence(alternativeNames(hosts))))]
  const info = sequence(
    integer(Buffer.from([0])),
    nameOf(subject),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    tagged(0xa0, ...attributes),
  )
  const der = sequence(info, sequence(oid('1.2.840.10045.4.3.2')), bitString(sign('sha256', info, key)))
  return { request: pem('CERTIFICATE REQUEST', der), key: keyToPem(key) }
}

export type SigningRequest = {
  readonly subject: { readonly commonName: string; readonly organizations: readonly string[] }
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly emailAddresses: readonly string[]
  readonly uris: readonly string[]
  readonly publicKey: KeyObject
}

/** Undefined for anything that is not one well-formed request whose signature holds. */
export async function parseSigningRequest(requestPem: string): Promise<SigningRequest | undefined> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  try {
    const request = new x509.Pkcs10CertificateRequest(requestPem)
    const publicKey = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
    if (!isSigned(request, publicKey)) return undefined
    const names = request.extensions.find((e) => e instanceof x509.SubjectAlternativeNameExtension)?.names.items ?? []
    const ofType = (type: string) => names.filter((n) => n.type === type).map((n) => n.value)
    return {
      subject: { commonName: request.subjectName.getField('CN').at(-1) ?? '', organizations: request.subjectName.getField('O') },
      dnsNames: ofType('dns'),
      ipAddresses: ofType('ip').filter((a) => isIP(a) !== 0),
      emailAddresses: ofType('email'),
      uris: ofType('url'),
      publicKey,
    }
  } catch {
    return undefined
  }
}

type Signed = {
  readonly rawData: ArrayBuffer
  readonly signature: ArrayBuffer
  readonly signatureAlgorithm: { readonly name?: string; readonly hash?: { readonly name: string } }
}

/** At once: a wait for another thread would be real time, which a cluster under the virtual clock does not have. */
function isSigned({ rawData, signature, signatureAlgorithm: { name, hash } }: Signed, publicKey: KeyObject): boolean {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
  const key = name === 'RSA-PSS' ? { key: publicKey, ...pss } : publicKey
  return verify(hash?.name ?? null, firstOf(Buffer.from(rawData)), key, Buffer.from(signature))
}

/** Signs a request as it stands: whether it may be signed has been decided before. */
export function signRequest(
  authority: CertifiedKey,
  request: SigningRequest,
  options: { usages: readonly CertificateUsage[]; enciphersKeys?: boolean; notBeforeMs: number; notAfterMs: number },
): string {
  const hosts = [...request.dnsNames, ...request.ipAddresses]
  return signPublicKey(authority, request.publicKey, { subject: request.subject, hosts, ...options })
}
