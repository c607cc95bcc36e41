import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { statusErrors } from '../machinery/status-error.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import type { ControllerDefinition, LoopContext } from './contract.ts'
import { ControllerMetrics } from './controller-metrics.ts'
import { InformerFactory } from './informer-factory.ts'
import { createLoopContext } from './loop-context.ts'
import { runControllers } from './run-controllers.ts'
import { watchKind } from './watch-declaration.ts'

const { configMaps, secrets } = kindRefs.coreV1

async function withLoop(
  reconcile: ControllerDefinition['reconcile'],
  body: (loop: Loop) => Promise<void>,
  more: Partial<ControllerDefinition> = {},
): Promise<void> {
  const clock = virtualClock()
  const random = seededRandom(1)
  const { api, client } = await createTestApi({ clock, random })
  const abort = new AbortController()
  const informers = new InformerFactory({ client, clock, random, log: silentLog })
  const metrics = new ControllerMetrics()
  const definition: ControllerDefinition = { name: 'test', watches: [watchKind(configMaps)], writes: [], reconcile, ...more }
  const contextFor = ({ name }: ControllerDefinition) =>
    createLoopContext({ component: name, client, informers, clock, random, log: silentLog })
  const running = runControllers({ definitions: [definition], contextFor, informers, metrics }, abort.signal)
  await clock.settle()
  await body({ clock, client, metrics, informers })
  abort.abort()
  await running
  assert.equal(clock.pendingTimers() < 5, true, 'a stopped loop leaves no timers behind')
  await api.close()
}
type Loop = { clock: ReturnType<typeof virtualClock>; client: Client; metrics: ControllerMetrics; informers: InformerFactory }

const make = (client: Client, name: string) => client.resource(configMaps, 'default').create({ metadata: { name, namespace: 'default' } })
const nameOf = (key: string) => key.split('/')[1] ?? ''

test('a refusal is retried with growing pauses, a conflict counts apart, a bug counts as a panic', async () => {
  const starts: Record<string, number[]> = {}
  const errors: Record<string, () => Error> = {
    busy: () => statusErrors.serviceUnavailable('later'),
    stale: () => statusErrors.staleVersion({ group: '', resource: 'configmaps' }, 'stale'),
    bug: () => new TypeError('undefined is not a function'),
  }
  const reconcile = async (context: LoopContext, key: string) => {
    const name = nameOf(key)
    ;(starts[name] ??= []).push(context.clock.monotonicMs())
    const error = errors[name]?.()
    if (error && (starts[name]?.length ?? 0) < 4) throw error
    await Promise.resolve()
  }
  await withLoop(reconcile, async ({ clock, client, metrics }) => {
    for (const name of Object.keys(errors)) await make(client, name)
    await clock.advance(10_000)
    for (const name of Object.keys(errors)) {
      const times = starts[name] ?? []
      assert.deepEqual(
        times.slice(1).map((time, i) => time - times[i]!),
        [5, 10, 20],
        name,
      )
    }
    const results = metrics.resultsOf('test')
    assert.deepEqual([results.get('error'), results.get('conflict'), metrics.panicsOf('test')], [6, 3, 3])
    assert.match(metrics.expose(), /workqueue_retries_total\{name="test"\} 9\n/)
  })
})

test('a result may ask to be called again', async () => {
  const times: number[] = []
  const reconcile = async (context: LoopContext, key: string) => {
    // The API server has a ConfigMap of its own.
    if (key !== 'default/a') return undefined
    times.push(context.clock.monotonicMs())
    await Promise.resolve()
    return times.length < 3 ? { requeueAfterMs: 1_000 } : undefined
  }
  await withLoop(reconcile, async ({ clock, client }) => {
    await make(client, 'a')
    await clock.advance(60_000)
    assert.equal(times.length, 3)
  })
})

test('an informer that was not declared is refused, and counted as a bug', async () => {
  let message = ''
  const reconcile = async (context: LoopContext) => {
    await Promise.resolve()
    try {
      context.informer(secrets)
    } catch (error) {
      message = String(error)
      throw error
    }
  }
  await withLoop(reconcile, async ({ clock, client, metrics }) => {
    await make(client, 'a')
    await clock.settle()
    assert.match(message, /reads v1\/Secret without declaring it/)
    assert.ok(metrics.panicsOf('test') > 0)
  })
})

test('a loop sees its own writes before the watch does', async () => {
  const seen: boolean[] = []
  const reconcile = async (context: LoopContext, key: string) => {
    if (nameOf(key) !== 'first') return
    const resource = context.client.resource(configMaps, 'default')
    const created = await resource.create({ metadata: { name: 'second', namespace: 'default' } })
    seen.push(context.informer(configMaps).get('default/second') === created)
    await resource.delete('second')
    seen.push(context.informer(configMaps).get('default/second') === undefined)
  }
  await withLoop(reconcile, async ({ clock, client, informers }) => {
    await make(client, 'first')
    await clock.advance(1_000)
    assert.deepEqual(seen, [true, true])
    assert.equal(informers.informer(configMaps).get('default/second'), undefined)
  })
})

test('metadata is all that is kept where nobody needs more', async () => {
  await withLoop(
    async () => {},
    async ({ clock, client, informers }) => {
      await client.resource(configMaps, 'default').create({ metadata: { name: 'big', namespace: 'default' }, data: { a: 'b' } })
      await clock.settle()
      assert.deepEqual(Object.keys(informers.informer(configMaps).get('default/big') ?? {}).sort(), ['apiVersion', 'kind', 'metadata'])
    },
    { watches: [{ kind: configMaps, metadataOnly: true }] },
  )
})
