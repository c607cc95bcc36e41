import { runProgram } from './run-program.ts'

const timeoutMs = 60_000

/** Bytes on disk at and below each path, on its own file system; a path that is not there has none. One process for all of them. */
export function diskUsage(paths: readonly string[]): Promise<Map<string, number>> {
  return total(paths, '-B1')
}

/** Files and directories at and below each path, as diskUsage. */
export function inodeUsage(paths: readonly string[]): Promise<Map<string, number>> {
  return total(paths, '--inodes')
}

async function total(paths: readonly string[], unit: '-B1' | '--inodes'): Promise<Map<string, number>> {
  const usage = new Map<string, number>()
  if (paths.length === 0) return usage
  // Files may vanish while they are counted; du says so with its exit code and counts the rest.
  const { stdout } = await runProgram('du', ['-s', '-x', unit, '-l', '-0', '--', ...paths], { timeoutMs })
  for (const line of stdout.split('\0')) {
    const [amount, path] = line.split('\t')
    if (path !== undefined) usage.set(path, Number(amount))
  }
  return usage
}
