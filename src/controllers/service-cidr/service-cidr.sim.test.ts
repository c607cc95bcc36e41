import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceIpRepairController } from '../service-ip-repair/controller.ts'
import { simCluster, type SimCluster } from '../sim-cluster.ts'
import { serviceCidrController } from './controller.ts'

async function inCluster(body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [serviceCidrController, serviceIpRepairController()], nodes: false })
  try {
    await body(cluster)
    for (const name of ['service-cidr', 'service-ip-repair']) assert.equal(cluster.metrics.panicsOf(name), 0)
  } finally {
    await cluster.stop()
  }
}

const finalizer = 'networking.k8s.io/service-cidr-finalizer'
const service = (name: string, clusterIP: string) => ({ metadata: { name }, spec: { clusterIP, ports: [{ port: 80 }] } })

async function readyOf({ clientset }: SimCluster, name: string): Promise<string | undefined> {
  const { metadata, status } = await clientset.networkingV1().serviceCIDRs().get(name)
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return ready && `${ready.status} ${ready.reason} ${ready.message} ${metadata.finalizers?.join() ?? ''}`
}

const isGone =
  ({ clientset }: SimCluster, name: string) =>
  async () =>
    !(await clientset.networkingV1().serviceCIDRs().list()).items.some(({ metadata }) => metadata.name === name)

test('a range becomes ready, is held by its addresses when it is deleted, and goes when they are gone', () =>
  inCluster(async (cluster) => {
    const { clientset, until, clock } = cluster
    const ranges = clientset.networkingV1().serviceCIDRs()
    assert.equal(await readyOf(cluster, 'kubernetes'), `True  Kubernetes default Service CIDR is ready ${finalizer}`)
    await ranges.create({ metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/24'] } })
    await until('ready', async () => (await readyOf(cluster, 'more')) === `True  Kubernetes Service CIDR is ready ${finalizer}`)
    await clientset.coreV1().services('default').create(service('far', '10.200.0.5'))
    await ranges.delete('more')
    const held = `False Terminating There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR ${finalizer}`
    await until('held', async () => (await readyOf(cluster, 'more')) === held)
    await clock.advance(60_000)
    assert.equal(await isGone(cluster, 'more')(), false)
    await clientset.coreV1().services('default').delete('far')
    await until('gone', isGone(cluster, 'more'), 20_000)
  }))

test('a range may go at once when another one has all its addresses', () =>
  inCluster(async (cluster) => {
    const { clientset, until } = cluster
    const ranges = clientset.networkingV1().serviceCIDRs()
    await ranges.create({ metadata: { name: 'small' }, spec: { cidrs: ['10.200.0.0/24'] } })
    await until('ready', async () => (await readyOf(cluster, 'small'))?.startsWith('True') === true)
    await clientset.coreV1().services('default').create(service('far', '10.200.0.5'))
    await ranges.delete('small')
    await until('held', async () => (await readyOf(cluster, 'small'))?.startsWith('False') === true)
    await ranges.create({ metadata: { name: 'large' }, spec: { cidrs: ['10.200.0.0/16'] } })
    await until('gone', isGone(cluster, 'small'), 20_000)
  }))

test('an address object that somebody deleted comes back, one that nobody holds goes, and both are told', () =>
  inCluster(async (cluster) => {
    const { clientset, until } = cluster
    const addresses = clientset.networkingV1().ipAddresses()
    await clientset.coreV1().services('default').create(service('web', '10.96.0.50'))
    await addresses.delete('10.96.0.50')
    const names = async () => (await addresses.list()).items.map(({ metadata }) => metadata.name)
    await until('back', async () => (await names()).includes('10.96.0.50'), 20_000)
    const labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' }
    const parentRef = { resource: 'services', namespace: 'default', name: 'nobody' }
    await addresses.create({ metadata: { name: '10.96.0.51', labels }, spec: { parentRef } })
    await addresses.create({ metadata: { name: '10.96.0.52' }, spec: { parentRef } })
    await until('gone', async () => !(await names()).includes('10.96.0.51'), 20_000)
    assert.ok((await names()).includes('10.96.0.52'), 'what others manage is theirs')
    const events = (await clientset.coreV1().events('default').list()).items.map(({ reason, message }) => `${reason} ${message}`)
    assert.deepEqual(events.sort(), [
      'ClusterIPNotAllocated Cluster IP [IPv4]: 10.96.0.50 is not allocated; repairing',
      'IPAddressNotAllocated IPAddress: 10.96.0.51 for Service default/nobody appears to have leaked: cleaning up',
    ])
  }))
