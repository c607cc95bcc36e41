import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'

type Block = { readonly type: string; readonly text: string }

/** What is wrong with a certificate (the first of a chain) and its private key, both in PEM; undefined: they belong together. Words are Go's crypto/tls. */
export function keyPairFault(certificate: string, key: string): string | undefined {
  const certificateBlocks = blocksOf(certificate)
  const leaf = certificateBlocks.find(({ type }) => type === 'CERTIFICATE')
  if (!leaf) return certificateMissing(certificateBlocks)
  const keyBlocks = blocksOf(key)
  const at = keyBlocks.findIndex(({ type }) => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY'))
  if (at < 0) return keyMissing(keyBlocks)
  const parsed = parse(() => new X509Certificate(leaf.text))
  if (!parsed) return 'x509: malformed certificate'
  const privateKey = parse(() => createPrivateKey(keyBlocks[at]!.text))
  if (!privateKey) return 'tls: failed to parse private key'
  return mismatch(parsed.publicKey, privateKey)
}

function certificateMissing(blocks: readonly Block[]): string {
  if (blocks.length === 0) return 'tls: failed to find any PEM data in certificate input'
  if (blocks.length === 1 && blocks[0]!.type.endsWith('PRIVATE KEY'))
    return 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${typesOf(blocks)}`
}

function keyMissing(blocks: readonly Block[]): string {
  if (blocks.length === 0) return 'tls: failed to find any PEM data in key input'
  if (blocks.length === 1 && blocks[0]!.type === 'CERTIFICATE')
    return 'tls: found a certificate rather than a key in the PEM for the private key'
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${typesOf(blocks)}`
}

function mismatch(publicKey: KeyObject, privateKey: KeyObject): string | undefined {
  if (publicKey.asymmetricKeyType !== privateKey.asymmetricKeyType) return 'tls: private key type does not match public key type'
  return createPublicKey(privateKey).equals(publicKey) ? undefined : 'tls: private key does not match public key'
}

function blocksOf(pem: string): Block[] {
  const blocks = pem.matchAll(/-----BEGIN ([^-\n]+)-----\r?\n[\s\S]*?-----END \1-----/g)
  return [...blocks].map(([text, type = '']) => ({ type, text }))
}

const typesOf = (blocks: readonly Block[]) => `[${blocks.map(({ type }) => type).join(' ')}]`

function parse<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
