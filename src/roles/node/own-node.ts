/** The server's own machine as a node: the agent speaks to the API in process. */
import { mkdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../base/log.ts'
import { CliError } from '../../cli/cli-error.ts'
import { type CertifiedKey, issueCertificate } from '../../platform/pki/certificate.ts'
import type { ClusterPki } from '../../platform/pki/cluster-pki.ts'
import { writeSecretFile } from '../../platform/pki/cluster-pki.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { systemRandom } from '../../platform/system-random.ts'
import type { ClusterNetwork } from '../cluster-network.ts'
import type { ControlPlane } from '../control-plane.ts'
import { untilRenewal } from '../keys/certificate-renewal.ts'
import { nodeUser } from '../identity.ts'
import { startMachineNode } from './machine-node.ts'
import { nodeNameFile, nodePaths } from './node-paths.ts'
import type { ServerOptions } from '../options/role-options.ts'

/** Beside `node-name`: the socket of an engine that somebody else runs. */
export const endpointFile = 'runtime-endpoint'

const certificateMs = 365 * 24 * 3600 * 1000

/** Starts it in the background; what it gives stops it. A node that cannot start ends the process with the reason. */
export function startOwnNode(
  options: ServerOptions,
  parts: { controlPlane: ControlPlane; pki: ClusterPki; address: string; network: ClusterNetwork; log: Log },
): () => Promise<void> {
  const { controlPlane, pki, address, network, log } = parts
  const nodeName = options.nodeName ?? hostname().toLowerCase()
  const paths = nodePaths(options.dataDir, options.registriesDir)
  rememberNode(options.dataDir, nodeName, options.runtimeEndpoint)
  const ending = new AbortController()
  const running = (async () => {
    while (!ending.signal.aborted) {
      const serving = issueServing(pki, [nodeName, address])
      const node = startMachineNode({
        client: controlPlane.api.clientFor(nodeUser(nodeName)),
        nodeName,
        address,
        paths,
        network,
        serving,
        clientCa: pki.ca.cert,
        runtimeEndpoint: options.runtimeEndpoint,
        settings: options.settings,
        clock: systemClock,
        random: systemRandom,
        log,
      })
      // A renewed certificate starts the node's loops anew; its containers notice nothing.
      const due = untilRenewal([serving], systemClock, ending.signal).catch(() => {})
      await Promise.race([node.done, due]).finally(() => node.stop())
    }
  })()
  running.catch((error: unknown) => {
    if (ending.signal.aborted) return
    log.error({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, 'the node could not go on')
    process.exit(1)
  })
  return async () => {
    ending.abort(new Error('the server is stopping'))
    await running.catch(() => {})
  }
}

function issueServing(pki: ClusterPki, [nodeName, address]: readonly [string, string]): CertifiedKey {
  const nowMs = systemClock.now()
  return issueCertificate(pki.ca, {
    subject: { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] },
    usages: ['server'],
    hosts: [nodeName, address],
    notBeforeMs: nowMs - 60_000,
    notAfterMs: nowMs + certificateMs,
  })
}

/** For the teardown, which must know whose containers to end, and in which engine when it is not our own. */
export function rememberNode(dataDir: string, nodeName: string, runtimeEndpoint: string | undefined): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(nodeName))
    throw new CliError(`"${nodeName}" cannot be a node's name`, { nextStep: 'give another one with --node-name', exitCode: 2 })
  writeSecretFile(nodeNameFile(dataDir), nodeName)
  if (runtimeEndpoint === undefined) rmSync(join(dataDir, endpointFile), { force: true })
  else writeSecretFile(join(dataDir, endpointFile), runtimeEndpoint)
}
