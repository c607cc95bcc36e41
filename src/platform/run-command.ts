import { execFile } from 'node:child_process'

export type CommandOptions = {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly timeoutMs: number
}

const outputBytesMax = 4 * 1024 * 1024

/** Runs a program to its end and gives its standard output; rejects, with its standard error in the message, when it fails. */
export function runCommand(command: string, options: CommandOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = {
      timeout: options.timeoutMs,
      maxBuffer: outputBytesMax,
      env: { ...process.env, ...options.env },
      ...(options.cwd ? { cwd: options.cwd } : {}),
    }
    execFile(command, options.args, settings, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} failed: ${stderr.trim() || error.message}`, { cause: error }))
      else resolve(stdout)
    })
  })
}
