/** `keelson server`: the control plane on real time, files and sockets, with a node of its own where asked for. */
import { flushCompileCache } from 'node:module'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { createLoopShare } from '../apiserver/flowcontrol/loop-share.ts'
import { createHttpFront, type HttpFront } from '../apiserver/http/http-front.ts'
import { createDialer } from '../apiserver/reach/node-dialer.ts'
import { sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { CliError } from '../cli/cli-error.ts'
import { makeDataDir } from '../cli/data-dir.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { formatKubeconfig } from '../client/kubeconfig-text.ts'
import { deepEqual } from '../machinery/deep-equal.ts'
import { ClientMetrics } from '../client/client-metrics.ts'
import { pinoLog } from '../platform/pino-log.ts'
import { type ClusterPki, writeSecretFile } from '../platform/pki/cluster-pki.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import { StoreUnavailable } from '../store/contract.ts'
import { readAccessOptions } from './options/access-options.ts'
import { apiServerHosts, type ClusterNetwork, clusterNetworkOf, ofOneFamily } from './cluster-network.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { nodeUser } from './identity.ts'
import { machineAddress, machineAddresses, parseServerOptions, type ServerOptions } from './options/role-options.ts'
import { backupPath } from './backup/backup-path.ts'
import { encryptionFileOf } from './keys/configured-encryption.ts'
import { finishRestore } from './backup/finish-restore.ts'
import { keepCertificates } from './keys/keep-certificates.ts'
import { rememberedNetwork, rememberNetwork } from './node/kept-network.ts'
import { keyRingPaths, signingRingPaths } from './keys/key-ring-paths.ts'
import { serverHelp } from './options/server-flags.ts'
import { rememberedStore, serverBundlePath } from './server-bundle.ts'
import { namespacePrefix } from './node/node-paths.ts'
import { featureMetrics } from './options/feature-gates.ts'
import { processMetrics } from './process-metrics.ts'
import { openServerStore, type ServerKeys } from './server-store.ts'
import { parseStoreLocation, type StoreLocation } from './store-location.ts'
import type { SigningKeyPair } from '../apiserver/authn/signing-keys.ts'
import { writeServiceAccountKeys } from '../platform/pki/service-account-keys.ts'
import { createSimulatedDialer, type SimulatedDialer } from './simulated-dialer.ts'
import { stopSignal } from './stop-signal.ts'

const closeGraceMs = 5_000
/** So long the loops leave the machine to whoever waits for the first answer. */
const firstAnswerMs = 100
/** After so long what a start needs has been compiled, and is kept for the next one. */
const keepCodeMs = 5_000
/** A cluster that changes is looked at once in this time. */

/** `storeThread` is starting already. */
export async function serverMain(argv: readonly string[], storeThread: Worker): Promise<number> {
  const options = parseServerOptions(argv, process.getuid?.() === 0, process.env)
  if (!options) {
    process.stdout.write(serverHelp())
    return 0
  }
  // Whatever this process starts must not find the token in its environment.
  delete process.env.KEELSON_TOKEN
  const log = pinoLog({ level: options.logLevel })
  const server = await start(options, log, storeThread)
  await Promise.race([stopSignal().stopped, server.failed])
  log.info({}, 'stopping')
  await server.close()
  return 0
}

/** Throws CliError where the data directory cannot be written, or its store cannot be opened. */
async function start(options: ServerOptions, log: Log, storeThread: Worker): Promise<RunningServer> {
  const { dataDir } = options
  try {
    makeDataDir(dataDir)
    finishRestore(dataDir, { demandsCluster: true })
    if (options.join) await (await import('./join-server.ts')).joinAsServer({ ...options.join, dataDir, clock: systemClock })
    return await startServer(options, log, storeThread)
  } catch (error) {
    if (error instanceof StoreUnavailable) {
      throw new CliError(`cannot open the store in ${dataDir}`, { nextStep: error.message, cause: error })
    }
    const { code, message } = error as NodeJS.ErrnoException
    if (!unwritable.includes(code ?? '')) throw error
    throw new CliError(`cannot write in ${dataDir}`, { nextStep: message, cause: error })
  }
}

const unwritable = ['EROFS', 'EACCES', 'ENOSPC', 'EDQUOT']

/** `failed` rejects when what comes after the API could not be started. */
type RunningServer = { readonly failed: Promise<never>; close(): Promise<void> }

async function startServer(options: ServerOptions, log: Log, thread: Worker): Promise<RunningServer> {
  const { dataDir, listen } = options
  const clock = systemClock
  const random = systemRandom
  const address = options.nodeAddress ?? (options.runtime === 'fake' ? '127.0.0.1' : machineAddress())
  const location = options.store ?? storeOfJoined(dataDir)
  const keys = Promise.withResolvers<ServerKeys>()
  const opening = openServerStore({
    location,
    dataDir,
    keys: keys.promise,
    encryption: encryptionFileOf(options.access),
    network: options.network,
    thread,
    clock,
    random,
    log: log.child({ component: 'store' }),
  })
  // It opens while the certificates are looked through. What becomes of it is asked further down.
  opening.catch(() => {})
  const clientMetrics = new ClientMetrics()
  const access = await readAccessOptions(options.access, { clock, random, log: log.child({ component: 'apiserver' }), clientMetrics })
  let network = rememberedNetwork(dataDir) ?? clusterNetworkOf(options.network)
  const hosts = () => apiServerHosts(network, listen.host, [address, ...machineAddresses(), ...access.hosts])
  // Nobody holds a copy before the API is served.
  let onRenewed = () => {}
  const certificates = keepCertificates({ dir: join(dataDir, 'pki'), hosts, clock, log }, () => onRenewed())
  const { pki } = certificates
  keys.resolve({ authorityKey: pki.ca.key, serviceAccountKeys: pki.serviceAccount })
  const stored = await opening
  // The files follow the store: other tools read them, and so do servers that join.
  const keepFiles = (pair: SigningKeyPair) => writeServiceAccountKeys(join(dataDir, 'pki'), pair)
  keepFiles(stored.signing.pair)
  stored.signing.onChange(keepFiles)
  // A server that joined, or was restored, learns it from the store; it is in the certificate.
  const assumed = network
  network = stored.network
  if (options.runtime !== 'fake' && options.runtime !== 'none') ofOneFamily(network)
  demandRoom(access.controllers.nodeMaskBits, network)
  if (!deepEqual(assumed, network)) certificates.refresh()
  // A node of its own puts this machine on the pod network.
  const offPodNetwork = options.runtime === 'none' ? [network.podCidr, network.serviceCidr] : undefined
  const dialer = createDialer(identityOf(pki, 'apiserverKubeletClient'), { offPodNetwork })
  const peers = createDialer(identityOf(pki, 'frontProxyClient'))
  const simulated = options.runtime === 'fake' ? createSimulatedDialer(dialer) : undefined
  const advertised = listen.host === '0.0.0.0' || listen.host === '::' ? address : listen.host
  const frontProxyCa = pki.frontProxyCa.cert + (access.frontProxyCa ?? '')
  const requestHeaders = access.options.access?.requestHeaders
  // The API first: what acts is loaded when somebody has been answered.
  const served = Promise.withResolvers<void>()
  const controlPlane = await startControlPlane({
    ...access.options,
    store: stored.store,
    clock,
    random,
    log,
    serviceAccountKeys: pki.serviceAccount,
    signingRing: stored.signing,
    dialer: simulated?.dialer ?? dialer,
    loopShare: createLoopShare(clock),
    aggregator: {
      frontProxy: identityOf(pki, 'frontProxyClient'),
      authorities: { clientCa: pki.ca.cert, frontProxyCa, ...(requestHeaders ? { requestHeaders } : {}) },
    },
    readyChecks: stored.readyChecks,
    clientMetrics,
    moreMetrics: () => stored.metrics() + clientMetrics.text() + processMetrics() + featureMetrics(),
    paths: [
      keyRingPaths(stored.ring),
      signingRingPaths(stored.signing),
      backupPath(stored.inner),
      serverBundlePath({ pkiDir: join(dataDir, 'pki'), location }),
    ],
    ...(stored.isShared ? { shared: { identity: newIdentity(random), peers, whileLeading: stored.maintain } } : {}),
    // Loopback cannot be an endpoint: pods would reach themselves. Other servers on this machine reach it there all the same.
    ...(advertised.startsWith('127.') && !stored.isShared ? {} : { advertise: { address: advertised, port: listen.port } }),
    network,
    controllerFunctions: {
      ...controllerFunctionsOf(pki, { address: advertised, port: listen.port, signingMs: access.signingMs }),
      settings: access.controllers,
    },
    ...(await schedulingOf(options)),
    admission: options.admission,
    loops: async () => {
      await served.promise
      return import('./control-loops.ts')
    },
    pause: () => sleep(clock, 0),
  })
  const front = createHttpFront({
    handle: controlPlane.api.handle,
    upgrade: controlPlane.api.upgrade,
    tls: servingOf(pki, frontProxyCa),
    ...(access.goawayChance > 0 ? { goaway: { chance: access.goawayChance, random } } : {}),
    ...(requestHeaders ? { proxyHeaders: Object.values(requestHeaders).flat() } : {}),
    onHandshakeFailure: () => controlPlane.api.metrics.handshakeFailed(),
    clock,
    log: log.child({ component: 'apiserver' }),
  })
  const at = await listenAt(front, listen)
  writeAdminKubeconfig(options, pki, at.port)
  onRenewed = () => {
    front.renewCertificate()
    writeAdminKubeconfig(options, pki, at.port)
  }
  // For the machine's nodes, which come later.
  if (!deepEqual(rememberedNetwork(dataDir, pki.ca.cert), network)) rememberNetwork(dataDir, network, pki.ca.cert)
  void Promise.race([front.firstAnswer, sleep(clock, firstAnswerMs)]).then(served.resolve)
  let stopNodes: (() => Promise<void>) | undefined
  const starting = controlPlane.started.then(async () => {
    stopNodes = await startNodes(options, { controlPlane, pki, address, network, log, simulated })
  })
  // The first line makes the log's writer: whoever waits for the first answer or the first pod does not wait for that.
  const say = () => log.info({ listen: `${listen.host}:${at.port}` }, 'the API is served')
  void starting.then(say, say)
  const failed = new Promise<never>((_, reject) => void starting.catch(reject))
  failed.catch(() => {})
  const forgetCode = clock.schedule(keepCodeMs, flushCompileCache)
  return {
    failed,
    close: async () => {
      forgetCode()
      certificates.stop()
      await stopNodes?.()
      await controlPlane.close()
      // Nodes may have started just now.
      await starting.catch(() => {})
      await stopNodes?.()
      await front.close(closeGraceMs)
      await access.close()
      dialer.close()
      peers.close()
      await stored.close()
    },
  }
}

/** Throws CliError where a node's part of the pods' addresses is no part of them. */
function demandRoom(nodeMaskBits: number | undefined, { podCidr }: ClusterNetwork): void {
  const ofIpv4 = podCidr.split(',').find((range) => !range.includes(':')) ?? ''
  if (nodeMaskBits === undefined || nodeMaskBits > Number(ofIpv4.split('/')[1])) return
  throw new CliError(`cannot use --node-cidr-mask-size ${nodeMaskBits}`, { nextStep: `the pods' addresses are ${podCidr}`, exitCode: 2 })
}

function controllerFunctionsOf(
  pki: ClusterPki,
  at: { readonly address: string; readonly port: number; readonly signingMs: number | undefined },
) {
  return {
    rootCaPem: pki.ca.cert,
    signCertificate: certificateSigner(pki, at.signingMs),
    // A port that the system chooses is not known yet, and no cluster that others join.
    ...(at.port === 0 ? {} : { clusterInfo: { server: `https://${inUrl(at.address)}:${at.port}`, caPem: pki.ca.cert } }),
  }
}

async function schedulingOf({ scheduler: files, schedulers, rebalance, rebalanceConfig }: ServerOptions) {
  const isConfigured = files.configFile !== undefined || files.pluginFiles.length > 0
  const rebalances = rebalance !== undefined || rebalanceConfig !== undefined
  // Mostly neither, and then neither is loaded.
  const load = isConfigured || rebalances ? await import('./options/scheduler-options.ts') : undefined
  const scheduler = isConfigured ? await load?.loadSchedulerConfiguration(files) : undefined
  const rebalancer = rebalances ? await load?.loadRebalancerConfiguration(rebalanceConfig) : undefined
  return {
    ...(scheduler ? { scheduler } : {}),
    ...(schedulers === undefined ? {} : { schedulers }),
    ...(rebalancer ? { rebalance: { ...rebalancer, mode: rebalance ?? rebalancer.mode } } : {}),
  }
}

/** Unique among the servers, and fit for the name of a Lease. */
function newIdentity(random: Random): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
  return `${host}-${random.suffix(8)}`
}

