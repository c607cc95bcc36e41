/** X.509 certificates (RFC 5280) with ECDSA P-256, written directly: loading a library would cost a third of the start-up time. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'
import { bitString, boolean, integer, octetString, oid, pem, sequence, set, tagged, time, utf8String } from './der.ts'

/** A certificate with its private key, both in PEM (key as `keyToPem` writes it). */
export type CertifiedKey = { readonly cert: string; readonly key: string }

export type Subject = { readonly commonName: string; readonly organizations?: readonly string[] }

export type CertificateUsage = 'server' | 'client'

export type CertificateRequestFacts = {
  /** RSA keys may carry keys of others. */
  readonly enciphersKeys?: boolean
  readonly subject: Subject
  readonly usages: readonly CertificateUsage[]
  /** DNS names and IP addresses. */
  readonly hosts?: readonly string[]
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

/** An EC key by SEC 1 (RFC 5915): Java's clients tell from the title which algorithm it is, and take a PKCS #8 key for RSA. */
export function keyToPem(key: KeyObject): string {
  return key.export({ type: 'sec1', format: 'pem' }) as string
}

/** A self-signed authority. */
export function newAuthority(options: { commonName: string; notBeforeMs: number; notAfterMs: number }): CertifiedKey {
  const key = newKey()
  const publicKey = createPublicKey(key)
  const subject = { commonName: options.commonName }
  const cert = certificateDer({
    ...options,
    issuer: nameOf(subject),
    subject,
    publicKey,
    signer: key,
    authorityKeyId: keyId(publicKey),
    extensions: authorityExtensions(),
  })
  return { cert: pem('CERTIFICATE', cert), key: keyToPem(key) }
}

/** A leaf with a key of its own, signed by `authority`. */
export function issueCertificate(authority: CertifiedKey, facts: CertificateRequestFacts): CertifiedKey {
  const key = newKey()
  return { cert: signPublicKey(authority, createPublicKey(key), facts), key: keyToPem(key) }
}

/** A leaf for somebody else's public key (a certificate signing request), signed by `authority`; PEM. */
export function signPublicKey(authority: CertifiedKey, publicKey: KeyObject, facts: CertificateRequestFacts): string {
  const issuer = new X509Certificate(authority.cert)
  const signer = createPrivateKey(authority.key)
  // A leaf must not outlive its authority.
  const notAfterMs = Math.min(facts.notAfterMs, Date.parse(issuer.validTo))
  const der = certificateDer({
    ...facts,
    notAfterMs,
    issuer: subjectOf(issuer),
    publicKey,
    signer,
    authorityKeyId: keyId(issuer.publicKey),
    extensions: leafExtensions(facts),
  })
  return pem('CERTIFICATE', der)
}

/** SHA-256 of the authority's public key, as kubeadm's discovery pins it: `sha256:<hex>`. */
export function authorityHash(certPem: string): string {
  const spki = new X509Certificate(certPem).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`
}

/** Whether the certificate is one of each host (names and addresses). Node's own check for addresses throws for a name. */
export function coversHosts(certPem: string, hosts: readonly string[]): boolean {
  const certificate = new X509Certificate(certPem)
  return hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined)
}

/** When a certificate ends (wall clock, ms); undefined for a text that is none. */
export function certificateEndMs(certPem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(certPem).validTo)
  } catch {
    return undefined
  }
}

type Body = {
  readonly subject: Subject
  readonly issuer: Uint8Array
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly authorityKeyId: Uint8Array
  readonly extensions: readonly Uint8Array[]
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))

function certificateDer(body: Body): Buffer {
  const serial = randomBytes(16)
  serial[0]! &= 0x7f
  const tbs = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    body.issuer,
    sequence(time(body.notBeforeMs), time(body.notAfterMs)),
    nameOf(body.subject),
    body.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      0xa3,
      sequence(
        ...body.extensions,
        extension('2.5.29.14', octetString(keyId(body.publicKey))),
        extension('2.5.29.35', sequence(tagged(0x80, body.authorityKeyId))),
      ),
    ),
  )
  return sequence(tbs, ecdsaWithSha256, bitString(sign('sha256', tbs, body.signer)))
}

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octetString(value))
}

const keyUsage = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, crlSign: 0x02 } as const

function authorityExtensions(): Buffer[] {
  const usage = keyUsage.digitalSignature | keyUsage.keyCertSign | keyUsage.crlSign
  return [extension('2.5.29.19', sequence(boolean(true)), true), extension('2.5.29.15', bitString(Buffer.from([usage]), 1), true)]
}

const extendedUsages: Record<CertificateUsage, string> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }

function leafExtensions(facts: CertificateRequestFacts): Buffer[] {
  const hosts = facts.hosts ?? []
  const usage = keyUsage.digitalSignature | (facts.enciphersKeys ? keyUsage.keyEncipherment : 0)
  return [
    extension('2.5.29.19', sequence(), true),
    extension('2.5.29.15', bitString(Buffer.from([usage]), facts.enciphersKeys ? 5 : 7), true),
    extension('2.5.29.37', sequence(...facts.usages.map((u) => oid(extendedUsages[u])))),
    ...(hosts.length > 0 ? [alternativeNames(hosts)] : []),
  ]
}

/** The subjectAltName extension of DNS names and IP addresses. */
export function alternativeNames(hosts: readonly string[]): Buffer {
  return extension('2.5.29.17', sequence(...hosts.map(alternativeName)))
}

function alternativeName(host: string): Buffer {
  const version = isIP(host)
  if (version === 0) return tagged(0x82, Buffer.from(host, 'ascii'))
  return tagged(0x87, version === 4 ? Buffer.from(host.split('.').map(Number)) : ipv6Bytes(host))
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right]
  return Buffer.from(all.flatMap((g) => [Number.parseInt(g, 16) >> 8, Number.parseInt(g, 16) & 0xff]))
}

/** RDNSequence: organizations first, the common name last. */
export function nameOf(subject: Subject): Buffer {
  const attribute = (id: string, value: string) => set(sequence(oid(id), utf8String(value)))
  return sequence(...(subject.organizations ?? []).map((o) => attribute('2.5.4.10', o)), attribute('2.5.4.3', subject.commonName))
}

/** The authority's subject, rebuilt: ours hold a common name only. */
function subjectOf(certificate: X509Certificate): Buffer {
  const commonName = /(?:^|\n)CN=([^\n]*)/.exec(certificate.subject)?.[1]
  if (!commonName || /(?:^|\n)(?!CN=)/.test(certificate.subject))
    throw new Error(`an authority's subject must be a common name only, not ${JSON.stringify(certificate.subject)}`)
  return nameOf({ commonName })
}

/** RFC 5280 4.2.1.2 method 1: SHA-1 of the public key's bits. */
function keyId(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  // For P-256 the bit string is the last 65 bytes of the SubjectPublicKeyInfo.
  return createHash('sha1').update(spki.subarray(-65)).digest()
}
