/**
 * The stock Go, Python and JavaScript clients against one server with simulated nodes. Each is a program of its own that tells its steps
 * line by line; when all of them say `restart`, the server is restarted under their watches.
 */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { type ClientCluster, startClientCluster } from '../integration/stock-clients.ts'

const timeoutMs = 120_000

type Program = { readonly command: readonly string[]; readonly steps: number; readonly setUp: string }

/** Made by scripts/setup-tests.sh. */
const programs: Readonly<Record<string, Program>> = {
  go: { command: [resolve('.cache/clients/go-client')], steps: 15, setUp: 'needs Go 1.26 or newer, which makes .cache/clients/go-client' },
  python: {
    command: [resolve('.cache/clients/python/bin/python'), resolve('test/clients/python/client.py')],
    steps: 7,
    setUp: 'needs Python with venv, which makes .cache/clients/python',
  },
  javascript: {
    command: [process.execPath, '--disable-warning=ExperimentalWarning', resolve('test/clients/javascript-client.ts')],
    steps: 7,
    setUp: '',
  },
}

let cluster: ClientCluster
const running = new Map<string, Run>()
before(async () => {
  cluster = await startClientCluster({ nodes: 2 })
  for (const [name, program] of Object.entries(programs)) if (existsSync(program.command[0]!)) running.set(name, start(program))
  await Promise.all([...running.values()].map((run) => run.untilRestart))
  await cluster.restart()
  for (const { child } of running.values()) child.stdin.write('restarted\n')
})
after(async () => {
  for (const { child } of running.values()) child.kill()
  await cluster.close()
})

type Run = {
  readonly child: ChildProcessWithoutNullStreams
  readonly lines: string[]
  /** When it waits for the restart, or has ended. */
  readonly untilRestart: Promise<void>
  readonly ended: Promise<number | null>
  readonly errors: () => string
}

function start({ command: [file, ...args] }: Program): Run {
  const env = { ...process.env, KUBECONFIG: resolve(cluster.dir, 'data/admin.kubeconfig'), HOME: cluster.dir }
  const child = spawn(file!, args, { env, timeout: timeoutMs })
  const lines: string[] = []
  let text = ''
  let errors = ''
  child.stderr.on('data', (block: Buffer) => (errors = (errors + block.toString()).slice(-4_000)))
  child.stdin.on('error', () => {})
  const ended = new Promise<number | null>((done) => child.once('close', done))
  const untilRestart = new Promise<void>((done) => {
    child.once('close', () => done())
    child.stdout.on('data', (block: Buffer) => {
      text += block.toString()
      const whole = text.split('\n')
      text = whole.pop() ?? ''
      lines.push(...whole)
      if (whole.includes('restart')) done()
    })
  })
  return { child, lines, untilRestart, ended, errors: () => errors }
}

for (const [name, { steps, setUp }] of Object.entries(programs)) {
  test(`the stock ${name} client works as against any Kubernetes, through a restart of the server`, async (t) => {
    const run = running.get(name)
    if (!run) return t.skip(`${setUp}; scripts/setup-tests.sh could not`)
    const code = await run.ended
    const told = `${run.lines.join('\n')}\n${run.errors()}`
    assert.equal(code, 0, told)
    const ok = run.lines.filter((line) => line.startsWith('ok: '))
    for (const line of ok) t.diagnostic(line)
    assert.equal(ok.length, steps, told)
  })
}
