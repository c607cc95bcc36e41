import { spawn } from 'node:child_process'

export type ProgramResult = { readonly code: number; readonly stdout: string; readonly stderr: string }

export type ProgramOptions = {
  readonly stdin?: string | Uint8Array
  /** The command is killed after this long. Default 60 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Beside this process' environment. */
  readonly env?: Readonly<Record<string, string>>
}

const outputBytesMax = 16 * 1024 * 1024

/** Runs a program to its end, without a shell. A non-zero exit is a result; not starting, a signal or the timeout rejects. */
export function runProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 60_000,
      killSignal: 'SIGKILL',
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.env ? { env: { ...process.env, ...options.env } } : {}),
    })
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.once('error', reject)
    // A program that exits without reading its input breaks the pipe; its exit code tells the story.
    child.stdin.on('error', () => {})
    child.stdin.end(options.stdin)
    child.once('close', (code, signal) => {
      if (code === null) reject(new Error(`${file} ${args.join(' ')}: ended by ${signal}: ${stderr()}`))
      else resolve({ code, stdout: stdout(), stderr: stderr() })
    })
  })
}

/** As runProgram; a non-zero exit rejects with what the program said. Gives its standard output. */
export async function runProgramChecked(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const result = await runProgram(file, args, options)
  if (result.code !== 0) throw new Error(`${file} ${args.join(' ')}: exit ${result.code}: ${(result.stderr || result.stdout).trim()}`)
  return result.stdout
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= outputBytesMax) chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString()
}
