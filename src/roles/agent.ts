/** `keelson agent`: a node of a cluster whose control plane is elsewhere. */
import { hostname } from 'node:os'
import type { Log } from '../base/log.ts'
import { makeDataDir } from '../cli/data-dir.ts'
import { ClientMetrics } from '../client/client-metrics.ts'
import { createHttpClient } from '../client/http-client.ts'
import { agentVersion } from '../node/node-status/node-status.ts'
import { pinoLog } from '../platform/pino-log.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import { renewedIdentity } from './keys/certificate-renewal.ts'
import { joinCluster, type NodeIdentity } from './join.ts'
import { ofOneFamily } from './cluster-network.ts'
import { networkOfNode } from './node/kept-network.ts'
import { startMachineNode } from './node/machine-node.ts'
import { nodePaths } from './node/node-paths.ts'
import { rememberNode } from './node/own-node.ts'
import { agentHelp, type AgentOptions, machineAddress, parseAgentOptions } from './options/role-options.ts'
import { stopSignal } from './stop-signal.ts'

export async function agentMain(argv: readonly string[]): Promise<number> {
  const options = parseAgentOptions(argv, process.env)
  if (!options) {
    process.stdout.write(agentHelp)
    return 0
  }
  // Whatever this process starts must not find the token in its environment.
  delete process.env.KEELSON_TOKEN
  const log = pinoLog({ level: options.logLevel })
  makeDataDir(options.dataDir)
  const { stopped, release } = stopSignal()
  const stopping = new AbortController()
  void stopped.then(() => stopping.abort(new Error('the agent is stopping')))
  try {
    const metrics = new ClientMetrics()
    let identity: NodeIdentity | undefined = await identityOf(options, log, stopping.signal)
    // A renewed certificate starts the node's loops anew; its containers notice nothing.
    while (identity) identity = await runUntilRenewed(identity, options, { log, metrics, stopping })
  } catch (error) {
    if (!stopping.signal.aborted) throw error
  } finally {
    release()
  }
  return 0
}

/** What is kept and still good, or got from the server. */
function identityOf(options: AgentOptions, log: Log, signal: AbortSignal): Promise<NodeIdentity> {
  const { server, token, caHash } = options
  return joinCluster({
    server,
    token,
    caHash,
    pkiDir: nodePaths(options.dataDir, options.registriesDir).pkiDir,
    nodeName: nodeNameOf(options),
    addresses: [addressOf(options)],
    taints: options.settings.taints,
    clock: systemClock,
    random: systemRandom,
    log,
    signal,
  })
}

const nodeNameOf = (options: AgentOptions) => options.nodeName ?? hostname().toLowerCase()
const addressOf = (options: AgentOptions) => options.nodeAddress ?? machineAddress()

/** Gives the next identity, or undefined when the agent shall stop. */
async function runUntilRenewed(
  identity: NodeIdentity,
  options: AgentOptions,
  { log, metrics, stopping }: { readonly log: Log; readonly metrics: ClientMetrics; readonly stopping: AbortController },
): Promise<NodeIdentity | undefined> {
  const nodeName = nodeNameOf(options)
  rememberNode(options.dataDir, nodeName, options.runtimeEndpoint)
  const client = createHttpClient({
    server: options.server,
    ca: identity.ca,
    cert: identity.client.cert,
    key: identity.client.key,
    userAgent: `kubelet/${agentVersion}`,
    clock: systemClock,
    metrics,
  })
  const ending = new AbortController()
  const signal = AbortSignal.any([ending.signal, stopping.signal])
  const where = { dataDir: options.dataDir, cluster: identity.ca }
  const network = ofOneFamily(await networkOfNode({ client, clock: systemClock, random: systemRandom, log }, where, signal))
  let renewalErrors = 0
  const node = startMachineNode({
    network,
    client,
    nodeName,
    address: addressOf(options),
    paths: nodePaths(options.dataDir, options.registriesDir),
    serving: identity.server,
    clientCa: identity.ca,
    clientCertificate: identity.client.cert,
    clientMetrics: metrics,
    renewalErrors: () => renewalErrors,
    runtimeEndpoint: options.runtimeEndpoint,
    settings: options.settings,
    clock: systemClock,
    random: systemRandom,
    log,
  })
  const renew = () => identityOf(options, log, signal)
  try {
    const renewed = renewedIdentity(identity, { clock: systemClock, log, renew, onRefused: () => void renewalErrors++ }, signal).catch(
      (error: unknown) => {
        if (!signal.aborted) throw error
        return undefined
      },
    )
    // A node that ends without a reason was stopped.
    return await Promise.race([node.done.then(() => undefined), renewed])
  } finally {
    ending.abort()
    await node.stop()
    client.close()
  }
}
