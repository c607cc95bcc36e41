import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseServerOptions } from './role-options.ts'
import { serverFlagGroups, serverHelp, serverReference } from './server-flags.ts'

const all = serverFlagGroups().flatMap(({ flags }) => flags.map(({ name }) => name))

test('no flag has two places', () => assert.deepEqual(all, [...new Set(all)]))

test('the help names every flag, in lines that a terminal has room for', () => {
  const lines = serverHelp().split('\n')
  for (const name of all)
    assert.ok(
      lines.some((line) => line.startsWith(`  --${name} `)),
      name,
    )
  for (const line of lines) assert.ok(line.length <= 140, line)
})

test('docs/reference/server.md is made from the flags', () => {
  const page = readFileSync('docs/reference/server.md', 'utf8')
  assert.equal(page.slice(page.indexOf('\n## ') + 1), serverReference(), 'run node scripts/generate-server-reference.ts')
})

test('lists may be repeated', () => {
  const options = parseServerOptions(['--controllers', '*', '--controllers=-job', '--feature-gates', 'WatchList=true'], false, {})
  assert.deepEqual(options?.access.controllers, ['*', '-job'])
  assert.deepEqual(options?.access['feature-gates'], ['WatchList=true'])
})

test('the shell completes every flag of the roles in the foreground', () => {
  const { stdout } = spawnSync(process.execPath, ['src/roles/main.ts', 'completion', 'bash'], { encoding: 'utf8' })
  const flagsOf = (role: string) => new RegExp(`^ {4}${role}\\) case \\$cur in -\\*\\) words="([^"]*)"`, 'm').exec(stdout)?.[1]?.split(' ')
  assert.deepEqual(
    flagsOf('server'),
    all.map((name) => `--${name}`),
  )
  assert.deepEqual(flagsOf('agent')?.slice(0, 3), ['--server', '--token', '--ca-hash'])
  assert.equal(flagsOf('agent')?.at(-1), '--log-level')
  assert.ok(flagsOf('agent')?.includes('--eviction-hard'))
  assert.deepEqual(flagsOf('scheduler')?.slice(0, 2), ['--kubeconfig', '--context'])
})
