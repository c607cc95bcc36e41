import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { nodePaths } from '../../src/roles/node/node-paths.ts'
import { readCgroupTree } from '../../src/platform/cgroup.ts'

/** What a test file inside its own network namespace owns. Everything is named after `id` and gone after the run, come what may. */
export type OwnNamespace = {
  /** Short, unique on the machine. */
  readonly id: string
  /** Name of the network namespace (`ip netns`); others that the test makes begin with it and a dash. */
  readonly network: string
  readonly directory: string
  /** On tmpfs, for sockets. */
  readonly stateDirectory: string
  /** Parent of every cgroup of the test. */
  readonly cgroup: string
}

/**
 * First line of a root test: gives the namespace when the file already runs in one. Otherwise declares one test that makes a
 * namespace, runs the file again in it, and sweeps away whatever the run has left; the file then declares nothing itself.
 */
export function ownNamespace(url: string): OwnNamespace | undefined {
  const id = process.env.KEELSON_TEST_NAMESPACE
  if (id) return namespaceOf(id)
  const path = fileURLToPath(url)
  test(`${path.slice(path.lastIndexOf('/') + 1)}, in a network namespace of its own`, async () => {
    const own = namespaceOf(`kt${process.pid}`)
    try {
      run('ip', ['netns', 'add', own.network])
      run('ip', ['-n', own.network, 'link', 'set', 'lo', 'up'])
      const { code, output } = await rerun(path, own)
      assert.equal(code, 0, output)
    } finally {
      await sweep(own)
    }
  })
  return undefined
}

function namespaceOf(id: string): OwnNamespace {
  return { id, network: id, directory: `/tmp/keelson-${id}`, stateDirectory: `/run/keelson/${id}`, cgroup: `/keelson-${id}` }
}

function rerun(path: string, own: OwnNamespace): Promise<{ code: number | null; output: string }> {
  const environment: NodeJS.ProcessEnv = { ...process.env, KEELSON_TEST_NAMESPACE: own.id }
  // The outer runner's channel is not the inner one's.
  delete environment.NODE_TEST_CONTEXT
  const args = [
    `--net=/run/netns/${own.network}`,
    '--',
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--test-reporter=spec',
    path,
  ]
  const child = spawn('nsenter', args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
      if (process.env.KEELSON_TEST_VERBOSE) process.stderr.write(chunk)
    })
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

/** Ends what a crashed run left behind, found by the names that only this run has. */
async function sweep(own: OwnNamespace): Promise<void> {
  const owned = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid && belongs(pid, own))
  for (let round = 0; round < 50; round++) {
    const pids = owned()
    if (pids.length === 0) break
    for (const pid of pids) spawnSync('kill', ['-9', String(pid)])
    await new Promise((resolve) => setImmediate(resolve))
    spawnSync('sleep', ['0.02'])
  }
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter(
      (path) => path.startsWith(own.directory) || path.startsWith(own.stateDirectory) || path.startsWith(nodePaths(own.directory).stateDir),
    )
  for (const path of mounts.reverse()) spawnSync('umount', ['-l', path])
  const node = nodePaths(own.directory)
  for (const root of readCgroupTree().roots) for (const cgroup of [own.cgroup, node.cgroupRoot]) removeTree(join(root, cgroup))
  const listed = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout.split('\n')
  const namespaces = listed.map((line) => line.split(' ')[0]!).filter((name) => name === own.network || name.startsWith(`${own.network}-`))
  for (const name of namespaces) spawnSync('ip', ['netns', 'delete', name])
  for (const path of [own.directory, own.stateDirectory, node.stateDir]) rmSync(path, { recursive: true, force: true })
}

function belongs(pid: number, own: OwnNamespace): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    const paths = nodePaths(own.directory)
    const marks = [own.stateDirectory, own.cgroup, paths.stateDir, paths.cgroupRoot]
    return marks.some((mark) => text.includes(`${mark}/`))
  } catch {
    return false
  }
}

function removeTree(path: string): void {
  if (!existsSync(path)) return
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeTree(join(path, entry.name))
  try {
    rmdirSync(path)
  } catch {
    // A process that is just dying still holds it; its name is unique, so it disturbs nobody.
  }
}

function run(file: string, args: readonly string[]): void {
  const result = spawnSync(file, args, { encoding: 'utf8' })
  assert.equal(result.status, 0, `${file} ${args.join(' ')}: ${result.stderr}`)
}
