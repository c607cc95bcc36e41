import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { type Clientset, createClientset } from '../../client/clientset.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { systemClock } from '../../platform/system-clock.ts'
import type { Store } from '../../store/contract.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { resourceQuotaHook } from './resource-quota.ts'
import { createTestApi, type TestApi } from '../test-api.ts'

/** Servers of one store. */
async function withServers(count: number, body: (clientsets: readonly Clientset[], store: Store) => Promise<void>): Promise<void> {
  const store = createMemoryStore()
  const apis: TestApi[] = []
  for (let i = 0; i < count; i++)
    apis.push(await createTestApi({ clock: systemClock, random: seededRandom(i), store, isStoreShared: count > 1 }))
  try {
    await body(
      apis.map(({ client }) => createClientset(client)),
      store,
    )
  } finally {
    for (const { api } of apis) await api.close()
    await store.close()
  }
}

const containers = [{ name: 'c', image: 'i' }]

test('servers of one store never fill a quota twice, and fill it', () =>
  withServers(3, async (clientsets, store) => {
    const [first] = clientsets
    const core = first!.coreV1()
    await core.namespaces().create({ metadata: { name: 'narrow' } })
    await core.resourceQuotas('narrow').create({ metadata: { name: 'q' }, spec: { hard: { pods: '7' } } })
    await Promise.all(clientsets.map((clientset) => clientset.coreV1().resourceQuotas('narrow').get('q')))
    const created = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) =>
        clientsets[i % clientsets.length]!.coreV1()
          .pods('narrow')
          .create({ metadata: { name: `p${i}` }, spec: { containers } }),
      ),
    )
    const refused = created.filter((one) => one.status === 'rejected')
    assert.equal((await core.pods('narrow').list()).items.length, 7)
    assert.equal(refused.length, 23)
    for (const { reason } of refused) assert.ok(isStatus(reason, 'Forbidden'), String(reason))
    const marks = async () => (await store.list('/registry/keelson.dev/quota-turns/')).entries.length
    assert.equal(await marks(), 1)
    // Nobody empties it here.
    const namespace = await core.namespaces().get('narrow')
    await core.namespaces().delete('narrow')
    await core.namespaces().subresource('narrow', 'finalize', { ...namespace, metadata: { name: 'narrow' }, spec: {} }, { method: 'PUT' })
    assert.equal(await marks(), 0)
  }))

test('a change that is stored is not counted once more while it is on its way to its writer', async () => {
  const { api } = await createTestApi({ clock: systemClock, random: seededRandom(1) })
  const resource = api.registry.find('', 'v1', 'services')!
  const service = (name: string, version: string, ports: number) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', uid: name, resourceVersion: version },
    spec: { type: 'NodePort', ports: Array.from({ length: ports }, (_, i) => ({ port: i + 1 })) },
  })
  const quota = { metadata: { name: 'q', namespace: 'default' }, spec: { hard: { 'services.nodeports': '4' } } }
  let stored = [service('a', '1', 1), service('b', '2', 1)]
  const list = ({ plural }: KindRef) => (plural === 'resourcequotas' ? [quota] : stored) as readonly KubeObject[] as readonly never[]
  const hook = resourceQuotaHook({ reader: { get: () => undefined, labelsOf: () => undefined, list } })
  const grow = (i: number, ports: number) =>
    hook.allocate({ resource, object: service(stored[i]!.metadata.name, '', ports), old: stored[i]!, dryRun: false })
  grow(0, 2)
  assert.throws(() => grow(1, 3), /exceeded quota/)
  stored = [service('a', '3', 2), stored[1]!]
  grow(1, 2)
  assert.throws(() => grow(1, 2), /exceeded quota/)
  await api.close()
})
