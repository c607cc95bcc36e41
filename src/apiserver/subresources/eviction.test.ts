import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { type Clientset, createClientset } from '../../client/clientset.ts'
import type { Pod, PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Operation } from '../../store/contract.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { overtaken } from '../overtaken-store.ts'
import { createTestApi } from '../test-api.ts'

const labels = { app: 'web' }
const running = (isReady: boolean): PodStatus => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
})

/** A pod in a state, under a budget that allows no disruption; it becomes ready while it is being evicted. */
async function evictReadyingPod(
  before: PodStatus,
  body: (clientset: Clientset, eviction: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const removesPod = ({ type, key }: Operation) => type === 'delete' && key.endsWith('/pods/default/web')
  const setStatus = async (status: PodStatus) => {
    const pod: Pod = await clientset.coreV1().pods('default').get('web')
    await clientset
      .coreV1()
      .pods('default')
      .updateStatus({ ...pod, status })
  }
  const store = overtaken(createMemoryStore(), removesPod, () => setStatus(running(true)))
  const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(1), store })
  const clientset = createClientset(client)
  try {
    const pods = clientset.coreV1().pods('default')
    await pods.create({ metadata: { name: 'web', labels }, spec: { containers: [{ name: 'c', image: 'i' }] } })
    await setStatus(before)
    const budgets = clientset.policyV1().podDisruptionBudgets('default')
    const budget = await budgets.create({ metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: labels } } })
    const counts = { currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0, expectedPods: 1, observedGeneration: 1 }
    await budgets.updateStatus({ ...budget, status: counts })
    await body(clientset, pods.evict('web'))
  } finally {
    await api.close()
  }
}

test('a pod that becomes ready while it is evicted as one that is not started is guarded by its budget', () =>
  evictReadyingPod({ phase: 'Pending' }, async (clientset, eviction) => {
    await assert.rejects(eviction, { reason: 'TooManyRequests', message: /violate the pod's disruption budget/ })
    assert.equal((await clientset.coreV1().pods('default').get('web')).metadata.deletionTimestamp, undefined)
  }))

test('a pod that becomes ready while its budget lets it go as one that is not stays', () =>
  evictReadyingPod(running(false), async (clientset, eviction) => {
    await assert.rejects(eviction, { reason: 'TooManyRequests' })
    assert.equal((await clientset.coreV1().pods('default').get('web')).metadata.deletionTimestamp, undefined)
  }))
