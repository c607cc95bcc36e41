/** The end of a node on this machine: every container, mount, cgroup, interface, route and rule of it goes. Idempotent. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { silentLog } from '../base/log.ts'
import { createPodNetwork } from '../node/cni/pod-network.ts'
import { createContainerdSupervisor } from '../node/containerd/containerd-supervisor.ts'
import { removeAgentFiles } from '../node/host/agent-files.ts'
import { removeCgroup } from '../platform/cgroup.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import { createProxy } from '../proxy/loop.ts'
import { clusterNetwork } from './cluster-network.ts'
import { nodePaths } from './node-paths.ts'

/** Runs in the node's network namespace, because interfaces and rules are that namespace's. */
export async function teardownNode(dataDir: string): Promise<void> {
  const nameFile = join(dataDir, 'node-name')
  if (!existsSync(nameFile)) return
  const nodeName = readFileSync(nameFile, 'utf8').trim()
  const paths = nodePaths(dataDir)
  const common = { clock: systemClock, random: systemRandom, log: silentLog }
  const supervisor = createContainerdSupervisor({
    dataDirectory: dataDir,
    stateDirectory: paths.stateDir,
    cniConfigDirectory: paths.cniConfigDir,
    registryDirectory: paths.registriesDir,
    ...common,
  })
  // Only containerd can end what its shims hold; an own one is started for it where none runs any more.
  await supervisor.start()
  await supervisor.stopAll(nodeName)
  const network = { clusterCidr: clusterNetwork.podCidr, serviceCidr: clusterNetwork.serviceCidr }
  await createPodNetwork({
    ...network,
    ...common,
    self: nodeName,
    mode: 'auto',
    cniConfigDirectory: paths.cniConfigDir,
    addressDirectory: paths.cniAddressDir,
  }).remove()
  const never = () => {
    throw new Error('a teardown reads nothing from the API')
  }
  await createProxy({
    context: { informer: never },
    ...common,
    facts: { ...network, nodeName, zone: undefined, nodeAddresses: [], localServiceAddresses: [] },
  }).remove()
  await removeAgentFiles({ rootDir: paths.podsDir, logsDir: paths.logsDir })
  removeCgroup(paths.cgroupRoot)
  rmSync(paths.stateDir, { recursive: true, force: true })
  rmSync(nameFile, { force: true })
}
