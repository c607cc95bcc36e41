import { runProgram } from './run-program.ts'

const timeoutMs = 60_000

/** Bytes on disk at and below each path, on its own file system; a path that is not there has none. One process for all of them. */
export async function diskUsage(paths: readonly string[]): Promise<Map<string, number>> {
  const usage = new Map<string, number>()
  if (paths.length === 0) return usage
  // Files may vanish while they are counted; du says so with its exit code and counts the rest.
  const { stdout } = await runProgram('du', ['-s', '-x', '-B1', '-l', '-0', '--', ...paths], { timeoutMs })
  for (const line of stdout.split('\0')) {
    const [bytes, path] = line.split('\t')
    if (path !== undefined) usage.set(path, Number(bytes))
  }
  return usage
}
