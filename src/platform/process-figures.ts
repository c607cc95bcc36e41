import { readdirSync, readFileSync } from 'node:fs'

/** What this very process has used. */
export type ProcessFigures = {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly virtualBytes: number
  readonly startTimeSeconds: number
  readonly openFiles: number | undefined
  readonly openFilesMax: number | undefined
  /** Undefined where it has no limit that can be told. */
  readonly virtualBytesMax?: number | undefined
  /** Of all interfaces of its network namespace. */
  readonly receivedBytes?: number | undefined
  readonly transmittedBytes?: number | undefined
}

export function processFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    virtualBytes: Number(/^VmSize:\s+(\d+) kB$/m.exec(read('/proc/self/status'))?.[1] ?? 0) * 1024,
    startTimeSeconds: performance.timeOrigin / 1000,
    openFiles: openFileCount(),
    openFilesMax: openFileLimit(),
    virtualBytesMax: addressSpaceLimit(),
    ...networkBytes(),
  }
}

function openFileCount(): number | undefined {
  try {
    // The listing itself holds one.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}

function openFileLimit(): number | undefined {
  const soft = Number(/^Max open files\s+(\d+)/m.exec(read('/proc/self/limits'))?.[1])
  return Number.isNaN(soft) ? undefined : soft
}

/** What is not limited counts as the greatest number of 64 bits, as every exporter has it. */
function addressSpaceLimit(): number | undefined {
  const soft = /^Max address space\s+(\S+)/m.exec(read('/proc/self/limits'))?.[1]
  return soft === undefined ? undefined : soft === 'unlimited' ? 2 ** 64 : Number(soft)
}

function networkBytes(): Pick<ProcessFigures, 'receivedBytes' | 'transmittedBytes'> {
  const rows = [...read('/proc/self/net/dev').matchAll(/^\s*[^:\s]+:\s*(.*)$/gm)].map(([, figures = '']) =>
    figures.trim().split(/\s+/).map(Number),
  )
  if (rows.length === 0) return {}
  const sum = (column: number) => rows.reduce((total, row) => total + (row[column] ?? 0), 0)
  return { receivedBytes: sum(0), transmittedBytes: sum(8) }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
