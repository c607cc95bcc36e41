import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { pods } from '../kinds/core/pod.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createAccess } from './access.ts'

test('while the pods are still being read, a node may read what its pods name, and no more', async () => {
  const clock = virtualClock()
  const random = seededRandom(1)
  const { api, client } = await createTestApi({ clock, random })
  const access = createAccess({
    clock,
    random,
    tokenFile: undefined,
    serviceAccountKeys: generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }),
  })
  const stopping = new AbortController()
  const ofServer = new InformerFactory({ client, clock, random, log: silentLog })
  const ofLoops = new InformerFactory({ client, clock, random, log: silentLog })
  const spec = { nodeName: 'node-1', containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 'env' } }] }] }
  await client.resource(pods, 'default').create({ metadata: { name: 'web' }, spec })
  ofServer.start(stopping.signal)
  const informer = ofLoops.informer(pods)
  await access.follow({ informers: ofServer, pods: informer, reader: api.reader }, stopping.signal)

  const may = async (node: string, name: string) => {
    const decision = await access.authorizer.authorize({
      type: 'resource',
      user: { name: `system:node:${node}`, groups: ['system:nodes'] },
      verb: 'get',
      group: '',
      version: 'v1',
      resource: 'secrets',
      subresource: '',
      namespace: 'default',
      name,
    })
    return decision.allowed
  }
  const check = async () => {
    const found = await Promise.all([may('node-1', 'env'), may('node-1', 'other'), may('node-2', 'env')])
    assert.deepEqual(found, [true, false, false])
  }
  assert(!informer.hasSynced)
  await check()
  ofLoops.start(stopping.signal)
  await informer.synced()
  await check()
  stopping.abort()
  await Promise.all([ofServer.ended(), ofLoops.ended()])
  await api.close()
})
