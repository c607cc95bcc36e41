/** `keelson server`: the control plane on real time, files and sockets, with a node of its own where asked for. */
import { mkdirSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createValueEncryption, encryptedStore, reencrypt, type ValueEncryption } from '../apiserver/encryption.ts'
import { createLoopShare } from '../apiserver/flowcontrol/loop-share.ts'
import { createHttpFront } from '../apiserver/http-front.ts'
import { createDialer } from '../apiserver/node-dialer.ts'
import type { Log } from '../base/log.ts'
import { CliError } from '../cli/cli-error.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { formatKubeconfig } from '../client/kubeconfig.ts'
import { pinoLog } from '../platform/pino-log.ts'
import { type ClusterPki, ensureClusterPki, writeSecretFile } from '../platform/pki/cluster-pki.ts'
import { dropOldEncryptionKeys, ensureEncryptionKeys } from '../platform/pki/encryption-keys.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import type { Store } from '../store/contract.ts'
import { startCompactor } from '../store/compactor.ts'
import { measuredStore } from '../store/measured-store.ts'
import { readAccessOptions } from './access-options.ts'
import { apiServerHosts } from './cluster-network.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { nodeUser } from './identity.ts'
import { machineAddress, machineAddresses, parseServerOptions, serverHelp, type ServerOptions } from './role-options.ts'
import { openStore } from './open-store.ts'
import { loadSchedulerConfiguration } from './scheduler-options.ts'
import { createSimulatedDialer, type SimulatedDialer } from './simulated-dialer.ts'
import { startSimulatedNodes } from './simulated-nodes.ts'
import { stopSignal } from './stop-signal.ts'

const closeGraceMs = 5_000
/** What is encrypted at rest: everything that Kubernetes calls secret. */
const encryptedPrefixes = ['/registry/core/secrets/']

export async function serverMain(argv: readonly string[]): Promise<number> {
  const options = parseServerOptions(argv, process.getuid?.() === 0)
  if (!options) {
    process.stdout.write(serverHelp)
    return 0
  }
  const log = pinoLog({ level: options.logLevel })
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const server = await startServer(options, log)
  await stopSignal().stopped
  log.info({}, 'stopping')
  await server.close()
  return 0
}

type RunningServer = { close(): Promise<void> }

async function startServer(options: ServerOptions, log: Log): Promise<RunningServer> {
  const { dataDir, listen } = options
  const clock = systemClock
  const random = systemRandom
  const address = options.nodeAddress ?? (options.runtime === 'fake' ? '127.0.0.1' : machineAddress())
  const pki = ensureClusterPki({
    dir: join(dataDir, 'pki'),
    hosts: apiServerHosts(listen.host, [address, ...machineAddresses()]),
    nowMs: clock.now(),
  })
  const encryptionFile = join(dataDir, 'pki', 'encryption.json')
  const encryptionKeys = ensureEncryptionKeys(encryptionFile)
  const encryption = createValueEncryption(encryptionKeys)
  const storeLog = log.child({ component: 'store' })
  const opened = await openStore(options.store, { dataDir, clock, random, log: storeLog })
  // A server that shares its store cannot know whether another still writes with the older key: it keeps both.
  if (encryptionKeys.length > 1 && !opened.isShared) await finishRotation(opened.store, encryption, { file: encryptionFile, log })
  const measured = measuredStore(opened.store, clock)
  const store = encryptedStore(measured.store, encryption, encryptedPrefixes)
  const compact = () => startCompactor({ store, clock, log: storeLog })
  // Of several servers the one that leads compacts.
  const stopCompactor = opened.isShared ? undefined : compact()
  const dialer = createDialer({ ca: pki.ca.cert, certificate: pki.apiserverKubeletClient.cert, key: pki.apiserverKubeletClient.key })
  const simulated = options.runtime === 'fake' ? createSimulatedDialer(dialer) : undefined
  const advertised = listen.host === '0.0.0.0' || listen.host === '::' ? address : listen.host
  const scheduler = await loadSchedulerConfiguration(options.scheduler)
  const access = await readAccessOptions(options.access, { clock, random, log: log.child({ component: 'apiserver' }) })
  const frontProxyCa = pki.frontProxyCa.cert + (access.frontProxyCa ?? '')
  const requestHeaders = access.options.access?.requestHeaders
  const controlPlane = await startControlPlane({
    ...access.options,
    store,
    clock,
    random,
    log,
    serviceAccountKeys: pki.serviceAccount,
    dialer: simulated?.dialer ?? dialer,
    loopShare: createLoopShare(clock),
    aggregator: {
      frontProxy: { certificate: pki.frontProxyClient.cert, key: pki.frontProxyClient.key },
      authorities: { clientCa: pki.ca.cert, frontProxyCa, ...(requestHeaders ? { requestHeaders } : {}) },
    },
    readyChecks: opened.readyChecks,
    moreMetrics: measured.text,
    ...(opened.isShared
      ? {
          shared: {
            identity: `${hostname()
              .toLowerCase()
              .replace(/[^a-z0-9-]/g, '-')}-${random.suffix(8)}`,
            whileLeading: (signal: AbortSignal) => signal.addEventListener('abort', compact(), { once: true }),
          },
        }
      : {}),
    // Loopback cannot be an endpoint: pods would reach themselves.
    ...(advertised.startsWith('127.') ? {} : { advertise: { address: advertised, port: listen.port } }),
    controllerFunctions: { rootCaPem: pki.ca.cert, signCertificate: certificateSigner(pki) },
    ...(scheduler ? { scheduler } : {}),
    ...(options.schedulers === undefined ? {} : { schedulers: options.schedulers }),
    admission: options.admission,
  })
  const front = createHttpFront({
    handle: controlPlane.api.handle,
    upgrade: controlPlane.api.upgrade,
    // The authority goes along, so that a joining agent can check it by its hash.
    tls: {
      certificate: pki.apiserver.cert + pki.ca.cert,
      key: pki.apiserver.key,
      clientCa: pki.ca.cert,
      frontProxyCa,
    },
    ...(requestHeaders ? { proxyHeaders: Object.values(requestHeaders).flat() } : {}),
    clock,
    log: log.child({ component: 'apiserver' }),
  })
  const at = await front.listen(listen).catch((error: NodeJS.ErrnoException) => {
    const nextStep = error.code === 'EADDRINUSE' ? 'another server is there; stop it, or give another --listen' : error.message
    throw new CliError(`cannot listen on ${listen.host}:${listen.port}`, { nextStep, cause: error })
  })
  writeAdminKubeconfig(options, pki, at.port)
  log.info({ listen: `${listen.host}:${at.port}` }, 'the API is served')
  flushCompileCache()
  const stopNodes = await startNodes(options, { controlPlane, pki, address, log, simulated })
  return {
    close: async () => {
      await stopNodes()
      await controlPlane.close()
      await front.close(closeGraceMs)
      await access.close()
      dialer.close()
      stopCompactor?.()
      await store.close()
    },
  }
}

