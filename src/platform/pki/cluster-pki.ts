/** The cluster's certificates and keys as files, with kubeadm's names, mode 0600 in a folder of mode 0700. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type CertifiedKey, coversHosts, type Subject, issueCertificate, newAuthority } from './certificate.ts'

export type ClusterPki = {
  /** Signs everything in the cluster: servers, clients, nodes. */
  readonly ca: CertifiedKey
  /** Signs the identity that the API server shows to aggregated API servers. */
  readonly frontProxyCa: CertifiedKey
  readonly frontProxyClient: CertifiedKey
  readonly apiserver: CertifiedKey
  /** What the API server shows to node agents. */
  readonly apiserverKubeletClient: CertifiedKey
  readonly admin: CertifiedKey
  readonly controllerManager: CertifiedKey
  readonly scheduler: CertifiedKey
  /** PEM pair that service-account tokens are signed with. */
  readonly serviceAccount: { readonly privateKey: string; readonly publicKey: string }
}

const dayMs = 24 * 3600 * 1000
const authorityDays = 3650
/** Clocks of machines differ: certificates are valid from a little before their making. */
const backdateMs = 5 * 60 * 1000

/** How long leaves are good for, and with how little left they are renewed. */
export type LeafLife = { readonly lifeMs: number; readonly renewMs: number }
export const defaultLeafLife: LeafLife = { lifeMs: 365 * dayMs, renewMs: 60 * dayMs }

/** The certificates that are renewed. */
export const leafNames = ['frontProxyClient', 'apiserver', 'apiserverKubeletClient', 'admin', 'controllerManager', 'scheduler'] as const

type LeafRecipe = {
  readonly file: string
  readonly authority: 'ca' | 'front-proxy-ca'
  readonly subject: Subject
  readonly usage: 'server' | 'client'
  readonly hosts?: readonly string[]
}

/**
 * Reads the cluster's certificates from `dir`, making what is missing, near its expiry, or lacks one of `hosts` (names and addresses
 * that the API server is reached by). Throws when a file is there but unreadable: an authority is never replaced silently. Its leaves are:
 * they can be made anew, so nobody waits for the disk to have them, and a crash of the machine may cut them short.
 */
export function ensureClusterPki(options: { dir: string; hosts: readonly string[]; nowMs: number; life?: LeafLife }): ClusterPki {
  const { dir, nowMs, life = defaultLeafLife } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  chmodSync(dir, 0o700)
  const authorities = {
    ca: ensureAuthority(dir, 'ca', 'kubernetes', nowMs),
    'front-proxy-ca': ensureAuthority(dir, 'front-proxy-ca', 'front-proxy-ca', nowMs),
  }
  const leaf = (recipe: LeafRecipe) => ensureLeaf(dir, recipe, authorities[recipe.authority], { nowMs, ...life })
  const client = (file: string, commonName: string, organizations: readonly string[] = []) =>
    leaf({ file, authority: 'ca', subject: { commonName, organizations }, usage: 'client' })
  return {
    ca: authorities.ca,
    frontProxyCa: authorities['front-proxy-ca'],
    frontProxyClient: leaf({
      file: 'front-proxy-client',
      authority: 'front-proxy-ca',
      subject: { commonName: 'front-proxy-client' },
      usage: 'client',
    }),
    apiserver: leaf({
      file: 'apiserver',
      authority: 'ca',
      subject: { commonName: 'kube-apiserver' },
      usage: 'server',
      hosts: options.hosts,
    }),
    apiserverKubeletClient: client('apiserver-kubelet-client', 'kube-apiserver-kubelet-client', ['keelson:kubelet-api']),
    admin: client('admin', 'kubernetes-admin', ['keelson:cluster-admins']),
    controllerManager: client('controller-manager', 'system:kube-controller-manager'),
    scheduler: client('scheduler', 'system:kube-scheduler'),
    serviceAccount: ensureServiceAccountKeys(dir),
  }
}

function ensureAuthority(dir: string, file: string, commonName: string, nowMs: number): CertifiedKey {
  const existing = readPair(dir, file)
  if (existing) return existing
  // The certificate is written last: one without its key is not a making cut short, but a key that was lost or is kept elsewhere.
  if (existsSync(join(dir, `${file}.crt`)))
    throw new Error(`${join(dir, file)}.crt has no ${file}.key beside it: put the key back, or remove both`)
  return writePair(dir, file, newAuthority({ commonName, notBeforeMs: nowMs - backdateMs, notAfterMs: nowMs + authorityDays * dayMs }))
}

type At = LeafLife & { readonly nowMs: number }

function ensureLeaf(dir: string, recipe: LeafRecipe, authority: CertifiedKey, at: At): CertifiedKey {
  const existing = readPair(dir, recipe.file)
  if (existing && isStillGood(existing, recipe, authority, at)) return existing
  const { subject, usage, hosts } = recipe
  const facts = {
    subject,
    usages: [usage],
    ...(hosts ? { hosts } : {}),
    notBeforeMs: at.nowMs - backdateMs,
    notAfterMs: at.nowMs + at.lifeMs,
  }
  return writePair(dir, recipe.file, issueCertificate(authority, facts), { isDerived: true })
}

function isStillGood(pair: CertifiedKey, recipe: LeafRecipe, authority: CertifiedKey, { nowMs, renewMs }: At): boolean {
  const certificate = readCertificate(pair.cert)
  if (!certificate || !wholeKey.test(pair.key)) return false
  if (Date.parse(certificate.validTo) - nowMs < renewMs) return false
  if (!certificate.verify(new X509Certificate(authority.cert).publicKey)) return false
  return coversHosts(pair.cert, recipe.hosts ?? [])
}

const wholeKey = /-----END [A-Z ]*PRIVATE KEY-----\s*$/

/** Undefined for a text that is none. */
function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function ensureServiceAccountKeys(dir: string): ClusterPki['serviceAccount'] {
  const privateFile = join(dir, 'sa.key')
  const publicFile = join(dir, 'sa.pub')
  if (existsSync(privateFile) && existsSync(publicFile))
    return { privateKey: readFileSync(privateFile, 'utf8'), publicKey: readFileSync(publicFile, 'utf8') }
  const pair = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  writeSecretFile(publicFile, pair.publicKey)
  writeSecretFile(privateFile, pair.privateKey)
  return pair
}

function readPair(dir: string, file: string): CertifiedKey | undefined {
  const [certFile, keyFile] = [join(dir, `${file}.crt`), join(dir, `${file}.key`)]
  if (!existsSync(certFile) || !existsSync(keyFile)) return undefined
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}

/** The key first: a certificate without its key would be taken for a whole pair by nobody. */
function writePair(dir: string, file: string, pair: CertifiedKey, options?: { readonly isDerived: boolean }): CertifiedKey {
  writeSecretFile(join(dir, `${file}.key`), pair.key, options)
  writeSecretFile(join(dir, `${file}.crt`), pair.cert, options)
  return pair
}

/**
 * Written beside, synced, then renamed: a crash leaves the old file or the new one. `isDerived`: not synced, because what a crash of the
 * machine cuts short is made anew from other files.
 */
export function writeSecretFile(path: string, text: string, { isDerived }: { readonly isDerived: boolean } = { isDerived: false }): void {
  const staging = `${path}.new`
  const file = openSync(staging, 'w', 0o600)
  try {
    writeSync(file, text)
    if (!isDerived) fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(staging, path)
}
