import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { seededRandom } from '../base/random.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { selectorFromMap } from '../machinery/label-selector.ts'
import type { KubeObject } from '../machinery/object.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { performClaims, planClaims } from './ownership.ts'

const { pods, configMaps } = kindRefs.coreV1
const pod = (name: string, labels: Record<string, string>, more = {}): Pod => ({
  metadata: { name, namespace: 'default', labels, ...more },
  spec: { containers: [{ name: 'c', image: 'i' }] },
})
const selector = selectorFromMap({ app: 'a' })

const cases: [string, KubeObject['metadata'], Pod[], Pod[], [string, string, string]][] = [
  ['keeps what matches, releases what does not', {}, [pod('k', { app: 'a' }), pod('r', { app: 'b' })], [], ['k', '', 'r']],
  ['adopts orphans that match', {}, [], [pod('o', { app: 'a' }), pod('x', {})], ['', 'o', '']],
  ['adopts nothing that is being deleted', {}, [], [pod('o', { app: 'a' }, { deletionTimestamp: 't' })], ['', '', '']],
  [
    'being deleted, neither adopts nor releases',
    { deletionTimestamp: 't' },
    [pod('r', { app: 'b' })],
    [pod('o', { app: 'a' })],
    ['', '', ''],
  ],
]
for (const [title, metadata, controlled, orphans, expected] of cases)
  test(title, () => {
    const claims = planClaims({ owner: { metadata }, selector, controlled, orphans })
    const names = (list: readonly Pod[]) => list.map((p) => p.metadata.name).join()
    assert.deepEqual([names(claims.owned), names(claims.adopt), names(claims.release)], expected)
  })

test('adoption and release are written; an owner that was replaced adopts nothing', async () => {
  const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(1) })
  const resource = client.resource(pods, 'default')
  const owner = await client.resource(configMaps, 'default').create({ metadata: { name: 'owner', namespace: 'default' } })
  const orphan = await resource.create(pod('o', { app: 'a' }))
  const context = { client, ownerKind: configMaps, owner, kind: pods }
  const claim = (controlled: Pod[], orphans: Pod[], by = context) =>
    performClaims(by, planClaims({ owner: by.owner, selector, controlled, orphans }))
  const stranger = { ...context, owner: { ...owner, metadata: { ...owner.metadata, uid: 'another' } } }
  assert.deepEqual(await claim([], [orphan], stranger), [])
  const [adopted] = await claim([], [orphan])
  assert.equal(adopted?.metadata.ownerReferences?.[0]?.uid, owner.metadata.uid)
  const relabelled = await resource.patch('o', { type: 'merge', body: { metadata: { labels: { app: 'b' } } } })
  assert.deepEqual(await claim([relabelled], []), [])
  assert.deepEqual((await resource.get('o')).metadata.ownerReferences ?? [], [])
  await resource.delete('o', { gracePeriodSeconds: 0 })
  assert.deepEqual(await claim([], [orphan]), [], 'what is gone is skipped')
  await api.close()
})
