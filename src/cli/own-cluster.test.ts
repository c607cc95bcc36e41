import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatKubeconfig } from '../client/kubeconfig-text.ts'
import { adminKubeconfig, leadsHere } from './own-cluster.ts'

test('a context leads to the cluster of its server and authority, whatever its name', (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-own-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const entry = (server: string, authority: string) => ({
    name: 'keelson',
    cluster: { server, 'certificate-authority-data': authority },
    user: { token: 't' },
  })
  const path = join(dataDir, 'user.kubeconfig')
  const leads = (context = 'keelson') => leadsHere(dataDir, { path, context })
  assert.equal(leads(), false, 'there is no kubeconfig yet')
  writeFileSync(adminKubeconfig(dataDir), formatKubeconfig(entry('https://127.0.0.1:6443', 'b25l')))
  assert.equal(leads(), false)
  for (const [server, authority, expected] of [
    ['https://127.0.0.1:6443', 'b25l', true],
    ['https://127.0.0.1:6443', 'dHdv', false],
    ['https://127.0.0.1:7443', 'b25l', false],
  ] as const) {
    writeFileSync(path, formatKubeconfig(entry(server, authority)))
    assert.equal(leads(), expected, `${server} ${authority}`)
  }
  assert.equal(leads('other'), false)
})