async function listenAt(front: HttpFront, listen: ServerOptions['listen']): ReturnType<HttpFront['listen']> {
  return front.listen(listen).catch((error: NodeJS.ErrnoException) => {
    const nextStep = error.code === 'EADDRINUSE' ? 'another server is there; stop it, or give another --listen' : error.message
    throw new CliError(`cannot listen on ${listen.host}:${listen.port}`, { nextStep, cause: error })
  })
}

/** What the server shows to its clients, always of the moment. The authority goes along, so that a joining agent can check it by its hash. */
const servingOf = (pki: ClusterPki, frontProxyCa: string) => ({
  get certificate() {
    return pki.apiserver.cert + pki.ca.cert
  },
  get key() {
    return pki.apiserver.key
  },
  clientCa: pki.ca.cert,
  frontProxyCa,
})

/** What the server shows as a client, always of the moment. */
const identityOf = (pki: ClusterPki, name: 'apiserverKubeletClient' | 'frontProxyClient') => ({
  ca: pki.ca.cert,
  get certificate() {
    return pki[name].cert
  },
  get key() {
    return pki[name].key
  },
})

function storeOfJoined(dataDir: string): StoreLocation | undefined {
  const url = rememberedStore(dataDir)
  return url === undefined ? undefined : parseStoreLocation(url)
}

