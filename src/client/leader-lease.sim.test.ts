import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from './contract.ts'
import { kindRefs } from './generated/kind-refs.ts'
import { statusErrors } from '../machinery/status-error.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { leadWhileHolding } from './leader-lease.ts'

/** Candidates on one API; `cut` takes the API away from one of them: it refuses, or says nothing any more. */
async function election(names: readonly string[], cutAs: 'refused' | 'silent' = 'refused') {
  const clock = virtualClock()
  const random = seededRandom(7)
  const { api, client } = await createTestApi({ clock, random })
  const cut = new Set<string>()
  const leading = new Set<string>()
  const aborts = new Map<string, AbortController>()
  const ends = names.map((identity) => {
    const abort = new AbortController()
    aborts.set(identity, abort)
    const lead = async (signal: AbortSignal) => {
      leading.add(identity)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      leading.delete(identity)
    }
    const options = {
      client: severable(client, () => cut.has(identity), cutAs),
      clock,
      random,
      log: silentLog,
      namespace: 'kube-system',
      name: 'manager',
      identity,
    }
    return leadWhileHolding(options, lead, abort.signal)
  })
  const stop = async () => {
    for (const abort of aborts.values()) abort.abort()
    await clock.advance(30_000)
    await Promise.all(ends)
    await api.close()
  }
  return { clock, client, cut, leading, aborts, stop }
}

function severable(client: Client, isCut: () => boolean, as: 'refused' | 'silent'): Client {
  return {
    raw: (request) => client.raw(request),
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      const cutOff = <T>() => (as === 'silent' ? new Promise<T>(() => {}) : Promise.reject<T>(statusErrors.serviceUnavailable('cut off')))
      const guard = <T>(call: () => Promise<T>) => (isCut() ? cutOff<T>() : call())
      return {
        ...resource,
        get: (name, options) => guard(() => resource.get(name, options)),
        create: (object, options) => guard(() => resource.create(object, options)),
        update: (object, options) => guard(() => resource.update(object, options)),
      }
    },
  }
}

for (const cutAs of ['refused', 'silent'] as const)
  test(`one leads; cut off (${cutAs}), it stops before another begins, and stands again`, async () => {
    const { clock, cut, leading, stop } = await election(['a', 'b', 'c'], cutAs)
    assert.equal(await clock.runUntil(() => leading.size > 0, 10_000), true)
    const [first] = leading
    await clock.advance(60_000)
    assert.deepEqual([...leading], [first])
    cut.add(first ?? '')
    let most = 0
    await clock.runUntil(() => {
      most = Math.max(most, leading.size)
      return leading.size > 0 && !leading.has(first ?? '')
    }, 60_000)
    assert.equal(most, 1)
    assert.equal(leading.size, 1)
    const [second] = leading
    cut.delete(first ?? '')
    for (const name of ['a', 'b', 'c']) if (name !== first) cut.add(name)
    assert.equal(await clock.runUntil(() => leading.has(first ?? ''), 120_000), true)
    assert.ok(!leading.has(second ?? ''))
    cut.clear()
    await stop()
  })

test('a leader that stops gives the lease back at once', async () => {
  const { clock, client, leading, aborts, stop } = await election(['a', 'b'])
  await clock.runUntil(() => leading.size > 0, 10_000)
  const first = [...leading][0] ?? ''
  aborts.get(first)?.abort()
  const startMs = clock.now()
  assert.equal(await clock.runUntil(() => leading.size === 1 && !leading.has(first), 60_000), true)
  assert.ok(clock.now() - startMs < 5_000, 'not only after the lease ran out')
  const lease = await client.resource(kindRefs.coordinationV1.leases, 'kube-system').get('manager')
  assert.equal(lease.spec?.leaseDurationSeconds, 15)
  await stop()
})

test("another program's lease is respected for as long as that program says", async () => {
  const { clock, client, leading, stop } = await election(['a'])
  await clock.runUntil(() => leading.size > 0, 10_000)
  const leases = client.resource(kindRefs.coordinationV1.leases, 'kube-system')
  const { spec, ...lease } = await leases.get('manager')
  await leases.update({ ...lease, spec: { ...spec, holderIdentity: 'other', leaseDurationSeconds: 300 } })
  await clock.advance(200_000)
  assert.equal(leading.size, 0)
  assert.equal(await clock.runUntil(() => leading.size > 0, 200_000), true)
  await stop()
})

test('a leader whose lease somebody took stops at the next renewal', async () => {
  const { clock, client, leading, stop } = await election(['a'])
  await clock.runUntil(() => leading.size > 0, 10_000)
  const leases = client.resource(kindRefs.coordinationV1.leases, 'kube-system')
  const { spec, ...lease } = await leases.get('manager')
  await leases.update({ ...lease, spec: { ...spec, holderIdentity: 'other' } })
  await clock.advance(3_000)
  assert.equal(leading.size, 0)
  await stop()
})

test('who is told to end while it takes the lease gives it back and does not lead', async () => {
  const [clock, random] = [virtualClock(), seededRandom(7)]
  const { api, client } = await createTestApi({ clock, random })
  const abort = new AbortController()
  const taking: Client = {
    raw: (request) => client.raw(request),
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      const create: typeof resource.create = async (object, options) => {
        const made = await resource.create(object, options)
        abort.abort(new Error('the server is stopping'))
        return made
      }
      return { ...resource, create }
    },
  }
  const options = {
    client: taking,
    clock: virtualClock(),
    random: seededRandom(7),
    log: silentLog,
    namespace: 'kube-system',
    name: 'manager',
  }
  await leadWhileHolding({ ...options, identity: 'a' }, () => assert.fail('it leads'), abort.signal)
  assert.equal((await client.resource(kindRefs.coordinationV1.leases, 'kube-system').get('manager')).spec?.holderIdentity ?? '', '')
  await api.close()
})
