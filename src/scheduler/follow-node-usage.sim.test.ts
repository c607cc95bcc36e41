import { test } from 'node:test'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { nodeUsageAnnotation, nodeUsageText } from '../kinds/node-usage.ts'
import { readConfiguration } from './config/scheduler-configuration.ts'
import { withCluster } from './sim-cluster.ts'

const byLoad = readConfiguration({
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  profiles: [
    {
      plugins: { multiPoint: { enabled: [{ name: 'LoadAware', weight: 10 }] } },
      pluginConfig: [{ name: 'LoadAware', args: { thresholds: { cpu: 80 } } }],
    },
  ],
})

test('pods go by what nodes write on their leases, and wait where all of them are loaded', () =>
  withCluster(
    1,
    async (c) => {
      const leases = c.client.resource(kindRefs.coordinationV1.leases, 'kube-node-lease')
      await c.client
        .resource(kindRefs.coreV1.namespaces)
        .create({ metadata: { name: 'kube-node-lease' } })
        .catch(() => {})
      const report = async (name: string, cpuMilli: number) => {
        const annotations = { [nodeUsageAnnotation]: nodeUsageText({ cpuMilli, memoryBytes: 2 ** 30 }) }
        const known = await leases.get(name).catch(() => undefined)
        const renewTime = `2030-01-01T00:${known ? '59' : '00'}:00.000000Z`
        if (known) await leases.update({ ...known, metadata: { ...known.metadata, annotations }, spec: { renewTime } })
        else await leases.create({ metadata: { name, annotations }, spec: { renewTime } })
      }
      for (const name of ['a', 'b']) await c.addNode({ name, cpu: '4' })
      await report('a', 3_000)
      await report('b', 100)
      await c.clock.settle()
      await c.addPod({ name: 'p', requests: { cpu: '100m' } })
      await c.until('the idle node', async () => (await c.pod('p')).spec?.nodeName === 'b')
      await report('a', 4_000)
      await report('b', 4_000)
      await c.clock.settle()
      await c.addPod({ name: 'q', requests: { cpu: '100m' } })
      await c.until('a reason', async () =>
        ((await c.pod('q')).status?.conditions?.[0]?.message ?? '').startsWith(
          "0/2 nodes are available: 2 node(s) exceeded their load's threshold.",
        ),
      )
      await report('a', 4_000)
      await leases.delete('b')
      await c.until('the node that reports nothing any more', async () => (await c.pod('q')).spec?.nodeName === 'b')
    },
    byLoad,
  ))
