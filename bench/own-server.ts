import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { once } from './load.ts'
import { type Target, targetOf } from './target.ts'

/** A server of the bundle on loopback, with simulated nodes, for one suite. */
export type OwnServer = {
  readonly target: Target
  readonly pid: number
  readonly dataDir: string
  readonly kubeconfig: string
  readonly readyMs: number
  stop(options?: { keepData: boolean }): Promise<void>
}

export async function startOwnServer(options: {
  readonly nodes: number
  /** More for the server's command line. */
  readonly moreArgs?: readonly string[]
  readonly dataDir?: string
  /** Where Node keeps compiled code; default: the executable's own place. */
  readonly compileCache?: string
  /** Gets each pause of the server's main thread for garbage collection, in ms. */
  readonly onGcPause?: (ms: number) => void
}): Promise<OwnServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'keelson-bench-'))
  const kubeconfig = join(dataDir, 'admin.kubeconfig')
  rmSync(kubeconfig, { force: true })
  const port = await freePort()
  const startedAt = performance.now()
  const { onGcPause, compileCache } = options
  const nodes = ['--runtime', options.nodes > 0 ? 'fake' : 'none', '--nodes', String(Math.max(1, options.nodes))]
  const args = ['server', '--data-dir', dataDir, '--listen', `127.0.0.1:${port}`, ...nodes, ...(options.moreArgs ?? [])]
  // V8 takes this switch on the command line only: past the executable, which has built the bundle before.
  if (onGcPause) spawnSync('./keelson', ['version'])
  const [program, ...flags] = onGcPause ? [process.execPath, '--trace-gc', ...switches(), 'dist/keelson.js'] : ['./keelson']
  const child = spawn(program!, [...flags, ...args], {
    stdio: ['ignore', onGcPause ? 'pipe' : 'ignore', process.env.KEELSON_BENCH_LOG ? 'inherit' : 'ignore'],
    env: { ...process.env, ...(compileCache ? { NODE_COMPILE_CACHE: compileCache } : {}) },
  })
  if (onGcPause && child.stdout) readGcPauses(child.stdout, onGcPause)
  const target = await untilReady(child, kubeconfig, port)
  const readyMs = performance.now() - startedAt
  return {
    target,
    // The shell of the executable has replaced itself by Node.
    pid: child.pid!,
    dataDir,
    kubeconfig,
    readyMs,
    stop: async (o) => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGTERM')
        await ended
      }
      if (!o?.keepData) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Of V8, as the executable has them. */
const switches = () => /exec "\$node" (.*) "\$bundle"/.exec(readFileSync('keelson', 'utf8'))![1]!.split(' ')

/** V8's lines of --trace-gc: `[pid:isolate] 123 ms: Scavenge 40.1 (50.2) -> 38.0 (51.0) MB, pooled: 0 MB, 1.23 / 0.00 ms …`. */
function readGcPauses(trace: Readable, onPause: (ms: number) => void): void {
  let isolate: string | undefined
  createInterface({ input: trace }).on('line', (line) => {
    const [, from, ms] = /^\[\d+:(0x[0-9a-f]+)(?::\d+)?\].* MB, (?:pooled: [\d.]+ MB, )?([\d.]+) \/ [\d.]+ ms/.exec(line) ?? []
    // The main thread is the first to collect; the store's has a heap of its own and nobody waits for it.
    isolate ??= from
    if (from !== undefined && from === isolate) onPause(Number(ms))
  })
}

async function untilReady(child: ChildProcess, kubeconfig: string, port: number): Promise<Target> {
  const deadline = performance.now() + 60_000
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}; KEELSON_BENCH_LOG=1 shows its log`)
    if (existsSync(kubeconfig)) {
      const target = targetOf(kubeconfig)
      try {
        if ((await once({ ...target, port }, { method: 'GET', path: '/readyz' })).code === 200) return target
      } catch {
        // Not listening yet.
      }
    }
    if (performance.now() > deadline) throw new Error('the server did not become ready within 60 s')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
