import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/** A machine with nothing but bash, and what is given; its apt-get writes down what it is asked for. */
function setUp(options: { uid: number; commands?: readonly string[]; packages: readonly string[] }) {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-packages-'))
  const asked = join(folder, 'asked')
  const command = (name: string, script: string) => writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 })
  try {
    symlinkSync('/bin/bash', join(folder, 'bash'))
    command('id', `echo ${options.uid}`)
    command('apt-get', `echo "$*" >> ${asked}`)
    for (const name of options.commands ?? []) command(name, '')
    writeFileSync(asked, '')
    const { status, stdout, stderr } = spawnSync('/bin/bash', ['scripts/setup-packages.sh', ...options.packages], {
      env: { PATH: folder },
      encoding: 'utf8',
    })
    return { status, stdout, stderr, asked: readFileSync(asked, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('what is named and missing is installed, and said in one line', () => {
  const { status, stdout, asked } = setUp({ uid: 0, packages: ['busybox-static', 'curl'], commands: ['curl'] })
  assert.equal(status, 0)
  assert.match(stdout, /^setup: Debian packages busybox-static \(.*\n$/)
  assert.equal(asked, 'update -qq\ninstall -y -qq --no-install-recommends busybox-static\n')
})

test('nothing is done when it is there', () => {
  assert.deepEqual(setUp({ uid: 0, packages: ['busybox-static'], commands: ['busybox'] }), { status: 0, stdout: '', stderr: '', asked: '' })
})

test('without names everything that is missing is meant', () => {
  const { asked } = setUp({ uid: 0, packages: [], commands: ['containerd', 'nft'] })
  assert.match(asked, / runc .*conntrack iproute2 busybox-static unzip .*etcd-server python3 python3-venv\n$/)
  assert.doesNotMatch(asked, / containerd | nftables /)
})

test('without root it says what is missing', () => {
  const { status, stderr, asked } = setUp({ uid: 1000, packages: ['busybox-static'] })
  assert.deepEqual([status, asked], [1, ''])
  assert.match(stderr, /^setup: missing: busybox-static \(install them as root/)
})
