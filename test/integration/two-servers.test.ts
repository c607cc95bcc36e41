/** Two control planes on one etcd: what one has answered the other shows, nothing is given twice, and one set of loops runs. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { createClientset } from '../../src/client/clientset.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { type ControlPlane, startControlPlane } from '../../src/roles/control-plane.ts'
import { createSimulatedDialer } from '../../src/roles/simulated-dialer.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { type EtcdCluster, startEtcdCluster } from './etcd-cluster.ts'

let etcd: EtcdCluster
let servers: Awaited<ReturnType<typeof startServer>>[]
const serviceAccountKeys = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

async function startServer(identity: string, address: string) {
  const clock = systemClock
  const random = systemRandom
  const store = await openEtcdStore({ endpoints: etcd.endpoints, tls: undefined, root: '/keelson', clock, random })
  const controlPlane: ControlPlane = await startControlPlane({
    store,
    clock,
    random,
    log: silentLog,
    serviceAccountKeys,
    controllerFunctions: { rootCaPem: '' },
    loops: () => import('../../src/roles/control-loops.ts'),
    advertise: { address, port: 6443 },
    shared: { identity, peers: createSimulatedDialer().dialer },
  })
  const close = async () => {
    await controlPlane.close()
    await store.close()
  }
  return { controlPlane, clientset: createClientset(controlPlane.client), close }
}

before(async () => {
  etcd = await startEtcdCluster({ members: 1 })
  servers = [await startServer('server-1', '10.1.0.1'), await startServer('server-2', '10.1.0.2')]
  await Promise.all(servers.map((server) => server.controlPlane.ready))
})
after(async () => {
  await Promise.all(servers.map((server) => server.close()))
  await etcd.close()
})

/** Bounded: waits until `probe` gives something. */
async function eventually<T>(what: string, probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const found = await probe()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${what} did not come`)
}

test('a read at one server sees every write that the other has answered', async () => {
  const [a, b] = [servers[0]!.clientset, servers[1]!.clientset]
  for (let i = 0; i < 30; i++) {
    const { metadata } = await a
      .coreV1()
      .configMaps('default')
      .create({ metadata: { name: 'shown' }, data: { i: `${i}` } })
    const found = await b.coreV1().configMaps('default').get('shown')
    assert.equal(found.metadata.resourceVersion, metadata.resourceVersion)
    const updated = await b
      .coreV1()
      .configMaps('default')
      .update({ ...found, data: { i: 'updated' } })
    const listed = await a.coreV1().configMaps('default').list()
    assert.ok(listed.items.some((item) => item.metadata.resourceVersion === updated.metadata.resourceVersion))
    await a.coreV1().configMaps('default').delete('shown')
    await assert.rejects(b.coreV1().configMaps('default').get('shown'), (error) => isStatus(error, 'NotFound'))
  }
})

test('no address and no node port is given twice, and what is deleted can be had again', async () => {
  const make = (server: number, name: string, clusterIP?: string) =>
    servers[server]!.clientset.coreV1()
      .services('default')
      .create({ metadata: { name }, spec: { type: 'NodePort', ports: [{ port: 80 }], ...(clusterIP ? { clusterIP } : {}) } })
  const made = await Promise.all(Array.from({ length: 40 }, (_, i) => make(i % 2, `web-${i}`)))
  assert.equal(new Set(made.map((service) => service.spec?.clusterIP)).size, 40)
  assert.equal(new Set(made.map((service) => service.spec?.ports?.[0]?.nodePort)).size, 40)
  const wanted = await Promise.allSettled([make(0, 'one', '10.96.0.77'), make(1, 'two', '10.96.0.77')])
  assert.deepEqual(wanted.map((result) => result.status).sort(), ['fulfilled', 'rejected'])
  const refused = wanted.find((result) => result.status === 'rejected')
  assert.match(String(refused?.reason), /provided IP is already allocated/)
  const winner = wanted[0]!.status === 'fulfilled' ? 'one' : 'two'
  await servers[0]!.clientset.coreV1().services('default').delete(winner)
  const again = await make(1, 'three', '10.96.0.77')
  assert.equal(again.spec?.clusterIP, '10.96.0.77')
})

test('both are endpoints of the kubernetes Service, and one of them runs the loops until it ends', async () => {
  const client = servers[1]!.clientset
  await eventually('both endpoints', async () => {
    const found = await client.coreV1().endpoints('default').get('kubernetes')
    return found.subsets?.[0]?.addresses?.length === 2 ? found : undefined
  })
  const leads = () => servers.map(({ controlPlane }) => controlPlane.scheduler !== undefined)
  await eventually('a leader', () => (leads().includes(true) ? true : undefined))
  assert.equal(leads().filter(Boolean).length, 1)
  const leader = leads().indexOf(true)
  const other = servers[1 - leader]!
  await servers[leader]!.close()
  await eventually('the other leads', () => (other.controlPlane.scheduler ? true : undefined))
  const deployed = await other.clientset
    .appsV1()
    .deployments('default')
    .create({
      metadata: { name: 'web' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
      },
    })
  assert.equal(deployed.metadata.name, 'web')
  await eventually('its pod', async () => (await other.clientset.coreV1().pods('default').list()).items[0])
  const left = await other.clientset.coreV1().endpoints('default').get('kubernetes')
  assert.equal(left.subsets?.[0]?.addresses?.length, 1)
})
