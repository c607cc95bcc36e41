import { after, before } from 'node:test'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { describeStore, type StoreUnderTest } from '../../src/store/conformance.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { type EtcdCluster, startEtcdCluster } from './etcd-cluster.ts'

let etcd: EtcdCluster
let made = 0
before(async () => {
  etcd = await startEtcdCluster({ members: 3 })
})
after(() => etcd.close())

async function open(root: string): Promise<StoreUnderTest> {
  const store = await openEtcdStore({ endpoints: etcd.endpoints, tls: undefined, root, clock: systemClock, random: systemRandom })
  return {
    store,
    reopen: async () => {
      await store.close()
      return open(root)
    },
    dispose: () => store.close(),
  }
}

describeStore('etcd', () => open(`/store-${++made}`), { runs: 15, isDurable: true })
