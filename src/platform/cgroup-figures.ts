import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CgroupTree } from './cgroup.ts'

/** What one cgroup and all below it have used. A part is undefined where the machine does not tell. */
export type CgroupFigures = {
  readonly cpu: CpuFigures | undefined
  readonly cpuLimits: { readonly shares: number; readonly periodUs: number; readonly quotaUs: number | undefined } | undefined
  readonly memory: MemoryFigures | undefined
  /** Processes of the cgroup itself, without those of cgroups below it. */
  readonly processCount: number | undefined
  readonly threadCount: number | undefined
  /** By block device; empty where the kernel counts none. */
  readonly devices: readonly DeviceFigures[]
}

export type CpuFigures = {
  readonly usageNanoseconds: number
  readonly userNanoseconds: number
  readonly systemNanoseconds: number
  /** Of enforcement; all are 0 without a quota. */
  readonly periods: number
  readonly throttledPeriods: number
  readonly throttledNanoseconds: number
}

export type MemoryFigures = {
  readonly usageBytes: number
  /** Usage without the files that could be dropped at once. */
  readonly workingSetBytes: number
  readonly rssBytes: number
  readonly cacheBytes: number
  readonly mappedFileBytes: number
  readonly activeFileBytes: number
  readonly inactiveFileBytes: number
  readonly swapBytes: number
  readonly peakBytes: number | undefined
  /** Undefined: no limit. */
  readonly limitBytes: number | undefined
  readonly swapLimitBytes: number | undefined
  /** How often the limit was met. */
  readonly limitHits: number
  readonly oomKills: number
  readonly pageFaults: number
  readonly majorPageFaults: number
}

export type DeviceFigures = {
  /** `major:minor`. */
  readonly device: string
  readonly readBytes: number
  readonly writeBytes: number
  readonly reads: number
  readonly writes: number
}

/** The text of a file of the cgroup; undefined: there is none. `controller` says in which hierarchy of v1 it lies. */
export type CgroupFile = (controller: string, file: string) => string | undefined

/** The figures of the cgroup `path` (absolute from the root of the tree); undefined: it is not there. */
export function readCgroupFigures(path: string, tree: CgroupTree): CgroupFigures | undefined {
  const read = cgroupFiles(path, tree)
  if (read('cpu', 'cgroup.procs') === undefined) return undefined
  return tree.mode === 'unified' ? unifiedFigures(read) : legacyFigures(read)
}

/** The lowest process id in the cgroup itself, the first that was started as a rule; undefined: nothing runs in it. */
export function cgroupProcess(path: string, tree: CgroupTree): number | undefined {
  const pid = Number(cgroupFiles(path, tree)('cpu', 'cgroup.procs')?.split('\n', 1)[0])
  return pid > 0 ? pid : undefined
}

function cgroupFiles(path: string, { mode, roots }: CgroupTree): CgroupFile {
  const rootOf = (controller: string) =>
    mode === 'unified' ? roots[0] : roots.find((root) => root.split('/').at(-1)!.split(',').includes(controller))
  return (controller, file) => {
    const root = rootOf(controller)
    try {
      return root === undefined ? undefined : readFileSync(join(root, path, file), 'utf8')
    } catch {
      return undefined
    }
  }
}

const nanosecondsPerTick = 1e7
/** The kernel's "no limit" is a page below 2⁶³. */
const limitBytesMax = 2 ** 62

/** cgroup v1: https://docs.kernel.org/admin-guide/cgroup-v1/. Pure but for `read`. */
export function legacyFigures(read: CgroupFile): CgroupFigures {
  const number = (controller: string, file: string) => numberIn(read(controller, file))
  const usage = number('cpuacct', 'cpuacct.usage')
  const ticks = fieldsOf(read('cpuacct', 'cpuacct.stat'))
  const cfs = fieldsOf(read('cpu', 'cpu.stat'))
  const shares = number('cpu', 'cpu.shares')
  const quotaUs = number('cpu', 'cpu.cfs_quota_us')
  return {
    cpu:
      usage === undefined
        ? undefined
        : {
            usageNanoseconds: usage,
            userNanoseconds: (ticks.get('user') ?? 0) * nanosecondsPerTick,
            systemNanoseconds: (ticks.get('system') ?? 0) * nanosecondsPerTick,
            periods: cfs.get('nr_periods') ?? 0,
            throttledPeriods: cfs.get('nr_throttled') ?? 0,
            throttledNanoseconds: cfs.get('throttled_time') ?? 0,
          },
    cpuLimits:
      shares === undefined
        ? undefined
        : {
            shares,
            periodUs: number('cpu', 'cpu.cfs_period_us') ?? 0,
            quotaUs: quotaUs === undefined || quotaUs < 0 ? undefined : quotaUs,
          },
    memory: legacyMemory(read),
    processCount: lineCount(read('cpu', 'cgroup.procs')),
    threadCount: number('pids', 'pids.current'),
    devices: legacyDevices(read),
  }
}

