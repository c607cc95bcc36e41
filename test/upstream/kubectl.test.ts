/** What `kubectl` prints of the kinds that are used most is what it prints of them on Kubernetes 1.36; recorded by `record-kubectl.ts`. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { kubectlOutput } from './kubectl-output.ts'
import { ownFront } from './own-front.ts'

test('kubectl prints what it prints on upstream', async (t) => {
  const front = await ownFront()
  const dir = mkdtempSync(join(tmpdir(), 'keelson-kubectl-'))
  t.after(async () => {
    await front.close()
    rmSync(dir, { recursive: true })
  })
  const { host, port, ca, token } = front
  const cluster = { server: `https://${host}:${port}`, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'own', cluster }],
    users: [{ name: 'own', user: { token } }],
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
    'current-context': 'own',
  }
  const kubeconfig = join(dir, 'kubeconfig')
  writeFileSync(kubeconfig, JSON.stringify(config))
  const printed = await kubectlOutput(kubeconfig, join(dir, 'cache'))
  assert.deepEqual(printed.split('\n'), readFileSync(new URL('kubectl.txt', import.meta.url), 'utf8').split('\n'))
})
