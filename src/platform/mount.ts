import { readFileSync, statfsSync } from 'node:fs'
import { runProgramChecked } from './run-program.ts'

const timeoutMs = 20_000

/** Mounts a tmpfs on an existing directory. Needs CAP_SYS_ADMIN. `sizeBytes` undefined: the kernel's default, half of the memory. */
export async function mountTmpfs(directory: string, options: { readonly sizeBytes?: number; readonly mode: number }): Promise<void> {
  const settings = [`mode=${options.mode.toString(8)}`, ...(options.sizeBytes === undefined ? [] : [`size=${options.sizeBytes}`])]
  await runProgramChecked('mount', ['-t', 'tmpfs', '-o', ['nosuid,nodev', ...settings].join(','), 'tmpfs', directory], { timeoutMs })
}

/** Whether files in the directory live in memory and are gone after a reboot. Source: statfs(2), TMPFS_MAGIC and RAMFS_MAGIC. */
export function isInMemory(directory: string): boolean {
  const { type } = statfsSync(directory)
  return type === 0x0102_1994 || type === 0x8584_58f6
}

/** Shows a file or directory at another place as well. The source is taken as it is: no link in it is resolved by the program. */
export async function bindMount(source: string, target: string): Promise<void> {
  await runProgramChecked('mount', ['--no-canonicalize', '--bind', source, target], { timeoutMs })
}

/** Mounts `source` so that nothing there can be written, run, or used as a device or for another's rights. */
export async function mountReadOnly(
  { type, source, options }: { readonly type: string; readonly source: string; readonly options: readonly string[] },
  directory: string,
): Promise<void> {
  const guards = 'ro,nosuid,nodev,noexec'
  if (type !== 'bind') {
    await runProgramChecked('mount', ['-t', type, '-o', [...options, guards].join(','), source, directory], { timeoutMs })
    return
  }
  // A bind takes its own flags in a second step only.
  await bindMount(source, directory)
  await runProgramChecked('mount', ['-o', `remount,bind,${guards}`, directory], { timeoutMs })
}

/** Detaches what is mounted on the directory; users of it keep what they have open. */
export async function unmount(directory: string): Promise<void> {
  await runProgramChecked('umount', ['-l', directory], { timeoutMs })
}

/** Mount points at or below the directory, deepest first, from the text of /proc/self/mountinfo. */
export function mountPointsUnder(directory: string, mountInfo = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  const points: string[] = []
  for (const line of mountInfo.split('\n')) {
    const field = line.split(' ')[4]
    if (field === undefined) continue
    // Blanks and the like are written as octal escapes.
    const point = field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    if (point === directory || point.startsWith(`${directory}/`)) points.push(point)
  }
  return points.sort((a, b) => b.length - a.length)
}
