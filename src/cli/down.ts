import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { kubeconfigPaths, removeContext } from '../client/kubeconfig.ts'
import { mountPointsUnder } from '../platform/mount.ts'
import { CliError } from './cli-error.ts'
import { readClusterState } from './cluster-state.ts'
import { foreignEntries } from './data-dir.ts'
import { isRunning, stopDaemon } from './daemon.ts'
import type { Machine } from './machine.ts'
import { asOnlyCommand, commandLockFile } from './one-command.ts'
import { leadsHere } from './own-cluster.ts'
import { contextName } from './up.ts'
import { agentNames } from './up-plan.ts'

const graceMs = 15_000

/**
 * `keelson down`: ends the agents, the server, and every container with its network, mounts and cgroups. The data stays, so that
 * the next `up` brings the same objects back; `isDelete` takes the data too. Idempotent.
 */
export async function down(machine: Machine, request: { dataDir: string; isDelete: boolean }): Promise<void> {
  const { dataDir } = request
  const found = existsSync(dataDir) ? readdirSync(dataDir) : []
  // Nothing is written into a folder that no `up` has been at.
  if (found.includes(commandLockFile)) await asOnlyCommand(machine, dataDir, () => takeDown(machine, request))
  else await takeDown(machine, request)
}

async function takeDown(machine: Machine, request: { dataDir: string; isDelete: boolean }): Promise<void> {
  const { clock, console } = machine
  const state = readClusterState(request.dataDir)
  const found = existsSync(request.dataDir) ? readdirSync(request.dataDir) : []
  if (!state && found.every((entry) => entry === commandLockFile)) {
    if (found.length > 0) emptyFolder(request.dataDir, mountPointsUnder(request.dataDir))
    console.say(`there is no cluster in ${request.dataDir}`)
    return
  }
  if (state) {
    await Promise.all(state.agents.filter(isRunning).map((agent) => stopDaemon(agent, { clock, graceMs })))
    if (isRunning(state.server)) {
      console.say('stopping the control plane …')
      await stopDaemon(state.server, { clock, graceMs })
    }
    if (state.runtime === 'containerd') {
      console.say('ending containers and taking their network away …')
      await machine.teardown({ dataDir: request.dataDir, nodeNames: agentNames(state) })
    }
  }
  if (request.isDelete) {
    const path = kubeconfigPaths()[0]!
    // Another cluster's, of another data directory, has the same name.
    const isOwn = leadsHere(request.dataDir, { path, context: contextName })
    const kept = deleteDataDir(request.dataDir)
    if (kept.length > 0) console.say(`what was in ${request.dataDir} before the cluster stays: ${kept.join(', ')}`)
    if (isOwn) removeContext(path, contextName)
  }
  console.say(
    request.isDelete ? 'the cluster is down and its data deleted' : 'the cluster is down; its data stays for the next `keelson up`',
  )
}

/**
 * Refuses anything that does not look like a data directory of ours, and one with somebody's mount in it. A directory that is itself
 * a mount point is emptied and stays, as does what was in it before the cluster. The path is one without links. Returns the names of what stays.
 */
export function deleteDataDir(dataDir: string, mountsUnder = mountPointsUnder): readonly string[] {
  const isOurs = ['pki', 'store', 'admin.kubeconfig', 'log'].some((entry) => existsSync(join(dataDir, entry)))
  if (dataDir === '/' || !isOurs)
    throw new CliError(`${dataDir} does not look like a data directory of Keelson`, { nextStep: 'remove it by hand if it is one' })
  const mounts = mountsUnder(dataDir)
  const inside = mounts.find((point) => point !== dataDir)
  if (inside)
    throw new CliError(`${inside} is mounted, and would be deleted with ${dataDir}`, { nextStep: `umount ${inside}, and run it again` })
  const found = readdirSync(dataDir)
  const kept = foreignEntries(dataDir).filter((entry) => found.includes(entry))
  emptyFolder(dataDir, mounts, kept)
  return kept
}

/** A mount point stays. The lock goes last: who waits for it begins anew in this folder at once, which stays then, too. */
function emptyFolder(folder: string, mounts: readonly string[], kept: readonly string[] = []): void {
  const entries = readdirSync(folder).filter((entry) => entry !== commandLockFile && !kept.includes(entry))
  for (const entry of [...entries, commandLockFile]) rmSync(join(folder, entry), { recursive: true, force: true })
  try {
    if (!mounts.includes(folder)) rmdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
  }
}
