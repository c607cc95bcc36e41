import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod } from '../../src/kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { assertTidy } from './end-state.ts'
import { deployment, isRolledOut, podsOf, readyPods, service } from './scenario.ts'
import { inWorld, type World } from './sim-world.ts'

const node = (world: World, name: string) => world.live.get(`/registry/core/nodes/${name}`) as (KubeObject & Node) | undefined
const readyOf = (world: World, name: string) => node(world, name)?.status?.conditions?.find(({ type }) => type === 'Ready')
const taintsOf = (world: World, name: string) => (node(world, name)?.spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort()
const on = (pods: readonly Pod[], name: string) => pods.filter((pod) => pod.spec?.nodeName === name)

test('a node that is cut off loses its pods after their toleration, and comes back clean', () =>
  inWorld({ seed: 11 }, async (world) => {
    const { clientset, clock } = world
    await world.until('accounts', () => world.live.has('/registry/core/serviceaccounts/default/default'))
    await clientset.coreV1().services('default').create(service('web'))
    const tolerations = ['not-ready', 'unreachable'].map((key) => ({
      key: `node.kubernetes.io/${key}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 90,
    }))
    await clientset
      .appsV1()
      .deployments('default')
      .create(deployment('web', { replicas: 6, pod: { tolerations } }))
    await world.until('rolled out', () => isRolledOut(world, 'default', 'web'))
    const lost = on(podsOf(world, 'default', 'web'), 'node-2').map(({ metadata }) => metadata?.uid)
    assert.ok(lost.length > 0, 'the node has pods to lose')

    const cutMs = clock.now()
    world.cutOff('node-2')
    await world.until('the node is unknown', () => readyOf(world, 'node-2')?.status === 'Unknown')
    assert.equal(readyOf(world, 'node-2')?.reason, 'NodeStatusUnknown')
    const unknownMs = clock.now() - cutMs
    assert.ok(unknownMs >= 30_000 && unknownMs <= 55_000, `unknown after ${unknownMs} ms`)
    await world.until('tainted', () => taintsOf(world, 'node-2').length === 2)
    assert.deepEqual(taintsOf(world, 'node-2'), ['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule'])
    await world.until('its pods are not ready', () => on(readyPods(world, 'default', 'web'), 'node-2').length === 0)

    await world.until('six ready pods elsewhere', () => readyPods(world, 'default', 'web').length === 6)
    const replacedMs = clock.now() - cutMs - unknownMs
    assert.ok(replacedMs >= 90_000, `replaced ${replacedMs} ms after the taint, before the toleration ended`)
    // The pods stay, marked as deleted: only their node can say that their containers have ended.
    const waiting = podsOf(world, 'default', 'web').filter(({ metadata }) => lost.includes(metadata.uid))
    assert.equal(waiting.length, lost.length)
    assert.ok(waiting.every(({ metadata }) => metadata.deletionTimestamp))

    world.join('node-2')
    await world.until('the node is well', () => readyOf(world, 'node-2')?.status === 'True' && taintsOf(world, 'node-2').length === 0)
    await world.until('its old pods are gone', () => !podsOf(world, 'default', 'web').some(({ metadata }) => lost.includes(metadata.uid)))
    await world.untilQuiet()
    assert.equal(readyPods(world, 'default', 'web').length, 6)
    await assertTidy(world)
  }))

test('a node that is cut off for less than its grace loses nothing', () =>
  inWorld({ seed: 12 }, async (world) => {
    await world.until('accounts', () => world.live.has('/registry/core/serviceaccounts/default/default'))
    await world.clientset
      .appsV1()
      .deployments('default')
      .create(deployment('web', { replicas: 6 }))
    await world.until('rolled out', () => isRolledOut(world, 'default', 'web'))
    const before = podsOf(world, 'default', 'web').map(({ metadata }) => metadata.uid)
    world.cutOff('node-1')
    await world.advance(25_000)
    world.join('node-1')
    await world.advance(120_000)
    assert.deepEqual(
      podsOf(world, 'default', 'web').map(({ metadata }) => metadata.uid),
      before,
    )
    assert.deepEqual(taintsOf(world, 'node-1'), [])
    assert.equal(readyPods(world, 'default', 'web').length, 6)
  }))

test('when every node is cut off at once nothing is evicted: the fault is in between', () =>
  inWorld({ seed: 13 }, async (world) => {
    await world.until('accounts', () => world.live.has('/registry/core/serviceaccounts/default/default'))
    await world.clientset
      .appsV1()
      .deployments('default')
      .create(deployment('web', { replicas: 6 }))
    await world.until('rolled out', () => isRolledOut(world, 'default', 'web'))
    const before = podsOf(world, 'default', 'web').map(({ metadata }) => metadata.uid)
    for (const { name } of world.nodes) world.cutOff(name)
    await world.advance(900_000)
    for (const { name } of world.nodes) world.join(name)
    await world.until('all nodes are well', () => world.nodes.every(({ name }) => taintsOf(world, name).length === 0))
    await world.until('all pods are ready', () => readyPods(world, 'default', 'web').length === 6)
    await world.untilQuiet()
    assert.deepEqual(
      podsOf(world, 'default', 'web').map(({ metadata }) => metadata.uid),
      before,
    )
    await assertTidy(world)
  }))
