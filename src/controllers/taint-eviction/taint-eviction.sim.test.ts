import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Taint } from '../../kinds/generated/types/core-v1.ts'
import { podCondition } from '../../kinds/pod-status.ts'
import { simCluster } from '../sim-cluster.ts'
import { taintEvictionController } from './controller.ts'

test('a pod is told that it goes, or that it need not go after all', async () => {
  const cluster = await simCluster({ definitions: [taintEvictionController()], nodes: false })
  const { clientset, clock, until } = cluster
  const [nodes, pods] = [clientset.coreV1().nodes(), clientset.coreV1().pods('default')]
  await nodes.create({ metadata: { name: 'n' } })
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] }
  const tolerations = [{ key: 'k', operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds: 60 }]
  await pods.create({ metadata: { name: 'spared', finalizers: ['x.io/y'] }, spec: { ...spec, tolerations } })
  const setTaints = (taints: readonly Taint[] | null) => nodes.patch('n', { type: 'merge', body: { spec: { taints } } })
  const told = async () => (await clientset.coreV1().events('default').list()).items.map(({ reason, message }) => `${reason}: ${message}`)
  await setTaints([{ key: 'k', effect: 'NoExecute' }])
  await clock.advance(10_000)
  await setTaints(null)
  await until('it is told', async () => (await told()).join() === 'TaintManagerEviction: Cancelling deletion of Pod default/spared')
  await clock.advance(120_000)
  assert.equal((await pods.get('spared')).metadata.deletionTimestamp, undefined)
  await setTaints([{ key: 'other', effect: 'NoExecute' }])
  await until('it goes', async () => (await pods.get('spared')).metadata.deletionTimestamp !== undefined)
  const target = podCondition(await pods.get('spared'), 'DisruptionTarget')
  assert.deepEqual([target?.reason, target?.observedGeneration], ['DeletionByTaintManager', 1])
  await until('that is told', async () => (await told()).includes('TaintManagerEviction: Marking for deletion Pod default/spared'))
  await cluster.stop()
})
