/**
 * The keys of service accounts' tokens on disk, with kubeadm's names: `sa.key` signs, `sa.pub` holds every public key whose tokens are
 * taken, the signer's first. A new public key is written before its private one: whichever of the two a crash leaves, every token
 * that was signed is still taken.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { readTextFile } from '../text-file.ts'
import { writeSecretFile } from './cluster-pki.ts'

const publicPem = /-----BEGIN [A-Z ]*PUBLIC KEY-----[\s\S]+?-----END [A-Z ]*PUBLIC KEY-----\n?/g

/** Gives the ids of all keys, the new signer's first. */
export function rotateServiceAccountKeys(dir: string): readonly string[] {
  const fresh = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  writeSecretFile(join(dir, 'sa.pub'), [fresh.publicKey, ...publicKeys(dir)].join(''))
  writeSecretFile(join(dir, 'sa.key'), fresh.privateKey)
  return serviceAccountKeyIds(dir)
}

/** Keeps the signer's public key alone. */
export function dropOldServiceAccountKeys(dir: string): readonly string[] {
  const [signer] = publicKeys(dir)
  if (signer) writeSecretFile(join(dir, 'sa.pub'), signer)
  return serviceAccountKeyIds(dir)
}

/** The keys' ids as tokens name them (`kid`), the signer's first. */
export function serviceAccountKeyIds(dir: string): readonly string[] {
  return publicKeys(dir).map((pem) => keyId(createPublicKey(pem)))
}

/** PEM, the signer's first whatever their order in the file. */
function publicKeys(dir: string): string[] {
  const privatePem = readTextFile(join(dir, 'sa.key'))
  const listed = [...(readTextFile(join(dir, 'sa.pub')) ?? '').matchAll(publicPem)].map(([pem]) => (pem.endsWith('\n') ? pem : `${pem}\n`))
  if (privatePem === undefined) return listed
  const signer = createPublicKey(createPrivateKey(privatePem))
  const others = listed.filter((pem) => keyId(createPublicKey(pem)) !== keyId(signer))
  return [signer.export({ type: 'spki', format: 'pem' }) as string, ...others]
}

function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
}
