import { readFileSync } from 'node:fs'

export type MachineMemory = {
  readonly totalBytes: number
  readonly freeBytes: number
  readonly inactiveFileBytes: number
  readonly activeFileBytes: number
  readonly anonymousBytes: number
  readonly cachedBytes: number
  readonly mappedBytes: number
  readonly swapTotalBytes: number
  readonly swapFreeBytes: number
}

/** Undefined when the kernel does not tell. */
export function readMachineMemory(): MachineMemory | undefined {
  try {
    return parseMachineMemory(readFileSync('/proc/meminfo', 'utf8'))
  } catch {
    return undefined
  }
}

/** The text of /proc/meminfo. Pure. */
export function parseMachineMemory(text: string): MachineMemory {
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024
  return {
    totalBytes: of('MemTotal'),
    freeBytes: of('MemFree'),
    inactiveFileBytes: of('Inactive\\(file\\)'),
    activeFileBytes: of('Active\\(file\\)'),
    anonymousBytes: of('AnonPages'),
    cachedBytes: of('Cached'),
    mappedBytes: of('Mapped'),
    swapTotalBytes: of('SwapTotal'),
    swapFreeBytes: of('SwapFree'),
  }
}

/** When the machine started, in milliseconds since 1970; undefined when the kernel does not tell. */
export function bootTimeMs(): number | undefined {
  try {
    const seconds = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]
    return seconds === undefined ? undefined : Number(seconds) * 1000
  } catch {
    return undefined
  }
}
