import { readdirSync, readFileSync } from 'node:fs'

/** What this very process has used. */
export type ProcessFigures = {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly virtualBytes: number
  readonly startTimeSeconds: number
  readonly openFiles: number | undefined
  readonly openFilesMax: number | undefined
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

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
