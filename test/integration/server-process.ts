/** `keelson server` and the command line as processes of their own, ended by their pids. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { type Clientset, createClientset } from '../../src/client/clientset.ts'
import type { Client } from '../../src/client/contract.ts'
import { clientFromKubeconfig } from '../../src/client/kubeconfig.ts'

const entry = resolve('src/roles/main.ts')

export type ServerProcess = {
  readonly dataDir: string
  readonly url: string
  /** The administrator's. */
  readonly client: Client
  readonly clientset: Clientset
  /** SIGKILL. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** SIGSTOP, as a machine that hangs; and SIGCONT. */
  freeze(): void
  thaw(): void
}

/** Resolves when the API is served; rejects with its output when it ends before, or takes more than a minute and is killed. */
export async function startServerProcess(options: {
  readonly dataDir: string
  readonly port: number
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}): Promise<ServerProcess> {
  const { dataDir, port, args = [], env = {} } = options
  const command = [entry, 'server', '--data-dir', dataDir, '--listen', `127.0.0.1:${port}`, ...args]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
  await new Promise<void>((served, reject) => {
    let text = ''
    const limit = setTimeout(() => child.kill('SIGKILL'), endLimitMs)
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (!text.includes('the API is served')) return
      clearTimeout(limit)
      served()
    })
    child.once('exit', () => {
      clearTimeout(limit)
      reject(new Error(text))
    })
  })
  const { client } = clientFromKubeconfig({ paths: [join(dataDir, 'admin.kubeconfig')] })
  return {
    dataDir,
    url: `https://127.0.0.1:${port}`,
    client,
    clientset: createClientset(client),
    kill: () => end(child, 'SIGKILL'),
    stop: () => end(child, 'SIGTERM'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  }
}

/** Throws when it has not ended within a minute; it is killed then. */
async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  let isLate = false
  const ended = new Promise((done) => child.once('exit', done))
  const limit = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, endLimitMs)
  child.kill(signal)
  await ended
  clearTimeout(limit)
  if (isLate) throw new Error(`the server did not end on ${signal}`)
}

const endLimitMs = 60_000

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs the command line to its end, or to that of its time. */
export function keelson(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: 120_000,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr })))
}

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const listener = createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as { port: number }
      listener.close(() => done(port))
    })
  })
}

/** Bounded: waits until `probe` gives something; failures count as nothing yet. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined> | T | undefined, limitMs = 60_000): Promise<T> {
  let last: unknown
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 100) {
    try {
      const found = await probe()
      if (found !== undefined) return found
    } catch (error) {
      last = error
    }
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`${what} did not come`, { cause: last })
}