function legacyMemory(read: CgroupFile): MemoryFigures | undefined {
  const number = (file: string) => numberIn(read('memory', file))
  const usageBytes = number('memory.usage_in_bytes')
  if (usageBytes === undefined) return undefined
  const stat = fieldsOf(read('memory', 'memory.stat'))
  const total = (name: string) => stat.get(`total_${name}`) ?? stat.get(name) ?? 0
  const limit = (file: string) => {
    const bytes = number(file)
    return bytes === undefined || bytes >= limitBytesMax ? undefined : bytes
  }
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - total('inactive_file')),
    rssBytes: total('rss'),
    cacheBytes: total('cache'),
    mappedFileBytes: total('mapped_file'),
    activeFileBytes: total('active_file'),
    inactiveFileBytes: total('inactive_file'),
    swapBytes: total('swap'),
    peakBytes: number('memory.max_usage_in_bytes'),
    limitBytes: limit('memory.limit_in_bytes'),
    swapLimitBytes: limit('memory.memsw.limit_in_bytes'),
    limitHits: number('memory.failcnt') ?? 0,
    oomKills: fieldsOf(read('memory', 'memory.oom_control')).get('oom_kill') ?? 0,
    pageFaults: total('pgfault'),
    majorPageFaults: total('pgmajfault'),
  }
}

function legacyDevices(read: CgroupFile): DeviceFigures[] {
  const devices = new Map<string, { device: string; readBytes: number; writeBytes: number; reads: number; writes: number }>()
  const collect = (file: string, kind: { readonly Read: 'readBytes' | 'reads'; readonly Write: 'writeBytes' | 'writes' }) => {
    const text = read('blkio', `${file}_recursive`) ?? read('blkio', file) ?? ''
    for (const [, device = '', operation, value] of text.matchAll(/^(\d+:\d+) (Read|Write) (\d+)$/gm)) {
      const entry = devices.get(device) ?? { device, readBytes: 0, writeBytes: 0, reads: 0, writes: 0 }
      entry[kind[operation as 'Read' | 'Write']] = Number(value)
      devices.set(device, entry)
    }
  }
  collect('blkio.throttle.io_service_bytes', { Read: 'readBytes', Write: 'writeBytes' })
  collect('blkio.throttle.io_serviced', { Read: 'reads', Write: 'writes' })
  return [...devices.values()]
}

/** cgroup v2: https://docs.kernel.org/admin-guide/cgroup-v2.html. Pure but for `read`. */
export function unifiedFigures(readFile: CgroupFile): CgroupFigures {
  const read = (file: string) => readFile('', file)
  const cpu = fieldsOf(read('cpu.stat'))
  const usage = cpu.get('usage_usec')
  const microseconds = (name: string) => (cpu.get(name) ?? 0) * 1000
  const weight = numberIn(read('cpu.weight'))
  const [quota, period] = read('cpu.max')?.trim().split(' ') ?? []
  return {
    cpu:
      usage === undefined
        ? undefined
        : {
            usageNanoseconds: usage * 1000,
            userNanoseconds: microseconds('user_usec'),
            systemNanoseconds: microseconds('system_usec'),
            periods: cpu.get('nr_periods') ?? 0,
            throttledPeriods: cpu.get('nr_throttled') ?? 0,
            throttledNanoseconds: microseconds('throttled_usec'),
          },
    cpuLimits:
      weight === undefined
        ? undefined
        : {
            // The engines' conversion, backwards: [1, 10000] onto [2, 262144].
            shares: 2 + Math.floor(((weight - 1) * 262_142) / 9999),
            periodUs: Number(period ?? 0),
            quotaUs: quota === undefined || quota === 'max' ? undefined : Number(quota),
          },
    memory: unifiedMemory(read),
    processCount: lineCount(read('cgroup.procs')),
    threadCount: numberIn(read('pids.current')),
    devices: unifiedDevices(read('io.stat') ?? ''),
  }
}

function unifiedMemory(read: (file: string) => string | undefined): MemoryFigures | undefined {
  const usageBytes = numberIn(read('memory.current'))
  if (usageBytes === undefined) return undefined
  const stat = fieldsOf(read('memory.stat'))
  const of = (name: string) => stat.get(name) ?? 0
  const events = fieldsOf(read('memory.events'))
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - of('inactive_file')),
    rssBytes: of('anon'),
    cacheBytes: of('file'),
    mappedFileBytes: of('file_mapped'),
    activeFileBytes: of('active_file'),
    inactiveFileBytes: of('inactive_file'),
    swapBytes: numberIn(read('memory.swap.current')) ?? 0,
    peakBytes: numberIn(read('memory.peak')),
    limitBytes: numberIn(read('memory.max')),
    swapLimitBytes: numberIn(read('memory.swap.max')),
    limitHits: events.get('max') ?? 0,
    oomKills: events.get('oom_kill') ?? 0,
    pageFaults: of('pgfault'),
    majorPageFaults: of('pgmajfault'),
  }
}

function unifiedDevices(text: string): DeviceFigures[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', ...words] = line.split(' ')
    if (!/^\d+:\d+$/.test(device)) return []
    const fields = new Map(words.map((word) => [word.split('=')[0]!, Number(word.split('=')[1])] as const))
    const of = (name: string) => fields.get(name) ?? 0
    return [{ device, readBytes: of('rbytes'), writeBytes: of('wbytes'), reads: of('rios'), writes: of('wios') }]
  })
}

/** Lines of `name number`. */
function fieldsOf(text: string | undefined): Map<string, number> {
  const fields = new Map<string, number>()
  for (const line of text?.split('\n') ?? []) {
    const [name, value] = line.split(' ')
    if (name && value !== undefined) fields.set(name, Number(value))
  }
  return fields
}

/** Undefined for no text, and for `max`. */
function numberIn(text: string | undefined): number | undefined {
  const trimmed = text?.trim()
  if (!trimmed) return undefined
  const value = Number(trimmed)
  return Number.isNaN(value) ? undefined : value
}

function lineCount(text: string | undefined): number | undefined {
  return text?.split('\n').filter((line) => line !== '').length
}
