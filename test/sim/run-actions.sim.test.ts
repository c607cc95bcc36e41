import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice } from '../../src/kinds/generated/types/discovery-v1.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { StatusError } from '../../src/machinery/status-error.ts'
import { assertTidy } from './end-state.ts'
import { deployment, deploymentIn, isRolledOut, podsOf, readyPods, service } from './scenario.ts'
import { inWorld, type World } from './sim-world.ts'

async function withWeb(seed: number, body: (world: World) => Promise<void>): Promise<void> {
  await inWorld({ seed }, async (world) => {
    await world.until('accounts', () => world.live.has('/registry/core/serviceaccounts/default/default'))
    await world.clientset.coreV1().services('default').create(service('web'))
    await world.clientset
      .appsV1()
      .deployments('default')
      .create(deployment('web', { replicas: 3 }))
    await world.until('rolled out', () => isRolledOut(world, 'default', 'web'))
    await world.until('three endpoints', () => readyEndpoints(world).length === 3)
    await body(world)
  })
}

function readyEndpoints(world: World): string[] {
  return [...world.live]
    .filter(([key]) => key.startsWith('/registry/discovery.k8s.io/endpointslices/default/web-'))
    .flatMap(([, slice]) => (slice as KubeObject & EndpointSlice).endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready)
    .map(({ targetRef }) => targetRef?.name ?? '')
    .sort()
}

const firstPod = (world: World) => podsOf(world, 'default', 'web')[0]!
const podNamed = (world: World, name: string) => podsOf(world, 'default', 'web').find(({ metadata }) => metadata.name === name)!
const readyReason = (world: World, name: string) => podNamed(world, name).status?.conditions?.find(({ type }) => type === 'Ready')?.reason
const place = (world: World, name: string) => {
  const { metadata, spec, status } = podNamed(world, name)
  return { uid: metadata.uid, node: spec?.nodeName, ip: status?.podIP }
}
const stateOf = (world: World, name: string) => podNamed(world, name).status?.containerStatuses?.[0]

test('a stopped pod keeps its node and address, leaves the endpoints, and comes back as it was', () =>
  withWeb(21, async (world) => {
    const pods = world.clientset.coreV1().pods('default')
    const { name = '' } = firstPod(world).metadata
    const before = place(world, name)
    await pods.stop(name, { gracePeriodSeconds: 5 })
    await world.until('stopped', () => readyReason(world, name) === 'Stopped' && stateOf(world, name)?.state?.terminated !== undefined)
    await world.until('out of the endpoints', () => !readyEndpoints(world).includes(name))
    assert.deepEqual(place(world, name), before)
    await world.advance(120_000)
    assert.equal(podsOf(world, 'default', 'web').length, 3, 'a stopped pod is not replaced')
    assert.deepEqual(place(world, name), before)
    await pods.start(name)
    await world.until('in the endpoints again', () => readyEndpoints(world).includes(name))
    assert.deepEqual(place(world, name), before)
    assert.ok(stateOf(world, name)?.state?.running)
    await world.untilQuiet()
    await assertTidy(world)
  }))

test('a paused pod keeps everything and leaves the endpoints until it is resumed', () =>
  withWeb(22, async (world) => {
    const pods = world.clientset.coreV1().pods('default')
    const { name = '' } = firstPod(world).metadata
    const before = place(world, name)
    const { containerID, restartCount } = stateOf(world, name) ?? {}
    await pods.pause(name)
    await world.until('out of the endpoints', () => !readyEndpoints(world).includes(name))
    await pods.resume(name)
    await world.until('in the endpoints again', () => readyEndpoints(world).includes(name))
    assert.deepEqual(place(world, name), before)
    assert.deepEqual([stateOf(world, name)?.containerID, stateOf(world, name)?.restartCount], [containerID, restartCount])
    await world.untilQuiet()
    await assertTidy(world)
  }))

test('a restarted pod keeps its node and address, with a new container', () =>
  withWeb(23, async (world) => {
    const pods = world.clientset.coreV1().pods('default')
    const { name = '' } = firstPod(world).metadata
    const before = place(world, name)
    const { containerID } = stateOf(world, name) ?? {}
    await pods.restart(name)
    await world.until('a new container runs', () => {
      const state = stateOf(world, name)
      return state?.containerID !== containerID && state?.ready === true
    })
    assert.deepEqual(place(world, name), before)
    assert.equal(stateOf(world, name)?.restartCount, 1)
    await world.until('three endpoints', () => readyEndpoints(world).length === 3)
    await world.untilQuiet()
    await assertTidy(world)
  }))

