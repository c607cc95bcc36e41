/** The cluster of a data directory of this machine, by what its server wrote there. */
import { join } from 'node:path'
import type { Client } from '../client/contract.ts'
import { clientFromKubeconfig, loadKubeconfig, parseKubeconfig } from '../client/kubeconfig.ts'
import { configMaps } from '../kinds/core/config-map.ts'
import { CliError } from './cli-error.ts'
import type { ClusterState } from './cluster-state.ts'

export const adminKubeconfig = (dataDir: string) => join(dataDir, 'admin.kubeconfig')

/** The administrator's client. Throws CliError when no server has run here. */
export function clientOf(dataDir: string): Client {
  try {
    return clientFromKubeconfig({ paths: [adminKubeconfig(dataDir)] }).client
  } catch (error) {
    throw new CliError(`no cluster was started from ${dataDir}`, { nextStep: 'run `keelson up` first', exitCode: 3, cause: error })
  }
}

/** HOST:PORT where the API is served: of a port that was left to the system, the one that it chose. */
export function servedListen(dataDir: string, { listen }: Pick<ClusterState, 'listen'>): string {
  if (!listen.endsWith(':0')) return listen
  return listen.replace(/:0$/, `:${new URL(administratorsUrl(dataDir)).port || '443'}`)
}

/** The URL that other machines join at: what the cluster says of itself to those that have no credentials yet, else the administrator's. */
export async function joinUrl(dataDir: string, client: Client): Promise<string> {
  const info = await client
    .resource(configMaps, 'kube-public')
    .get('cluster-info')
    .catch(() => undefined)
  const told = info?.data?.kubeconfig
  return (told && parseKubeconfig(told, 'cluster-info').clusters[0]?.cluster.server) || administratorsUrl(dataDir)
}

function administratorsUrl(dataDir: string): string {
  const url = loadKubeconfig([adminKubeconfig(dataDir)]).clusters[0]?.cluster.server
  if (url) return url
  throw new CliError(`${adminKubeconfig(dataDir)} names no server`, {
    nextStep: 'run `keelson down` and `keelson up` to have it written anew',
  })
}

/** Whether the context of this name in the kubeconfig leads to the cluster of the data directory, by its server and authority. */
export function leadsHere(dataDir: string, { path, context }: { readonly path: string; readonly context: string }): boolean {
  const own = loadKubeconfig([adminKubeconfig(dataDir)]).clusters[0]?.cluster
  const config = loadKubeconfig([path])
  const name = config.contexts.find((entry) => entry.name === context)?.context.cluster
  const theirs = config.clusters.find((entry) => entry.name === name)?.cluster
  const field = 'certificate-authority-data'
  return own !== undefined && theirs !== undefined && theirs.server === own.server && theirs[field] === own[field]
}
