/**
 * Which addresses a cluster has: chosen when it is made, kept in its store, told to its nodes in a ConfigMap, and remembered by every
 * machine for what works without the API (a node that starts before its server, a teardown).
 */
import { join } from 'node:path'
import { keptAs, type WantedObject } from '../../apiserver/wanted-objects.ts'
import { backoffMs } from '../../base/backoff.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { quietLog } from '../../base/quiet-log.ts'
import type { Random } from '../../base/random.ts'
import { CliError } from '../../cli/cli-error.ts'
import type { NetworkChoice } from '../../cli/machine.ts'
import type { Client } from '../../client/contract.ts'
import { configMaps } from '../../kinds/core/config-map.ts'
import { writeSecretFile } from '../../platform/pki/cluster-pki.ts'
import { readTextFile } from '../../platform/text-file.ts'
import type { Store, StoreKey } from '../../store/contract.ts'
import { type ClusterNetwork, clusterNetworkOf, defaultClusterNetwork } from '../cluster-network.ts'

/** Not below `/registry`: it is no object of the API. */
const networkKey = '/keelson/network' as StoreKey

const flags = { podCidr: '--cluster-cidr', serviceCidr: '--service-cluster-ip-range', domain: '--cluster-domain' } as const
const choiceNames = ['podCidr', 'serviceCidr', 'domain'] as const

/** The network of the store's cluster; a new cluster gets the one that was chosen. Throws CliError when another is asked for than it has. */
export async function networkOfStore(store: Store, choice: NetworkChoice): Promise<ClusterNetwork> {
  for (;;) {
    const entry = await store.get(networkKey)
    if (entry) {
      const kept = clusterNetworkOf((JSON.parse(Buffer.from(entry.value).toString()) as { network: NetworkChoice }).network)
      const other = choiceNames.find((name) => choice[name] !== undefined && choice[name] !== kept[name])
      if (!other) return kept
      throw new CliError(`${flags[other]} ${choice[other]}: this cluster has ${kept[other]}, and its addresses never change`, {
        nextStep: 'leave the flag out, or make a new cluster',
      })
    }
    // A cluster that is older than the choice has the default. It has namespaces: to see that there is anything at all etcd would go
    // through all keys.
    const isNew = (await store.list('/registry/core/namespaces/', { limit: 1 })).entries.length === 0
    const { podCidr, serviceCidr, domain } = isNew ? clusterNetworkOf(choice) : defaultClusterNetwork
    // `metadata` because whatever is in the store is kept by the servers' caches as an object.
    const value = Buffer.from(JSON.stringify({ metadata: { name: 'network' }, network: { podCidr, serviceCidr, domain } }))
    await store.commit([{ type: 'put', key: networkKey, value, expected: 'absent' }])
  }
}

const namespace = 'kube-system'
const configMapName = 'cluster-network'

/** What nodes read; a user's changes to it are taken back at the next start of a server. */
export function publishedNetwork(network: ClusterNetwork): WantedObject {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: configMapName, namespace },
    data: {
      'cluster-cidr': network.podCidr,
      'service-cluster-ip-range': network.serviceCidr,
      'cluster-domain': network.domain,
      'cluster-dns': network.dnsAddress,
    },
  }
  return { group: '', plural: 'configmaps', object, mended: keptAs(object) }
}

const fileOf = (dataDir: string) => join(dataDir, 'network.json')

/** `cluster`: its authority's certificate. */
export function rememberNetwork(dataDir: string, { podCidr, serviceCidr, domain }: ClusterNetwork, cluster: string): void {
  writeSecretFile(fileOf(dataDir), `${JSON.stringify({ version: 1, network: { podCidr, serviceCidr, domain }, cluster }, null, 2)}\n`)
}

/** What the machine remembers; undefined where nothing is, or where it belongs to another cluster than `cluster`. */
export function rememberedNetwork(dataDir: string, cluster?: string): ClusterNetwork | undefined {
  const text = readTextFile(fileOf(dataDir))
  if (text === undefined) return undefined
  const kept = JSON.parse(text) as { readonly network: NetworkChoice; readonly cluster: string }
  return cluster === undefined || cluster === kept.cluster ? clusterNetworkOf(kept.network) : undefined
}

const retryBackoff = { initialMs: 500, maxMs: 15_000, factor: 2, jitter: 0.2 } as const
/** How often the same reason for waiting is told. */
const repeatMs = 60_000

/** For a node: what it remembers, else what its server says, however long that takes. Rejects when the signal aborts. */
export async function networkOfNode(
  context: { readonly client: Client; readonly clock: Clock; readonly random: Random; readonly log: Log },
  { dataDir, cluster }: { readonly dataDir: string; readonly cluster: string },
  signal: AbortSignal,
): Promise<ClusterNetwork> {
  const remembered = rememberedNetwork(dataDir, cluster)
  if (remembered) return remembered
  const { client, clock, random } = context
  const log = quietLog(context.log, clock, repeatMs)
  for (let failures = 0; ; failures++) {
    try {
      const { data } = await client.resource(configMaps, namespace).get(configMapName)
      const network = clusterNetworkOf({
        podCidr: data?.['cluster-cidr'],
        serviceCidr: data?.['service-cluster-ip-range'],
        domain: data?.['cluster-domain'],
      } as NetworkChoice)
      rememberNetwork(dataDir, network, cluster)
      return network
    } catch (error) {
      log.warn({ error: (error as Error).message }, "the cluster's network is not known yet; trying again")
      await sleep(clock, backoffMs(retryBackoff, failures, random), signal)
    }
  }
}