test('a stopped pod is deleted like any other', () =>
  withWeb(24, async (world) => {
    const pods = world.clientset.coreV1().pods('default')
    const { name = '' } = firstPod(world).metadata
    await pods.stop(name)
    await world.until('stopped', () => readyReason(world, name) === 'Stopped')
    await pods.delete(name)
    await world.until('replaced', () => readyPods(world, 'default', 'web').length === 3 && podNamed(world, name) === undefined)
    await world.untilQuiet()
    await assertTidy(world)
  }))

test('a deployment is stopped, started, paused, resumed and restarted', () =>
  withWeb(25, async (world) => {
    const deployments = world.clientset.appsV1().deployments('default')
    await deployments.stop('web')
    await world.until('no pods', () => podsOf(world, 'default', 'web').length === 0)
    assert.deepEqual(readyEndpoints(world), [])
    await deployments.start('web')
    await world.until('three again', () => isRolledOut(world, 'default', 'web'))
    assert.equal(deploymentIn(world, 'default', 'web')?.spec?.replicas, 3)

    const places = () => podsOf(world, 'default', 'web').map(({ metadata }) => place(world, metadata.name ?? ''))
    const before = places()
    await deployments.pause('web')
    await world.until('all out of the endpoints', () => readyEndpoints(world).length === 0)
    await world.advance(60_000)
    await deployments.resume('web')
    await world.until('all back', () => readyEndpoints(world).length === 3)
    assert.deepEqual(places(), before)

    world.invariants.expectReady('default/web', 3)
    await deployments.restart('web')
    const old = new Set(before.map(({ uid }) => uid))
    await world.until(
      'all new',
      () => isRolledOut(world, 'default', 'web') && !podsOf(world, 'default', 'web').some((p) => old.has(p.metadata.uid)),
    )
    await world.untilQuiet()
    await assertTidy(world)
  }))

test('what makes no sense is refused with 409 and says why', () =>
  withWeb(26, async (world) => {
    const pods = world.clientset.coreV1().pods('default')
    const deployments = world.clientset.appsV1().deployments('default')
    const { name = '' } = firstPod(world).metadata
    const cannot = (what: string, action: string, why: string) => `Operation cannot be fulfilled on ${what}: cannot ${action}: ${why}`
    const refused = async (attempt: () => Promise<unknown>, message: string) => {
      await assert.rejects(attempt, (error) => {
        assert.ok(error instanceof StatusError)
        assert.deepEqual([error.code, error.reason, error.message], [409, 'Conflict', message])
        return true
      })
    }
    const pod = `pods "${name}"`
    await refused(() => pods.start(name), cannot(pod, 'start', 'the pod is already running'))
    await refused(() => pods.resume(name), cannot(pod, 'resume', 'the pod is already running'))
    await pods.stop(name)
    await refused(() => pods.stop(name), cannot(pod, 'stop', 'the pod is already stopped'))
    await refused(() => pods.pause(name), cannot(pod, 'pause', 'the pod is stopped: it cannot be paused'))
    await refused(() => pods.restart(name), cannot(pod, 'restart', 'the pod is stopped: start it'))
    await refused(() => pods.resume(name), cannot(pod, 'resume', 'the pod is stopped: start it'))
    await pods.start(name)
    await pods.pause(name)
    await refused(() => pods.pause(name), cannot(pod, 'pause', 'the pod is already paused'))
    await refused(() => pods.start(name), cannot(pod, 'start', 'the pod is paused: resume it'))
    await pods.delete(name)
    await refused(() => pods.stop(name), cannot(pod, 'stop', 'the pod is being deleted'))
    const web = 'deployments.apps "web"'
    await refused(() => deployments.start('web'), cannot(web, 'start', 'the deployment is already running'))
    await deployments.stop('web')
    await refused(() => deployments.stop('web'), cannot(web, 'stop', 'the deployment is already stopped'))
    await refused(() => deployments.pause('web'), cannot(web, 'pause', 'the deployment is stopped: it cannot be paused'))
    await assert.rejects(() => pods.stop('missing'), { message: 'pods "missing" not found' })
  }))
