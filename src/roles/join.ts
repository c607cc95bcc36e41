/**
 * How an agent gets its identity: it trusts the server by the hash of its authority, asks for certificates with a bootstrap token,
 * keeps them, and renews them itself (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/).
 *  1. Nothing is sent to a server whose authority has not been checked.
 *  2. Private keys are made here and never leave.
 */
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { backoffMs } from '../base/backoff.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { quietLog } from '../base/quiet-log.ts'
import type { Random } from '../base/random.ts'
import { CliError } from '../cli/cli-error.ts'
import type { Client } from '../client/contract.ts'
import { createHttpClient } from '../client/http-client.ts'
import { certificateSigningRequests } from '../kinds/certificates/certificate-signing-request.ts'
import { nodes } from '../kinds/core/node.ts'
import { isStatus, StatusError } from '../machinery/status-error.ts'
import type { Taint } from '../kinds/generated/types/core-v1.ts'
import type { CertificateSigningRequest } from '../kinds/generated/types/certificates-v1.ts'
import { authorityHash, type CertifiedKey, coversHosts } from '../platform/pki/certificate.ts'
import { writeSecretFile } from '../platform/pki/cluster-pki.ts'
import { newSigningRequest } from '../platform/pki/signing-request.ts'
import { lifeLeft, renewShare } from './keys/certificate-renewal.ts'
import { pinnedAuthority, unreachableCode } from './keys/pinned-authority.ts'

export type NodeIdentity = { readonly ca: string; readonly client: CertifiedKey; readonly server: CertifiedKey }

export type JoinOptions = {
  readonly server: string
  readonly token: string | undefined
  readonly caHash: string | undefined
  readonly pkiDir: string
  readonly nodeName: string
  readonly addresses: readonly string[]
  /** Of a node that is new. */
  readonly taints: readonly Taint[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
}

const signTimeoutMs = 60_000

const retryBackoff = { initialMs: 500, maxMs: 15_000, factor: 2, jitter: 0.2 } as const
/** How often the same reason for waiting is told. */
const repeatMs = 60_000

/**
 * What is kept and still good needs no server. For the rest the agent waits as long as it takes: it starts with its machine, whenever
 * the server does. Rejects (CliError, StatusError) with what waiting does not mend: a wrong hash, a bad token, a refusal.
 */
export async function joinCluster(options: JoinOptions): Promise<NodeIdentity> {
  mkdirSync(options.pkiDir, { recursive: true, mode: 0o700 })
  const log = quietLog(options.log, options.clock, repeatMs)
  for (let failures = 0; ; failures++) {
    try {
      return await joinOnce(options)
    } catch (error) {
      if (options.signal.aborted || !mayPass(error)) throw error
      log.warn({ server: options.server, error: (error as Error).message }, 'the API server cannot be reached; trying again')
      await sleep(options.clock, backoffMs(retryBackoff, failures, options.random), options.signal)
    }
  }
}

/** No answer, or one that says "later". */
function mayPass(error: unknown): boolean {
  if (error instanceof CliError) return error.exitCode === unreachableCode
  return error instanceof StatusError && (error.code === 429 || error.code >= 500)
}

async function joinOnce(options: JoinOptions): Promise<NodeIdentity> {
  const ca = await trustedAuthority(options)
  const client = await clientCertificate(options, ca)
  const kept = keptServingCertificate(options)
  if (kept) return { ca, client, server: kept }
  const asNode = createHttpClient({ server: options.server, ca, cert: client.cert, key: client.key, clock: options.clock })
  try {
    await announceNode(options, asNode)
    return { ca, client, server: await servingCertificate(options, asNode) }
  } finally {
    asNode.close()
  }
}

/** The authority that was trusted before, or the one that the server shows when its hash is the one given. */
async function trustedAuthority(options: JoinOptions): Promise<string> {
  const file = join(options.pkiDir, 'ca.crt')
  if (existsSync(file)) {
    const known = readFileSync(file, 'utf8')
    if (options.caHash === undefined || authorityHash(known) === options.caHash) return known
  }
  if (options.caHash === undefined)
    throw new CliError("the server's authority is not known yet", {
      nextStep: 'give --ca-hash as `keelson token create` prints it',
      exitCode: 2,
    })
  const shown = await pinnedAuthority(options.server, options.caHash)
  writeSecretFile(file, shown)
  return shown
}

async function clientCertificate(options: JoinOptions, ca: string): Promise<CertifiedKey> {
  const kept = readPair(options.pkiDir, 'kubelet-client')
  const isOurs = kept && new X509Certificate(kept.cert).verify(new X509Certificate(ca).publicKey)
  if (isOurs && lifeLeft(kept, options.clock.now()) > renewShare) return kept
  if (isOurs && lifeLeft(kept, options.clock.now()) > 0) {
    const own = createHttpClient({ server: options.server, ca, cert: kept.cert, key: kept.key, clock: options.clock })
    try {
      return await requestClientCertificate(options, own)
    } finally {
      own.close()
    }
  }
  if (options.token === undefined)
    throw new CliError('this node has no certificate yet', { nextStep: 'give --token as `keelson token create` prints it', exitCode: 2 })
  const bootstrap = createHttpClient({ server: options.server, ca, token: options.token, clock: options.clock })
  try {
    return await requestClientCertificate(options, bootstrap)
  } finally {
    bootstrap.close()
  }
}

function requestClientCertificate(options: JoinOptions, client: Client): Promise<CertifiedKey> {
  return requestCertificate(options, client, {
    file: 'kubelet-client',
    signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    usages: ['digital signature', 'client auth'],
    hosts: [],
  })
}

/**
 * Makes sure that the Node object has this machine's addresses: a serving certificate is approved only for addresses that the
 * node has there. The agent fills in the rest when it runs.
 */
async function announceNode(options: JoinOptions, client: Client): Promise<void> {
  const resource = client.resource(nodes)
  try {
    const spec = options.taints.length > 0 ? { taints: [...options.taints] } : {}
    await resource.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: options.nodeName }, spec })
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error
  }
  const addresses = [
    ...options.addresses.map((address) => ({ type: 'InternalIP', address })),
    { type: 'Hostname', address: options.nodeName },
  ]
  await resource.patch(options.nodeName, { type: 'strategic', body: { status: { addresses } } }, { subresource: 'status' })
}

