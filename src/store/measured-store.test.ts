import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../platform/system-clock.ts'
import { describeStore, key, put, remove } from './conformance.ts'
import { measuredStore } from './measured-store.ts'
import { createMemoryStore } from './memory.ts'

describeStore(
  'measured',
  async () => {
    const { store } = measuredStore(createMemoryStore(), systemClock)
    return { store, dispose: () => store.close() }
  },
  { runs: 20, isDurable: false },
)

test('counts what is asked of a store, by operation and resource', async () => {
  const { store, text } = measuredStore(createMemoryStore(), systemClock, () => 4096)
  await store.commit([put('core/pods/default/a', '1', 'absent')])
  await store.commit([put('core/pods/other/b', '1', 'absent')])
  await store.commit([remove('core/pods/default/a')])
  await store.get(key('apps/deployments/default/a'))
  await store.close()
  await assert.rejects(store.get(key('apps/deployments/default/a')))
  const lines = text().split('\n')
  for (const line of [
    'etcd_requests_total{group="",operation="create",resource="pods"} 2',
    'etcd_requests_total{group="",operation="delete",resource="pods"} 1',
    'etcd_request_duration_seconds_count{group="apps",operation="get",resource="deployments"} 2',
    'etcd_request_errors_total{group="apps",operation="get",resource="deployments"} 1',
    'apiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 4096',
  ])
    assert.ok(lines.includes(line), line)
})
