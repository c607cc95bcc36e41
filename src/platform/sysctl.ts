import { readFileSync, writeFileSync } from 'node:fs'

/** Reads a kernel setting by its dotted name, e.g. `net.ipv4.ip_forward`; undefined when this kernel lacks it. */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(pathOf(name), 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes it unless it has the value already. False when this kernel lacks it. Settings below `net.` are this network namespace's. */
export function writeSysctl(name: string, value: string): boolean {
  const present = readSysctl(name)
  if (present === undefined) return false
  if (present !== value) writeFileSync(pathOf(name), value)
  return true
}

function pathOf(name: string): string {
  return `/proc/sys/${name.replaceAll('.', '/')}`
}