const servingHosts = ({ nodeName, addresses }: JoinOptions) => [nodeName, ...addresses]

function keptServingCertificate(options: JoinOptions): CertifiedKey | undefined {
  const kept = readPair(options.pkiDir, 'kubelet-server')
  return kept && lifeLeft(kept, options.clock.now()) > renewShare && coversHosts(kept.cert, servingHosts(options)) ? kept : undefined
}

function servingCertificate(options: JoinOptions, client: Client): Promise<CertifiedKey> {
  return requestCertificate(options, client, {
    file: 'kubelet-server',
    signerName: 'kubernetes.io/kubelet-serving',
    usages: ['digital signature', 'server auth'],
    hosts: servingHosts(options),
  })
}

type Usages = NonNullable<CertificateSigningRequest['spec']['usages']>
type Wanted = { readonly file: string; readonly signerName: string; readonly usages: Usages; readonly hosts: readonly string[] }

async function requestCertificate(options: JoinOptions, client: Client, wanted: Wanted): Promise<CertifiedKey> {
  const { request, key } = newSigningRequest(
    { commonName: `system:node:${options.nodeName}`, organizations: ['system:nodes'] },
    wanted.hosts,
  )
  const requests = client.resource(certificateSigningRequests)
  const created = await requests.create({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'csr-' },
    spec: { request: Buffer.from(request).toString('base64'), signerName: wanted.signerName, usages: [...wanted.usages] },
  })
  options.log.info({ request: created.metadata.name, signer: wanted.signerName }, 'waiting for the certificate')
  const cert = await untilSigned(options, client, created)
  const pair = { cert, key }
  writeSecretFile(join(options.pkiDir, `${wanted.file}.key`), key)
  writeSecretFile(join(options.pkiDir, `${wanted.file}.crt`), cert)
  return pair
}

async function untilSigned(options: JoinOptions, client: Client, created: CertificateSigningRequest): Promise<string> {
  const name = created.metadata.name!
  const requests = client.resource(certificateSigningRequests)
  const deadline = options.clock.monotonicMs() + signTimeoutMs
  for (let delayMs = 20; ; delayMs = Math.min(1000, delayMs * 2)) {
    const { status } = await requests.get(name)
    if (status?.certificate) return Buffer.from(status.certificate, 'base64').toString('utf8')
    const refusal = status?.conditions?.find((c) => c.type === 'Denied' || c.type === 'Failed')
    if (refusal) throw new CliError(`the certificate was refused: ${refusal.message ?? refusal.reason ?? refusal.type}`)
    if (options.clock.monotonicMs() > deadline)
      throw new CliError(`nobody signed the request ${name} in ${signTimeoutMs / 1000} s`, {
        nextStep: `kubectl certificate approve ${name}`,
      })
    await sleep(options.clock, delayMs, options.signal)
  }
}

function readPair(dir: string, file: string): CertifiedKey | undefined {
  const [certFile, keyFile] = [join(dir, `${file}.crt`), join(dir, `${file}.key`)]
  if (!existsSync(certFile) || !existsSync(keyFile)) return undefined
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}
