/** `keelson agent`: a node of a cluster whose control plane is elsewhere. */
import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Log } from '../base/log.ts'
import { createHttpClient } from '../client/http-client.ts'
import { agentVersion } from '../node/node-status/node-status.ts'
import { pinoLog } from '../platform/pino-log.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import { joinCluster, needsRenewal, type NodeIdentity } from './join.ts'
import { startMachineNode } from './machine-node.ts'
import { nodePaths } from './node-paths.ts'
import { rememberNode } from './own-node.ts'
import { agentHelp, type AgentOptions, machineAddress, parseAgentOptions } from './role-options.ts'
import { stopSignal } from './stop-signal.ts'

/** How often the certificates' age is looked at. */
const renewalCheckMs = 12 * 3600 * 1000

export async function agentMain(argv: readonly string[]): Promise<number> {
  const options = parseAgentOptions(argv, process.env)
  if (!options) {
    process.stdout.write(agentHelp)
    return 0
  }
  // Whatever this process starts must not find the token in its environment.
  delete process.env.KEELSON_TOKEN
  const log = pinoLog({ level: options.logLevel })
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const { stopped, release } = stopSignal()
  let isStopping = false
  void stopped.then(() => (isStopping = true))
  try {
    // A renewed certificate starts the node's loops anew; its containers notice nothing.
    while (!isStopping) await runUntilRenewal(options, log, stopped)
  } finally {
    release()
  }
  return 0
}

async function runUntilRenewal(options: AgentOptions, log: Log, stopped: Promise<void>): Promise<void> {
  const nodeName = options.nodeName ?? hostname().toLowerCase()
  const address = options.nodeAddress ?? machineAddress()
  const paths = nodePaths(options.dataDir, options.registriesDir)
  rememberNode(options.dataDir, nodeName, options.runtimeEndpoint)
  const joining = new AbortController()
  void stopped.then(() => joining.abort(new Error('the agent is stopping')))
  const identity = await joinCluster({
    server: options.server,
    token: options.token,
    caHash: options.caHash,
    pkiDir: paths.pkiDir,
    nodeName,
    addresses: [address],
    clock: systemClock,
    random: systemRandom,
    log,
    signal: joining.signal,
  })
  const client = createHttpClient({
    server: options.server,
    ca: identity.ca,
    cert: identity.client.cert,
    key: identity.client.key,
    userAgent: `kubelet/${agentVersion}`,
    clock: systemClock,
  })
  const node = startMachineNode({
    client,
    nodeName,
    address,
    paths,
    serving: identity.server,
    clientCa: identity.ca,
    runtimeEndpoint: options.runtimeEndpoint,
    clock: systemClock,
    random: systemRandom,
    log,
  })
  const renewal = untilRenewal(identity)
  try {
    await Promise.race([stopped, node.done, renewal.due])
  } finally {
    renewal.cancel()
    await node.stop()
    client.close()
  }
}

function untilRenewal(identity: NodeIdentity): { readonly due: Promise<void>; cancel(): void } {
  let cancel = () => {}
  const due = new Promise<void>((resolve) => {
    const look = () => {
      if (needsRenewal(identity, systemClock.now())) resolve()
      else cancel = systemClock.schedule(renewalCheckMs, look)
    }
    look()
  })
  return { due, cancel: () => cancel() }
}
