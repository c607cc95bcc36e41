import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { tar, type TarEntry } from './tar.ts'

const long = `${'folder/'.repeat(20)}file.txt`
const entries: readonly TarEntry[] = [
  { type: 'directory', path: 'bin', mode: 0o755 },
  { type: 'file', path: 'bin/tool', mode: 0o4755, content: Buffer.from('#!/bin/sh\n') },
  { type: 'symlink', path: 'bin/alias', mode: 0o777, target: 'tool' },
  { type: 'hardlink', path: 'bin/same', mode: 0o755, target: 'bin/tool' },
  { type: 'file', path: long, mode: 0o600, uid: 1000, gid: 2000, content: Buffer.alloc(513, 'x') },
  { type: 'symlink', path: 'far', mode: 0o777, target: `/${long}` },
]

test('the system tar reads every kind of entry, long names included', () => {
  const listed = spawnSync('tar', ['--list', '--verbose', '--numeric-owner', '--utc', '-f', '-'], { input: tar(entries), encoding: 'utf8' })
  assert.equal(listed.status, 0, listed.stderr)
  const lines = listed.stdout
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' '))
  assert.deepEqual(lines, [
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 bin/',
    '-rwsr-xr-x 0/0 10 1970-01-01 00:00 bin/tool',
    'lrwxrwxrwx 0/0 0 1970-01-01 00:00 bin/alias -> tool',
    'hrwxr-xr-x 0/0 0 1970-01-01 00:00 bin/same link to bin/tool',
    `-rw------- 1000/2000 513 1970-01-01 00:00 ${long}`,
    `lrwxrwxrwx 0/0 0 1970-01-01 00:00 far -> /${long}`,
  ])
})

test('equal input gives equal bytes', () => assert.deepEqual(tar(entries), tar(entries)))