function certificateSigner(pki: ClusterPki, longestMs = certificateMs) {
  return async (
    requestPem: string,
    wanted: { readonly usages: readonly string[]; readonly expirationSeconds: number | undefined },
  ): Promise<string> => {
    const [{ parseSigningRequest, signRequest }, { validity }] = await Promise.all([
      import('../platform/pki/signing-request.ts'),
      import('../controllers/certificates/plan.ts'),
    ])
    const request = await parseSigningRequest(requestPem)
    if (!request) throw new Error('the request is not a valid certificate signing request')
    const usages = [
      ...(wanted.usages.includes('client auth') ? ['client' as const] : []),
      ...(wanted.usages.includes('server auth') ? ['server' as const] : []),
    ]
    const enciphersKeys = wanted.usages.includes('key encipherment')
    return signRequest(pki.ca, request, {
      usages,
      enciphersKeys,
      ...validity(wanted.expirationSeconds, { longestMs, nowMs: systemClock.now() }),
    })
  }
}

/** Upstream's default of --cluster-signing-duration. */
const certificateMs = 365 * 24 * 3_600_000

const inUrl = (host: string) => (host.includes(':') ? `[${host}]` : host)

/** The administrator's way in; `keelson up` waits for this file. */
function writeAdminKubeconfig(options: ServerOptions, pki: ClusterPki, port: number): void {
  const { host } = options.listen
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const text = formatKubeconfig({
    name: 'keelson',
    cluster: {
      server: `https://${inUrl(reachable)}:${port}`,
      'certificate-authority-data': base64(pki.ca.cert),
    },
    user: { 'client-certificate-data': base64(pki.admin.cert), 'client-key-data': base64(pki.admin.key) },
  })
  writeSecretFile(join(options.dataDir, 'admin.kubeconfig'), text, { isDerived: true })
}

