/** A server with simulated nodes in a process of its own, and the stock clients against it, as tables of shell lines. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'

export type Answer = { readonly code: number; readonly stdout: string; readonly stderr: string }

export type ClientCluster = {
  /** Where the lines run; files that they read are written here. The server's data is in `data`, its administrator's kubeconfig there. */
  readonly dir: string
  write(file: string, text: string): void
  /** Runs a line in a shell that has kubectl and helm, with this cluster as their own. */
  sh(line: string): Promise<Answer>
  /** Stops the server and starts it again on the same data, at the same address. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** One line and what it must answer; a plain text is contained, a pattern matches. */
export type Row = {
  readonly run: string
  /** In standard output. */
  readonly says?: readonly (string | RegExp)[]
  readonly saysNot?: readonly (string | RegExp)[]
  /** It fails, and standard error has these. */
  readonly fails?: readonly (string | RegExp)[]
  /** Again until it is as told; for what a controller does a moment later. */
  readonly eventually?: true
}

const clients = resolve('.cache/clients')
const lineMsMax = 120_000
const eventuallyMsMax = 20_000

export async function startClientCluster(options: { readonly nodes: number }): Promise<ClientCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-clients-'))
  const kubeconfig = join(dir, 'data', 'admin.kubeconfig')
  let server = startServer(dir, '127.0.0.1:0', options.nodes)
  const cluster: ClientCluster = {
    dir,
    write: (file, text) => writeFileSync(join(dir, file), text, { mode: 0o755 }),
    sh: (line) => runLine(line, { dir, kubeconfig }),
    restart: async () => {
      const at = /server: "?https:\/\/([^\s"]+)/.exec(readFileSync(kubeconfig, 'utf8'))?.[1]
      await server.stop()
      server = startServer(dir, at ?? '', options.nodes)
      await until(async () => (await cluster.sh('kubectl get --raw /readyz')).code === 0)
    },
    close: async () => {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  try {
    await until(() => Promise.resolve(existsSync(kubeconfig) || server.hasExited()))
    await until(async () => (await cluster.sh('kubectl wait --for=condition=Ready node --all --timeout=20s')).code === 0)
    return cluster
  } catch (error) {
    const output = server.output()
    await cluster.close()
    throw new Error(`the server did not come up:\n${output}`, { cause: error })
  }
}

function startServer(dir: string, listen: string, nodes: number) {
  const args = ['--listen', listen, '--runtime', 'fake', '--nodes', String(nodes), '--log-level', 'warn']
  const child = spawn(process.execPath, [resolve('src/roles/main.ts'), 'server', '--data-dir', join(dir, 'data'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  return {
    output: () => output,
    hasExited: () => child.exitCode !== null,
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + eventuallyMsMax
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not within ${eventuallyMsMax} ms`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

function runLine(line: string, { dir, kubeconfig }: { dir: string; kubeconfig: string }): Promise<Answer> {
  const env = { ...process.env, PATH: `${clients}:${process.env.PATH}`, HOME: dir, KUBECONFIG: kubeconfig, LC_ALL: 'C' }
  return new Promise((done, reject) => {
    const child = spawn('sh', ['-c', line], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: lineMsMax })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => done({ code: code ?? -1, stdout, stderr }))
  })
}

const holds = (text: string, wanted: string | RegExp) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))

function complaintOf(row: Row, { code, stdout, stderr }: Answer): string | undefined {
  const told = `\n$ ${row.run}\nexit ${code}\n${stdout}${stderr}`
  if ((code !== 0) !== (row.fails !== undefined)) return `${row.fails ? 'did not fail' : 'failed'}:${told}`
  const missing = [...(row.says ?? []).filter((w) => !holds(stdout, w)), ...(row.fails ?? []).filter((w) => !holds(stderr, w))]
  const surplus = (row.saysNot ?? []).filter((w) => holds(stdout, w))
  if (missing.length > 0) return `does not say ${missing.join(' nor ')}:${told}`
  return surplus.length > 0 ? `says ${surplus.join(' and ')}:${told}` : undefined
}

/** Runs the lines one after the other, each a subtest; a failed one does not keep the others from being told. */
export async function checkRows(t: TestContext, cluster: ClientCluster, rows: readonly Row[]): Promise<void> {
  for (const row of rows) {
    await t.test(row.run, async () => {
      let complaint = complaintOf(row, await cluster.sh(row.run))
      const endMs = performance.now() + eventuallyMsMax
      while (complaint && row.eventually && performance.now() < endMs) {
        await new Promise((done) => setTimeout(done, 100))
        complaint = complaintOf(row, await cluster.sh(row.run))
      }
      assert.equal(complaint, undefined)
    })
  }
}
