import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hasCapability } from './capabilities.ts'
import { readCgroupTree, removeCgroup } from './cgroup.ts'

const line = (mountPoint: string, type: string) => `30 24 0:26 / ${mountPoint} rw,nosuid - ${type} ${type} rw`
const trees: readonly { name: string; lines: readonly string[]; expected: ReturnType<typeof readCgroupTree> }[] = [
  { name: 'v2 alone', lines: [line('/sys/fs/cgroup', 'cgroup2')], expected: { mode: 'unified', roots: ['/sys/fs/cgroup'] } },
  {
    name: 'v1 controllers with a v2 tree beside them',
    lines: [line('/sys/fs/cgroup', 'tmpfs'), line('/sys/fs/cgroup/memory', 'cgroup'), line('/sys/fs/cgroup/unified', 'cgroup2')],
    expected: { mode: 'hybrid', roots: ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/unified'] },
  },
  { name: 'v1 alone', lines: [line('/sys/fs/cgroup/cpu', 'cgroup')], expected: { mode: 'legacy', roots: ['/sys/fs/cgroup/cpu'] } },
]
for (const { name, lines, expected } of trees) {
  test(`the cgroup tree: ${name}`, () => assert.deepEqual(readCgroupTree(`${lines.join('\n')}\n`), expected))
}

test('removing a cgroup takes its children along in every hierarchy, and never the root or a path outside', () => {
  const root = mkdtempSync(join(tmpdir(), 'cgroup-'))
  const tree = { mode: 'hybrid' as const, roots: [join(root, 'cpu'), join(root, 'memory')] }
  try {
    for (const hierarchy of ['cpu', 'memory']) mkdirSync(join(root, hierarchy, 'pods/pod1/container'), { recursive: true })
    assert.deepEqual(removeCgroup('/pods/pod1', tree), [])
    assert.equal(existsSync(join(root, 'cpu/pods/pod1')), false)
    assert.equal(existsSync(join(root, 'memory/pods')), true)
    for (const path of ['', '/', '/pods/../..']) assert.deepEqual(removeCgroup(path, tree), [])
    assert.equal(existsSync(join(root, 'cpu/pods')), true)
    assert.deepEqual(removeCgroup('/nobody', tree), [])
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('capabilities are read from the mask in effect', () => {
  assert.equal(hasCapability('SYS_RESOURCE', 'CapPrm:\tffff\nCapEff:\t000001fffeffffff\n'), false)
  assert.equal(hasCapability('SYS_RESOURCE', 'CapEff:\t000001ffffffffff\n'), true)
  assert.equal(hasCapability('NET_ADMIN', 'CapEff:\t0000000000001000\n'), true)
  assert.equal(hasCapability('NET_ADMIN', 'nothing of the kind'), false)
})
