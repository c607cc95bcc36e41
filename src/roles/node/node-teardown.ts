/** The end of a node on this machine: every container, mount, cgroup, interface, route and rule of it goes. Idempotent. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { silentLog } from '../../base/log.ts'
import { createPodNetwork } from '../../node/cni/pod-network.ts'
import { containerdImageViews } from '../../node/containerd/image-views.ts'
import { createContainerdSupervisor, removeAllSandboxes } from '../../node/containerd/containerd-supervisor.ts'
import { removeAgentFiles } from '../../node/host/agent-files.ts'
import { viewKeys } from '../../node/volumes/image-volume.ts'
import { createCriRuntime } from '../../node/runtime/cri/cri-runtime.ts'
import { listProcesses, signalProcess } from '../../platform/background-process.ts'
import { killCgroup, removeCgroup } from '../../platform/cgroup.ts'
import { mountPointsUnder, unmount } from '../../platform/mount.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { systemRandom } from '../../platform/system-random.ts'
import { createProxy } from '../../proxy/loop.ts'
import { defaultClusterNetwork } from '../cluster-network.ts'
import { rememberedNetwork } from './kept-network.ts'
import { nodeNameFile, type NodePaths, nodePaths } from './node-paths.ts'
import { endpointFile } from './own-node.ts'

const common = { clock: systemClock, random: systemRandom, log: silentLog }

/** Runs in the node's network namespace, because interfaces and rules are that namespace's. */
export async function teardownNode(dataDir: string): Promise<void> {
  const nameFile = nodeNameFile(dataDir)
  if (!existsSync(nameFile)) return
  const nodeName = readFileSync(nameFile, 'utf8').trim()
  const paths = nodePaths(dataDir)
  const endpoint = join(dataDir, endpointFile)
  if (existsSync(endpoint)) await endInForeignEngine(readFileSync(endpoint, 'utf8').trim(), nodeName, paths)
  else await endInOwnEngine(paths, nodeName)
  await endLeftovers(paths)
  const { podCidr: clusterCidr, serviceCidr } = rememberedNetwork(dataDir) ?? defaultClusterNetwork
  await createPodNetwork({
    clusterCidr,
    serviceCidr,
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
    facts: {
      clusterCidr,
      serviceCidrs: [serviceCidr],
      nodeName,
      nodeAddresses: [],
      localServiceAddresses: [],
    },
  }).remove()
  await removeAgentFiles({ rootDir: paths.podsDir, logsDir: paths.logsDir })
  for (const file of [endpoint, nameFile]) rmSync(file, { force: true })
}

async function endInOwnEngine(paths: NodePaths, nodeName: string): Promise<void> {
  const supervisor = createContainerdSupervisor({
    dataDirectory: paths.dataDir,
    stateDirectory: paths.stateDir,
    cniConfigDirectory: paths.cniConfigDir,
    registryDirectory: paths.registriesDir,
    ...common,
  })
  // Only containerd can end what its shims hold; an own one is started for it where none runs any more.
  try {
    await supervisor.start()
    await removeImageViews(supervisor.socket, paths)
    await supervisor.stopAll(nodeName)
  } catch (error) {
    // It can have lost track of its own, when its data was removed under it; what it leaves is ended without it.
    process.stderr.write(`containerd could not end everything by itself (${String(error)}); the rest is ended without it\n`)
  }
}

/** Ends this node's pods in an engine that somebody else runs, and leaves the engine to them. */
async function endInForeignEngine(endpoint: string, nodeName: string, paths: NodePaths): Promise<void> {
  const socket = endpoint.replace(/^unix:\/\//, '')
  const runtime = createCriRuntime({ socket, owner: nodeName, ...common })
  try {
    await removeAllSandboxes(runtime)
    await removeImageViews(socket, paths)
  } catch (error) {
    process.stderr.write(`the engine at ${socket} could not end everything (${String(error)}); the rest is ended without it\n`)
  } finally {
    await runtime.close()
  }
}

async function removeImageViews(socket: string, { podsDir }: NodePaths): Promise<void> {
  await containerdImageViews(socket).remove(await viewKeys(podsDir))
}

/** Processes in the node's cgroups, shims of its containerd, and mounts below its directories. */
async function endLeftovers(paths: NodePaths): Promise<void> {
  killCgroup(paths.cgroupRoot)
  for (const { pid, commandLine } of listProcesses())
    if (commandLine.includes(paths.containerdSocket) && commandLine.includes('containerd-shim')) signalProcess(pid, 'SIGKILL')
  for (const point of [...mountPointsUnder(paths.stateDir), ...mountPointsUnder(join(paths.dataDir, 'containerd'))]) await unmount(point)
  removeCgroup(paths.cgroupRoot)
  rmSync(paths.stateDir, { recursive: true, force: true })
}
