/** How often a pod is written in its life: by whom, and never for a step that the next one tells as well. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { type Cluster, startCluster } from '../../src/roles/embedded.ts'

const labels = { app: 'w' }
const template = (image: string, more: Partial<NonNullable<Pod['spec']>> = {}) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image: `registry.example/${image}` }], ...more },
})

const deployment = ({ clientset }: Cluster, spec: ReturnType<typeof template>) =>
  clientset
    .appsV1()
    .deployments('default')
    .create({ metadata: { name: 'w' }, spec: { replicas: 1, selector: { matchLabels: labels }, template: spec } })

for (const { title, pullMs, create, expected } of [
  {
    title: 'a pod that starts within two seconds is written when it is created, bound and running',
    create: (cluster: Cluster) => deployment(cluster, template('web:1')),
    expected: ['made', 'bound', 'Running'],
  },
  {
    title: 'one whose containers start one after the other, too',
    create: (cluster: Cluster) => {
      const [container] = template('web:1').spec.containers
      const initContainers = [{ name: 'i', image: 'registry.example/fake-exit:0-100' }]
      return deployment(cluster, template('web:1', { containers: [container!, { ...container!, name: 'd' }], initContainers }))
    },
    expected: ['made', 'bound', 'Running'],
  },
  {
    title: 'of one that takes longer it is told that its containers are being made, once',
    pullMs: 10_000,
    create: (cluster: Cluster) => deployment(cluster, template('web:1')),
    expected: ['made', 'bound', 'ContainerCreating', 'Running'],
  },
  {
    title: 'a pod of a Job is written when it has ended and when it was counted, beside that',
    create: ({ clientset }: Cluster) =>
      clientset
        .batchV1()
        .jobs('default')
        .create({ metadata: { name: 'w' }, spec: { template: template('fake-exit:0', { restartPolicy: 'Never' }) } }),
    expected: ['made', 'bound', 'Running', 'Succeeded', 'counted'],
  },
])
  test(title, async () => {
    const clock = virtualClock()
    const cluster = await startCluster({ clock, random: seededRandom(1), ...(pullMs ? { runtime: { times: { pull: pullMs } } } : {}) })
    await clock.advance(2_000)
    const told: string[] = []
    const abort = new AbortController()
    const watching = (async () => {
      const pods = cluster.clientset.coreV1().pods('default')
      for await (const event of pods.watch({ signal: abort.signal }))
        if (event.type !== 'BOOKMARK') told.push(stepOf(event.object, told.includes('Succeeded')))
    })().catch(() => {})
    await create(cluster)
    await clock.advance(30_000)
    abort.abort()
    await watching
    await cluster.close()
    assert.deepEqual(told, expected)
  })

function stepOf({ metadata, spec, status }: Pod, hasEnded: boolean): string {
  if (hasEnded && !metadata.finalizers?.length) return 'counted'
  if (status?.phase !== 'Pending') return status?.phase ?? ''
  if (!spec?.nodeName) return 'made'
  return status.containerStatuses?.[0]?.state?.waiting?.reason ?? 'bound'
}

test('a pod that takes a second to go is written when it is asked to, when it has ended, and when it is gone', async () => {
  const clock = virtualClock()
  const cluster = await startCluster({ clock, random: seededRandom(1) })
  const pods = cluster.clientset.coreV1().pods('default')
  await clock.advance(2_000)
  await pods.create({ metadata: { name: 'p' }, spec: { ...template('fake-stubborn').spec, terminationGracePeriodSeconds: 1 } })
  await clock.advance(5_000)
  const { resourceVersion = '' } = (await pods.get('p')).metadata
  const told: string[] = []
  const abort = new AbortController()
  const watching = (async () => {
    for await (const event of pods.watch({ signal: abort.signal, resourceVersion }))
      if (event.type !== 'BOOKMARK') told.push(`${event.type} ${event.object.status?.phase}`)
  })().catch(() => {})
  await pods.delete('p')
  await clock.advance(10_000)
  abort.abort()
  await watching
  await cluster.close()
  assert.deepEqual(told, ['MODIFIED Running', 'MODIFIED Failed', 'DELETED Failed'])
})
