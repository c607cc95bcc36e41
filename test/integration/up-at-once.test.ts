// Several `keelson up` and `down` of one data directory at the same time, as from two terminals.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { keelson } from './server-process.ts'

const home = mkdtempSync(join(tmpdir(), 'keelson-at-once-'))
after(() => rmSync(home, { recursive: true, force: true }))
const env = { HOME: home, KUBECONFIG: '' }

test('who brings a cluster up or down while somebody else does waits, and finds what that one has left', async () => {
  const dataDir = join(home, 'cluster')
  const up = () => keelson(['up', '--runtime', 'fake', '--no-merge', '--data-dir', dataDir, '--listen', '127.0.0.1:0'], env)
  const down = () => keelson(['down', '--delete', '--data-dir', dataDir], env)
  const ups = await Promise.all([up(), up()])
  for (const { code, stderr } of ups) assert.equal(code, 0, stderr)
  const said = ups.map(({ stderr }) => /the cluster (is up|is already running)/.exec(stderr)?.[1])
  assert.deepEqual(new Set(said), new Set(['is already running', 'is up']))
  const downs = await Promise.all([down(), down()])
  for (const { code, stderr } of downs) assert.equal(code, 0, stderr)
})

test('down touches no folder that no cluster was in', async () => {
  const folder = mkdtempSync(join(home, 'other-'))
  writeFileSync(join(folder, 'mine'), '')
  const { code, stderr } = await keelson(['down', '--delete', '--data-dir', folder], env)
  assert.equal(code, 1)
  assert.match(stderr, /does not look like a data directory of Keelson/)
  assert(!existsSync(join(folder, 'command.lock')))
})
