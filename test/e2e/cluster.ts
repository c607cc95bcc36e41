import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** A cluster of its own for one test file, driven only by the executable and the stock kubectl. */
export type TestCluster = {
  readonly dataDir: string
  readonly kubeconfig: string
  /** Runs kubectl to its end; throws with its output when it fails (unless `mayFail`). Gives standard output. */
  kubectl(args: readonly string[], options?: { input?: string; mayFail?: boolean; timeoutMs?: number }): Promise<CommandResult>
  /** Runs lines of a shell the same way, until one fails; `kubectl` is this cluster's. */
  sh(lines: string, options?: { mayFail?: boolean; timeoutMs?: number }): Promise<CommandResult>
  /** Runs ./keelson the same way. */
  keelson(args: readonly string[], options?: { mayFail?: boolean; timeoutMs?: number }): Promise<CommandResult>
  /** A kubectl that goes on by itself (logs -f, port-forward); the caller kills it. */
  spawnKubectl(args: readonly string[]): ChildProcess
  down(): Promise<void>
}

export type CommandResult = { readonly code: number; readonly stdout: string; readonly stderr: string }

const executable = resolve('keelson')
export const kubectlPath = resolve('.cache/clients/kubectl')
export const helmPath = resolve('.cache/clients/helm')

export async function startCluster(options: {
  runtime: 'containerd' | 'fake'
  nodes?: number
  /** More flags of `up`. */
  flags?: readonly string[]
}): Promise<TestCluster> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-e2e-'))
  const port = await freePort()
  const host = options.runtime === 'fake' ? '127.0.0.1' : '0.0.0.0'
  const kubeconfig = join(dataDir, 'test.kubeconfig')
  const nodes = options.nodes === undefined ? [] : ['--nodes', String(options.nodes)]
  const upArgs = [
    'up',
    '--data-dir',
    dataDir,
    '--runtime',
    options.runtime,
    '--listen',
    `${host}:${port}`,
    '--kubeconfig',
    kubeconfig,
    ...nodes,
    ...(options.flags ?? []),
  ]
  const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: dataDir }
  const keelson: TestCluster['keelson'] = (args, o) => run(executable, args, { env, ...o })
  const cluster: TestCluster = {
    dataDir,
    kubeconfig,
    kubectl: (args, o) => run(kubectlPath, args, { env, ...o }),
    sh: (lines, o) => run('sh', ['-ec', lines], { env: { ...env, PATH: `${dirname(kubectlPath)}:${process.env.PATH}` }, ...o }),
    keelson: (args, o) => {
      const needsDataDir = ['up', 'down', 'status', 'token'].includes(args[0] ?? '')
      return keelson(needsDataDir ? [...args, '--data-dir', dataDir] : args, o)
    },
    spawnKubectl: (args) => spawn(kubectlPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] }),
    down: async () => {
      await keelson(['down', '--delete', '--data-dir', dataDir])
    },
  }
  try {
    await keelson(upArgs)
  } catch (error) {
    spawnSync(executable, ['down', '--delete', '--data-dir', dataDir], { env })
    throw error
  }
  return cluster
}

export function run(
  file: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; input?: string; mayFail?: boolean; timeoutMs?: number },
): Promise<CommandResult> {
  return new Promise((resolveRun, reject) => {
    const child = spawn(file, args, { env: options.env, stdio: ['pipe', 'pipe', 'pipe'], timeout: options.timeoutMs ?? 180_000 })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0 || options.mayFail) resolveRun({ code: code ?? 1, stdout, stderr })
      else reject(new Error(`${file.replace(/.*\//, '')} ${args.join(' ')} ended with ${code ?? signal}\n${stdout}${stderr}`))
    })
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** Looks every `everyMs` until `condition` gives something; fails with what it saw last. */
export async function eventually<T>(what: string, condition: () => Promise<T | undefined | false>, timeoutMs = 60_000): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value !== undefined && value !== false) return value
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last })
    await new Promise((r) => setTimeout(r, 150))
  }
}

function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolvePort(port))
    })
  })
}
