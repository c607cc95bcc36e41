import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ownAccount } from './own-account.ts'

const inPod = (host: string) => (name: string) => ({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '443' })[name]

test('a program in a pod speaks as its service account, in its namespace', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-account-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  assert.equal(ownAccount(inPod('10.96.0.1'), folder), undefined, 'a pod without a token has no account')
  writeFileSync(join(folder, 'token'), 'secret')
  writeFileSync(join(folder, 'ca.crt'), 'PEM')
  writeFileSync(join(folder, 'namespace'), 'shop\n')
  const tokenFile = join(folder, 'token')
  assert.deepEqual(ownAccount(inPod('10.96.0.1'), folder), {
    connection: { server: 'https://10.96.0.1:443', tokenFile, ca: 'PEM' },
    namespace: 'shop',
  })
  assert.equal(ownAccount(inPod('fd00::1'), folder)?.connection.server, 'https://[fd00::1]:443')
  assert.equal(
    ownAccount(() => undefined, folder),
    undefined,
    'outside of a cluster there is none',
  )
})