/**
 * What `keelson keys rotate` began: everything is written anew with the first key, the past with the old ones is forgotten, and only
 * then are these dropped. Cut short anywhere, the next start begins again; until the end every value has its key in the file.
 */
async function finishRotation(disk: Store, encryption: ValueEncryption, { file, log }: { file: string; log: Log }): Promise<void> {
  const values = await reencrypt(disk, encryption, encryptedPrefixes)
  await disk.compact(disk.revision)
  dropOldEncryptionKeys(file)
  log.info({ values }, 'what is encrypted at rest was written anew with the newest key')
}

function certificateSigner(pki: ClusterPki) {
  return async (
    requestPem: string,
    wanted: { readonly usages: readonly string[]; readonly expirationSeconds: number | undefined },
  ): Promise<string> => {
    const { parseSigningRequest, signRequest } = await import('../platform/pki/signing-request.ts')
    const request = await parseSigningRequest(requestPem)
    if (!request) throw new Error('the request is not a valid certificate signing request')
    const usages = [
      ...(wanted.usages.includes('client auth') ? ['client' as const] : []),
      ...(wanted.usages.includes('server auth') ? ['server' as const] : []),
    ]
    const seconds = Math.min(wanted.expirationSeconds ?? certificateSeconds, certificateSeconds)
    const nowMs = systemClock.now()
    return signRequest(pki.ca, request, { usages, notBeforeMs: nowMs - 5 * 60_000, notAfterMs: nowMs + seconds * 1000 })
  }
}

const certificateSeconds = 365 * 24 * 3600

/** The administrator's way in; `keelson up` waits for this file. */
function writeAdminKubeconfig(options: ServerOptions, pki: ClusterPki, port: number): void {
  const { host } = options.listen
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const text = formatKubeconfig({
    name: 'keelson',
    cluster: {
      server: `https://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`,
      'certificate-authority-data': base64(pki.ca.cert),
    },
    user: { 'client-certificate-data': base64(pki.admin.cert), 'client-key-data': base64(pki.admin.key) },
  })
  writeSecretFile(join(options.dataDir, 'admin.kubeconfig'), text)
}

type NodeParts = {
  readonly controlPlane: ControlPlane
  readonly pki: ClusterPki
  readonly address: string
  readonly log: Log
  readonly simulated: SimulatedDialer | undefined
}

async function startNodes(options: ServerOptions, parts: NodeParts): Promise<() => Promise<void>> {
  if (options.runtime === 'none') return async () => {}
  if (options.runtime === 'fake') return startFakeNodes(options, parts)
  const { startOwnNode } = await import('./own-node.ts')
  return startOwnNode(options, parts)
}

function startFakeNodes(options: ServerOptions, { controlPlane, log, simulated }: NodeParts): () => Promise<void> {
  const stopping = new AbortController()
  const nodes = startSimulatedNodes(
    {
      names: Array.from({ length: options.nodes }, (_, i) => `node-${i + 1}`),
      clientFor: (name) => controlPlane.api.clientFor(nodeUser(name)),
      clock: systemClock,
      random: systemRandom,
      log,
      shared: {
        pods: controlPlane.informers.informer(kindRefs.coreV1.pods),
        nodes: controlPlane.informers.informer(kindRefs.coreV1.nodes),
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
