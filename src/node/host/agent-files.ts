import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../base/log.ts'
import { hasCapability } from '../../platform/capabilities.ts'
import { mountPointsUnder, mountTmpfs, unmount } from '../../platform/mount.ts'
import type { ClusterDns } from './pod-dns.ts'
import type { PodDirectoryRoots } from './pod-directories.ts'

/** Where a real node keeps what belongs to its pods. */
export type AgentFiles = {
  /** Pods' directories lie in `<rootDir>/pods`, secrets in `<rootDir>/memory`, seccomp profiles of the node's own in `<rootDir>/seccomp`. */
  readonly rootDir: string
  /** Containers' logs lie in `<logsDir>/pods`. */
  readonly logsDir: string
  /** Absolute path in the cgroup tree, e.g. `/kubepods`; undefined: the engine's default place without pod-level limits. */
  readonly cgroupRoot: string | undefined
  readonly clusterDns: ClusterDns
}

/**
 * Makes the agent's directories and one memory-backed file system for the secrets of all pods: a mount for each secret volume would cost
 * every pod start a process.
 */
export async function prepareAgentFiles(files: AgentFiles, log: Log): Promise<{ roots: PodDirectoryRoots; canMount: boolean }> {
  const roots = { root: files.rootDir, logs: files.logsDir, memory: join(files.rootDir, 'memory') }
  await mkdir(join(roots.root, 'pods'), { recursive: true, mode: 0o750 })
  await mkdir(join(roots.logs, 'pods'), { recursive: true, mode: 0o755 })
  await mkdir(seccompRoot(roots.root), { recursive: true, mode: 0o755 })
  await mkdir(roots.memory, { recursive: true, mode: 0o750 })
  const canMount = hasCapability('SYS_ADMIN')
  if (!canMount) log.warn({}, 'no right to mount: secrets and memory-backed volumes lie on disk')
  else if (mountPointsUnder(roots.memory).length === 0) await mountTmpfs(roots.memory, { mode: 0o750 })
  return { roots, canMount }
}

/** Where `seccompProfile.localhostProfile` of a pod looks for its file, as upstream's agent does below its own root. */
export function seccompRoot(rootDir: string): string {
  return join(rootDir, 'seccomp')
}

/** Unmounts and removes everything that prepareAgentFiles and the pods made. For the end of a node, not of an agent. */
export async function removeAgentFiles(files: Pick<AgentFiles, 'rootDir' | 'logsDir'>): Promise<void> {
  for (const point of mountPointsUnder(files.rootDir)) await unmount(point)
  if (mountPointsUnder(files.rootDir).length > 0) throw new Error('mounts stayed below the agent directory')
  await rm(join(files.rootDir, 'pods'), { recursive: true, force: true })
  await rm(join(files.rootDir, 'memory'), { recursive: true, force: true })
  await rm(join(files.logsDir, 'pods'), { recursive: true, force: true })
}
