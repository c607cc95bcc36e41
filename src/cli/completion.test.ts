// The script as a real bash runs it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { completionScript } from './completion.ts'

const script = completionScript('bash', [
  { name: 'up', description: 'up', options: ['--nodes', '--no-merge', '--listen'] },
  { name: 'stop', description: 'stop', options: ['--grace-period'] },
  { name: 'status', description: 'status', options: [] },
  { name: 'keys', description: "the cluster's keys", options: ['--drop-old'], subcommands: ['rotate', 'status'] },
  { name: 'completion', description: 'completion', options: [] },
])

/** A kubectl that knows one pod and one deployment. */
const bin = mkdtempSync(join(tmpdir(), 'keelson-completion-'))
writeFileSync(join(bin, 'kubectl'), '#!/bin/sh\necho pod/web-0\necho deployment.apps/web\n')
chmodSync(join(bin, 'kubectl'), 0o755)
after(() => rmSync(bin, { recursive: true, force: true }))

/** What is offered for the last word of a line. */
function offered(...words: readonly string[]): string {
  const ask = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _keelson; echo "${COMPREPLY[*]}"'
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  const { stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${ask}`, 'bash', ...words], { env, encoding: 'utf8' })
  assert.equal(stderr, '')
  return stdout.trim()
}

for (const [words, expected] of [
  [['keelson', 'st'], 'stop status'],
  [['keelson', 'up', '--no'], '--nodes --no-merge'],
  [['keelson', 'stop', ''], 'pod/web-0 deployment/web'],
  [['keelson', 'stop', 'dep'], 'deployment/web'],
  [['keelson', 'stop', '-'], '--grace-period'],
  [['keelson', 'keys', 'rotate', 'e'], 'encryption'],
  [['keelson', 'keys', ''], 'rotate status encryption service-accounts'],
  [['keelson', 'completion', ''], 'bash zsh fish'],
] as const)
  test(`bash offers "${expected}" for "${words.join(' ')}"`, () => assert.equal(offered(...words), expected))
