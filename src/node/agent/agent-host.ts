import { join } from 'node:path'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { type AgentBase, hostIPsOf } from './agent-base.ts'
import type { prepareAgentFiles } from '../host/agent-files.ts'
import { machinePodHost } from '../host/machine-pod-host.ts'
import type { PodDirectoryRoots } from '../host/pod-directories.ts'
import { type PodHost, simulatedPodHost } from '../pod/pod-host.ts'
import { machinePodCgroups } from '../resources/pod-cgroups.ts'
import { measuredCgroups } from '../stats/measured-cgroups.ts'
import { PersistentVolumes } from '../volumes/persistent-volumes.ts'
import { PodVolumes } from '../volumes/pod-volumes.ts'
import { ServiceAccountTokens } from '../volumes/service-account-tokens.ts'

export type PreparedFiles = Awaited<ReturnType<typeof prepareAgentFiles>>

export type AgentHost = {
  readonly host: PodHost
  /** Where pods' files lie; undefined on a simulated node. */
  readonly disks: { readonly roots: PodDirectoryRoots; readonly volumes: PodVolumes } | undefined
}

/** What the machine does for its pods beside the engine: their directories, volumes and cgroups. */
export function agentHost(base: AgentBase, prepared: PreparedFiles | undefined): AgentHost {
  const { client, files } = base.options
  if (!files || !prepared) return { host: simulatedPodHost(), disks: undefined }
  const { roots } = prepared
  const volumes = podVolumes(base, prepared)
  const host = machinePodHost({
    roots,
    volumes,
    references: base.references,
    cgroups:
      files.cgroupRoot === undefined ? undefined : measuredCgroups(machinePodCgroups(files.cgroupRoot), base.metrics, base.options.clock),
    clusterDns: files.clusterDns,
    handlerOf: async (name) => (await client.resource(kindRefs.nodeV1.runtimeClasses).get(name)).handler,
  })
  return { host, disks: { roots, volumes } }
}

function podVolumes({ options, metrics, references, loop, node }: AgentBase, { roots, canMount }: PreparedFiles): PodVolumes {
  const { client, clock, random, log, nodeName } = options
  const directory = join(roots.root, 'local-volumes')
  return new PodVolumes({
    roots,
    clock,
    log,
    canMount,
    onSetUp: (plugin, durationMs, hasFailed) => metrics.storage(plugin, 'volume_mount', durationMs, hasFailed),
    objects: references,
    imageViews: options.imageViews,
    tokens: new ServiceAccountTokens({ client, clock }),
    persistent: new PersistentVolumes({ client, clock, random, log, directory, node }),
    fields: (pod) => ({
      podIps: loop().worker(pod.metadata.uid ?? '')?.sandboxes[0]?.ips ?? [],
      hostIps: hostIPsOf(options),
      nodeName,
      allocatable: node()?.status?.allocatable ?? {},
    }),
  })
}
