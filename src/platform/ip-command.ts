import { runProgram, runProgramChecked } from './run-program.ts'

/** The kernel's network configuration through iproute2, in this process' network namespace or in the one named. */
export type IpCommand = {
  /** `ip -json ARGS`; undefined when the thing asked for does not exist. */
  show<T>(args: readonly string[]): Promise<readonly T[] | undefined>
  /** Runs lines of `ip` commands in one process; with `force` a failing line does not stop the rest nor reject. */
  batch(lines: readonly string[], options?: { force?: boolean }): Promise<void>
  /** The same for `bridge`. */
  bridgeBatch(lines: readonly string[], options?: { force?: boolean }): Promise<void>
}

export function ipCommand(networkNamespace?: string): IpCommand {
  const where = networkNamespace ? ['-n', networkNamespace] : []
  const batch = async (program: string, lines: readonly string[], force: boolean) => {
    if (lines.length === 0) return
    const args = [...where, ...(force ? ['-force'] : []), '-batch', '-']
    const result = await runProgram(program, args, { stdin: `${lines.join('\n')}\n` })
    if (result.code !== 0 && !force) throw new Error(`${program} failed: ${result.stderr.trim()} (of: ${lines.join('; ')})`)
  }
  return {
    show: async (args) => {
      const result = await runProgram('ip', [...where, '-json', ...args])
      if (result.code !== 0) return undefined
      return result.stdout.trim() === '' ? [] : (JSON.parse(result.stdout) as never)
    },
    batch: (lines, options) => batch('ip', lines, options?.force ?? false),
    bridgeBatch: (lines, options) => batch('bridge', lines, options?.force ?? false),
  }
}

/** Makes sure that a network namespace of this name exists and its loopback is up. True when it was made now. */
export async function addNetworkNamespace(name: string): Promise<boolean> {
  const existing = await runProgramChecked('ip', ['netns', 'list'])
  const isThere = existing.split('\n').some((line) => line.split(' ')[0] === name)
  if (!isThere) await runProgramChecked('ip', ['netns', 'add', name])
  await runProgramChecked('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  return !isThere
}

/** Deletes it; its interfaces go with the last process in it. No error when it is gone already. */
export async function deleteNetworkNamespace(name: string): Promise<void> {
  await runProgram('ip', ['netns', 'delete', name])
}
