import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { seededRandom } from '../base/random.ts'
import { createClientset } from '../client/clientset.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { type Controller, runControllers, watchKind } from './own-controllers.ts'

const { configMaps, secrets } = kindRefs.coreV1

/** Gives each ConfigMap a Secret of its name. `onReconcile` may throw, and says who works. */
function copier(onReconcile: (key: string) => void): Controller {
  return {
    name: 'copier',
    watches: [watchKind(configMaps), watchKind(secrets)],
    reconcile: async (context, key) => {
      const map = context.informer(configMaps).get(key)
      if (!map || context.informer(secrets).get(key)) return
      onReconcile(key)
      const { name = '', namespace } = map.metadata
      await context.client.resource(secrets, namespace).create({ metadata: { name } })
      assert.ok(context.informer(secrets).get(key), 'a loop reads what it has written')
      context.event(map, { type: 'Normal', reason: 'Copied', message: 'it has a secret' })
    },
  }
}

async function world() {
  const clock = virtualClock()
  const random = seededRandom(3)
  const { api, client } = await createTestApi({ clock, random })
  const core = createClientset(client).coreV1()
  const secretNames = async () => (await core.secrets('default').list()).items.map((secret) => secret.metadata.name)
  return { clock, random, api, client, core, secretNames }
}

test('a controller is called for what is there, for what comes, and again for what failed', async () => {
  const { clock, random, api, client, core, secretNames } = await world()
  const stop = new AbortController()
  const failures = new Set(['default/late'])
  const controller = copier((key) => {
    if (failures.delete(key)) throw new Error('not now')
  })
  await core.configMaps('default').create({ metadata: { name: 'early' } })
  const running = runControllers({ client, controllers: [controller], clock, random }, stop.signal)
  await clock.advance(1_000)
  await core.configMaps('default').create({ metadata: { name: 'late' } })
  await clock.advance(1_000)
  assert.deepEqual(await secretNames(), ['early', 'late'])
  const [event] = (await core.events('default').list({ fieldSelector: 'involvedObject.name=early' })).items
  assert.equal(`${event?.reason} by ${event?.source?.component}`, 'Copied by copier')

  await core.secrets('default').delete('early')
  await clock.advance(1_000)
  assert.deepEqual(await secretNames(), ['early', 'late'], 'what somebody takes away is made anew')
  stop.abort()
  await clock.advance(1_000)
  await running
  await api.close()
})

test('of several processes one works, and another takes over when it ends', async () => {
  const { clock, random, api, client, core } = await world()
  const worked: string[] = []
  const processes = ['one', 'two'].map((identity) => {
    const stop = new AbortController()
    const leaderElection = { namespace: 'default', name: 'copier', identity }
    const controllers = [copier((key) => worked.push(`${identity} ${key}`))]
    return { stop, running: runControllers({ client, controllers, leaderElection, clock, random }, stop.signal) }
  })
  await clock.advance(5_000)
  await core.configMaps('default').create({ metadata: { name: 'a' } })
  await clock.advance(5_000)
  processes[0]!.stop.abort()
  await clock.advance(20_000)
  await processes[0]!.running
  await core.configMaps('default').create({ metadata: { name: 'b' } })
  await clock.advance(5_000)
  assert.deepEqual(
    worked.filter((line) => line.includes('default/')),
    ['one default/a', 'two default/b'],
  )
  processes[1]!.stop.abort()
  await clock.advance(20_000)
  await processes[1]!.running
  await api.close()
})