type NodeParts = {
  readonly controlPlane: ControlPlane
  readonly pki: ClusterPki
  readonly address: string
  readonly network: ClusterNetwork
  readonly log: Log
  readonly simulated: SimulatedDialer | undefined
}

async function startNodes(options: ServerOptions, parts: NodeParts): Promise<() => Promise<void>> {
  if (options.runtime === 'none') return async () => {}
  if (options.runtime === 'fake') return startFakeNodes(options, parts)
  const { startOwnNode } = await import('./node/own-node.ts')
  return startOwnNode(options, parts)
}

async function startFakeNodes(options: ServerOptions, { controlPlane, log, simulated }: NodeParts): Promise<() => Promise<void>> {
  const { startSimulatedNodes } = await import('./simulated-nodes.ts')
  const stopping = new AbortController()
  // Of several servers each has nodes of its own.
  const prefix = options.nodeName ?? (rememberedStore(options.dataDir) === undefined ? 'node' : `${namespacePrefix(options.dataDir)}-node`)
  const nodes = startSimulatedNodes(
    {
      names: Array.from({ length: options.nodes }, (_, i) => `${prefix}-${i + 1}`),
      ...options.fakeNode,
      clientFor: (name) => controlPlane.api.clientFor(nodeUser(name)),
      clock: systemClock,
      random: systemRandom,
      log,
      shared: {
        pods: controlPlane.informers.informer(kindRefs.coreV1.pods),
        nodes: controlPlane.informers.informer(kindRefs.coreV1.nodes),
        takesTurns: true,
      },
      ...(simulated ? { dialer: simulated } : {}),
    },
    stopping.signal,
  )
  return async () => {
    stopping.abort(new Error('the server is stopping'))
    await Promise.allSettled(nodes.map((node) => node.done))
  }
}
