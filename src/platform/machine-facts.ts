import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, arch, release, totalmem } from 'node:os'

export type MachineFactsText = {
  readonly cpuCount: number
  readonly memoryBytes: number
  readonly machineId: string
  readonly systemUuid: string
  readonly bootId: string
  readonly kernelVersion: string
  readonly osImage: string
  /** Go's names: amd64, arm64. */
  readonly architecture: string
  /** Bytes by page size in the API's words, e.g. `2Mi`. */
  readonly hugePages: Readonly<Record<string, number>>
}

/** What does not change while the machine runs. Files that are missing give empty texts. */
export function readMachineFacts(): MachineFactsText {
  const machineId = read('/etc/machine-id')
  return {
    cpuCount: availableParallelism(),
    memoryBytes: totalmem(),
    machineId,
    systemUuid: read('/sys/class/dmi/id/product_uuid') || machineId,
    bootId: read('/proc/sys/kernel/random/boot_id'),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(read('/etc/os-release'))?.[1] ?? '',
    architecture: arch() === 'x64' ? 'amd64' : arch(),
    hugePages: readHugePages(),
  }
}

/** Memory that can be had without swapping, in bytes; undefined when the kernel does not tell. */
export function availableMemoryBytes(): number | undefined {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(read('/proc/meminfo'))?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}

export function diskSpace(path: string): { readonly capacityBytes: number; readonly availableBytes: number } | undefined {
  try {
    const { bsize, blocks, bavail } = statfsSync(path)
    return { capacityBytes: bsize * blocks, availableBytes: bsize * bavail }
  } catch {
    return undefined
  }
}

/** Time that the CPUs have worked since the machine started (user, nice, system, interrupts; not idle, not stolen); undefined when the kernel does not tell. */
export function cpuNanoseconds(): number | undefined {
  const ticks = /^cpu +(\d+) (\d+) (\d+) \d+ \d+ (\d+) (\d+)/m.exec(read('/proc/stat'))
  if (!ticks) return undefined
  return ticks.slice(1).reduce((sum, text) => sum + Number(text), 0) * (1e9 / ticksPerSecond)
}

/** USER_HZ: the same on every Linux that Node.js runs on. */
const ticksPerSecond = 100

/** Tasks that exist and the most that may; undefined when the kernel does not tell. */
export function processCounts(): { readonly count: number; readonly max: number } | undefined {
  const count = /\d+\/(\d+)/.exec(read('/proc/loadavg'))?.[1]
  const max = Number(read('/proc/sys/kernel/pid_max'))
  return count === undefined || !max ? undefined : { count: Number(count), max }
}

function readHugePages(): Record<string, number> {
  const result: Record<string, number> = {}
  try {
    for (const name of readdirSync('/sys/kernel/mm/hugepages')) {
      const kibibytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1])
      if (!kibibytes) continue
      const count = Number(read(`/sys/kernel/mm/hugepages/${name}/nr_hugepages`)) || 0
      result[kibibytes >= 1 << 20 ? `${kibibytes >> 20}Gi` : `${kibibytes >> 10}Mi`] = count * kibibytes * 1024
    }
  } catch {
    // A kernel without huge pages has none to offer.
  }
  return result
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
