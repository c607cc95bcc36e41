import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ContainerdPaths, containerdConfig, type ContainerdTraits } from './containerd-config.ts'

const paths: ContainerdPaths = {
  ...{ root: '/data/containerd', state: '/run/k/containerd', socket: '/run/k/containerd.sock', configFile: '/run/k/containerd.toml' },
  ...{
    logFile: '/data/containerd.log',
    cniConfigDirectory: '/run/k/cni',
    cniPluginDirectory: '/usr/lib/cni',
    registryDirectory: '/data/certs.d',
  },
}
const cases: readonly { name: string; traits: ContainerdTraits; expected: RegExp }[] = [
  {
    name: 'where limits cannot be raised, scores are not lowered',
    traits: { canRaiseLimits: false, cgroupMode: 'hybrid' },
    expected: /restrict_oom_score_adj = true/,
  },
  {
    name: 'where they can, scores are as asked',
    traits: { canRaiseLimits: true, cgroupMode: 'unified' },
    expected: /restrict_oom_score_adj = false/,
  },
]
for (const { name, traits, expected } of cases)
  test(name, () => assert.match(containerdConfig(paths, traits, 'localhost/pause:1'), expected))

test('everything that the engine writes is below the paths given, and it never asks a registry for the pause image', () => {
  const text = containerdConfig(paths, { canRaiseLimits: true, cgroupMode: 'unified' }, 'localhost/keelson/pause:1')
  const assigned = [...text.matchAll(/= "(\/[^"]*)"/g)].map((match) => match[1]!).toSorted((a, b) => (a < b ? -1 : 1))
  assert.deepEqual(assigned, [
    '/data/certs.d',
    '/data/containerd',
    '/run/k/cni',
    '/run/k/containerd',
    '/run/k/containerd.sock',
    '/usr/lib/cni',
  ])
  assert.match(text, /sandbox_image = "localhost\//)
})

const hasContainerd = spawnSync('containerd', ['--version']).status === 0
test('the installed containerd reads it', { skip: !hasContainerd && 'containerd is not installed' }, () => {
  const text = containerdConfig(paths, { canRaiseLimits: false, cgroupMode: 'hybrid' }, 'localhost/pause:1')
  const directory = mkdtempSync(join(tmpdir(), 'containerd-config-'))
  writeFileSync(join(directory, 'config.toml'), text)
  const dumped = spawnSync('containerd', ['--config', join(directory, 'config.toml'), 'config', 'dump'], { encoding: 'utf8' })
  rmSync(directory, { recursive: true })
  assert.equal(dumped.status, 0, dumped.stderr)
  assert.match(dumped.stdout, /sandbox_image = "localhost\/pause:1"/)
  assert.match(dumped.stdout, /netns_mounts_under_state_dir = true/)
  assert.match(dumped.stdout, /default_runtime_name = "runc"/)
  assert.deepEqual(
    [...dumped.stdout.matchAll(/runtimes\.(\w+)\.options\]\n[^[]*BinaryName = "(\w*)"/g)].map(([, handler, program]) => [handler, program]),
    [
      ['crun', 'crun'],
      ['runc', 'runc'],
    ],
  )
})
