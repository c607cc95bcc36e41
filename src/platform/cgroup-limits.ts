import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CgroupTree, readCgroupTree } from './cgroup.ts'

/** Undefined: no limit. */
export type CgroupLimits = {
  readonly cpuShares: number
  readonly cpuQuotaUs: number | undefined
  readonly cpuPeriodUs: number
  readonly memoryLimitBytes: number | undefined
}

const controllersV1 = ['cpu', 'memory'] as const

/**
 * Makes the cgroup `path` (absolute from the tree's root) with its limits, in cgroup v2 or in the cpu and memory hierarchies of v1.
 * Idempotent; new limits replace old ones. Throws when the machine refuses.
 */
export function makeCgroup(path: string, limits: CgroupLimits, tree: CgroupTree = readCgroupTree()): void {
  const relative = path.replace(/^\/+/, '')
  if (tree.mode === 'unified') return makeUnified(tree.roots[0] ?? '/sys/fs/cgroup', relative, limits)
  for (const controller of controllersV1) {
    const root = tree.roots.find((r) => r.split('/').at(-1)!.split(',').includes(controller))
    if (!root) continue
    const directory = join(root, relative)
    mkdirSync(directory, { recursive: true })
    if (controller === 'cpu') {
      write(directory, 'cpu.shares', limits.cpuShares)
      if (existsSync(join(directory, 'cpu.cfs_quota_us'))) {
        write(directory, 'cpu.cfs_period_us', limits.cpuPeriodUs)
        write(directory, 'cpu.cfs_quota_us', limits.cpuQuotaUs ?? -1)
      }
    } else write(directory, 'memory.limit_in_bytes', limits.memoryLimitBytes ?? -1)
  }
}

function makeUnified(root: string, relative: string, limits: CgroupLimits): void {
  let directory = root
  for (const part of relative.split('/')) {
    enableControllers(directory)
    directory = join(directory, part)
    mkdirSync(directory, { recursive: true })
  }
  // The engines' conversion of shares: [2, 262144] onto [1, 10000].
  write(directory, 'cpu.weight', 1 + Math.floor(((limits.cpuShares - 2) * 9999) / 262_142))
  write(directory, 'cpu.max', `${limits.cpuQuotaUs ?? 'max'} ${limits.cpuPeriodUs}`)
  write(directory, 'memory.max', limits.memoryLimitBytes ?? 'max')
}

/** Children of `directory` get the controllers that it has and that limits need. */
function enableControllers(directory: string): void {
  const available = readFileSync(join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ')
  const enabled = readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8').trim().split(' ')
  const missing = ['cpu', 'cpuset', 'io', 'memory', 'pids'].filter((c) => available.includes(c) && !enabled.includes(c))
  if (missing.length > 0) write(directory, 'cgroup.subtree_control', missing.map((c) => `+${c}`).join(' '))
}

function write(directory: string, file: string, value: string | number): void {
  writeFileSync(join(directory, file), String(value))
}
