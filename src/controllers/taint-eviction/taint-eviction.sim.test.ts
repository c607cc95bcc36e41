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

test('a pod goes that comes to a node with such a taint, or is there before the node is known', async () => {
  const cluster = await simCluster({ definitions: [taintEvictionController()], nodes: false })
  const { clientset, until } = cluster
  const [nodes, pods] = [clientset.coreV1().nodes(), clientset.coreV1().pods('default')]
  const tainted = (name: string) => nodes.create({ metadata: { name }, spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } })
  const on = (nodeName: string, name: string) =>
    pods.create({ metadata: { name, finalizers: ['x.io/y'] }, spec: { nodeName, containers: [{ name: 'c', image: 'i' }] } })
  const goes = async (name: string) => (await pods.get(name)).metadata.deletionTimestamp !== undefined
  await tainted('there')
  await nodes.create({ metadata: { name: 'clean' } })
  await on('there', 'late')
  await on('clean', 'safe')
  await until('it goes', () => goes('late'))
  await on('comes', 'early')
  assert.equal(await goes('early'), false)
  await tainted('comes')
  await until('it goes', () => goes('early'))
  assert.equal(await goes('safe'), false)
  await cluster.stop()
})
