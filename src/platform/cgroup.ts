import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { signalProcess } from './background-process.ts'

/** `unified`: v2 alone. `hybrid`: v1 controllers with an empty v2 tree beside them. `legacy`: v1 alone. */
export type CgroupMode = 'unified' | 'hybrid' | 'legacy'

export type CgroupTree = {
  readonly mode: CgroupMode
  /** Mount points below which a cgroup's relative path exists: one for v2, one a controller hierarchy for v1. */
  readonly roots: readonly string[]
}

/** What this machine mounts, from the text of /proc/self/mountinfo. */
export function readCgroupTree(mountInfo = readFileSync('/proc/self/mountinfo', 'utf8')): CgroupTree {
  const v1: string[] = []
  const v2: string[] = []
  for (const line of mountInfo.split('\n')) {
    const [fields, kind] = line.split(' - ')
    const mountPoint = fields?.split(' ')[4]
    if (!mountPoint || !kind) continue
    if (kind.startsWith('cgroup2 ')) v2.push(mountPoint)
    else if (kind.startsWith('cgroup ')) v1.push(mountPoint)
  }
  const roots = [...new Set([...v1, ...v2])]
  return { mode: v1.length === 0 ? 'unified' : v2.length === 0 ? 'legacy' : 'hybrid', roots }
}

/**
 * Removes the cgroup `path` (as a container engine takes it: absolute from the tree's root) and its children from every
 * hierarchy. What still holds a process stays. Gives the directories that stayed.
 */
export function removeCgroup(path: string, tree: CgroupTree = readCgroupTree()): string[] {
  const relative = path.replace(/^\/+/, '')
  if (relative === '' || relative.split('/').includes('..')) return []
  return tree.roots.flatMap((root) => removeTree(join(root, relative)))
}

function removeTree(directory: string): string[] {
  if (!existsSync(directory)) return []
  const stayed: string[] = []
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) stayed.push(...removeTree(join(directory, entry.name)))
    }
    rmdirSync(directory)
  } catch (error) {
    // Busy: a process is in it. Gone: another remover was first.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') stayed.push(directory)
  }
  return stayed
}

/** SIGKILLs every process in the cgroup `path` and its children, in whichever hierarchy it is found. */
export function killCgroup(path: string, tree: CgroupTree = readCgroupTree()): void {
  const relative = path.replace(/^\/+/, '')
  if (relative === '' || relative.split('/').includes('..')) return
  const pids = new Set(tree.roots.flatMap((root) => processesBelow(join(root, relative))))
  for (const pid of pids) signalProcess(pid, 'SIGKILL')
}

/** Tasks in the cgroup `path` and below it; 0 where the kernel does not count them. */
export function cgroupProcessCount(path: string, tree: CgroupTree = readCgroupTree()): number {
  const counts = tree.roots.map((root) => {
    try {
      return Number(readFileSync(join(root, path, 'pids.current'), 'utf8'))
    } catch {
      return 0
    }
  })
  return Math.max(0, ...counts)
}

function processesBelow(directory: string): number[] {
  if (!existsSync(directory)) return []
  const own = readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...own, ...below.flatMap((entry) => processesBelow(join(directory, entry.name)))]
}
