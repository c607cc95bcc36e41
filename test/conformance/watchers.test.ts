import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { startConformanceApi, type Watch } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())
const configMaps = conformance.collection(`/api/v1/namespaces/${await conformance.namespace('watchers')}/configmaps`)
const label = 'watch-this-configmap'
const selector = (value: string) => `labelSelector=${label}%3D${value}`
const make = (name: string, value: string) => configMaps.create({ metadata: { name, labels: { [label]: value } } })
const mutate = (name: string, mutation: string) => configMaps.merge(name, { data: { mutation } })
const versionOf = (object: TestJson) => String(at(object, 'metadata.resourceVersion'))
const from = (object: TestJson) => `resourceVersion=${versionOf(object)}`

async function sees(watch: Watch, type: string, name: string, mutation?: string): Promise<TestJson> {
  const event = await watch.next()
  assert.deepEqual([event.type, at(event.object, 'metadata.name'), at(event.object, 'data.mutation')], [type, name, mutation])
  return event.object
}

test('Watchers should observe add, update, and delete watch notifications on configmaps', async () => {
  const [a, b, ab] = [
    await configMaps.watch(selector('a')),
    await configMaps.watch(selector('b')),
    await configMaps.watch(`labelSelector=${label}%20in%20(a,b)`),
  ]
  await make('configmap-a', 'a')
  for (const watch of [a, ab]) await sees(watch, 'ADDED', 'configmap-a')
  for (const mutation of ['1', '2']) {
    await mutate('configmap-a', mutation)
    for (const watch of [a, ab]) await sees(watch, 'MODIFIED', 'configmap-a', mutation)
  }
  await configMaps.remove('configmap-a')
  for (const watch of [a, ab]) await sees(watch, 'DELETED', 'configmap-a', '2')
  await make('configmap-b', 'b')
  await configMaps.remove('configmap-b')
  for (const watch of [b, ab]) {
    await sees(watch, 'ADDED', 'configmap-b')
    await sees(watch, 'DELETED', 'configmap-b')
  }
  // What no selector is for is told to nobody: the next that each hears of is the next that it wants.
  await make('configmap-c', 'c')
  await mutate('configmap-c', '1')
  await configMaps.remove('configmap-c')
  await make('configmap-a-again', 'a')
  await make('configmap-b-again', 'b')
  for (const watch of [a, ab]) await sees(watch, 'ADDED', 'configmap-a-again')
  for (const watch of [b, ab]) await sees(watch, 'ADDED', 'configmap-b-again')
  b.stop()
  ab.stop()
  a.stop()
})

test('Watchers should be able to start watching from a specific resource version', async () => {
  await make('from-version', 'v')
  const first = await mutate('from-version', '1')
  await mutate('from-version', '2')
  await configMaps.remove('from-version')
  const watch = await configMaps.watch(`${selector('v')}&${from(first)}`)
  await sees(watch, 'MODIFIED', 'from-version', '2')
  const gone = await sees(watch, 'DELETED', 'from-version', '2')
  watch.stop()
  // A deletion has a version of its own, from which only what comes after it is told.
  const later = await configMaps.watch(`${selector('v')}&${from(gone)}`)
  await make('after-version', 'v')
  await sees(later, 'ADDED', 'after-version')
  later.stop()
})

test('Watchers should be able to restart watching from the last resource version observed by the previous watch', async () => {
  const before = await configMaps.watch(selector('restart'))
  await make('restarted', 'restart')
  await mutate('restarted', '1')
  await sees(before, 'ADDED', 'restarted')
  const last = await sees(before, 'MODIFIED', 'restarted', '1')
  before.stop()
  await mutate('restarted', '2')
  await configMaps.remove('restarted')
  const again = await configMaps.watch(`${selector('restart')}&${from(last)}`)
  await sees(again, 'MODIFIED', 'restarted', '2')
  await sees(again, 'DELETED', 'restarted', '2')
  again.stop()
})

test('Watchers should observe an object deletion if it stops meeting the requirements of the selector', async () => {
  const watch = await configMaps.watch(selector('picked'))
  const relabel = (value: string) => configMaps.merge('relabelled', { metadata: { labels: { [label]: value } } })
  await make('relabelled', 'picked')
  await mutate('relabelled', '1')
  await relabel('other')
  await sees(watch, 'ADDED', 'relabelled')
  await sees(watch, 'MODIFIED', 'relabelled', '1')
  await sees(watch, 'DELETED', 'relabelled', '1')
  await mutate('relabelled', '2')
  await relabel('picked')
  await mutate('relabelled', '3')
  await configMaps.remove('relabelled')
  await sees(watch, 'ADDED', 'relabelled', '2')
  await sees(watch, 'MODIFIED', 'relabelled', '3')
  await sees(watch, 'DELETED', 'relabelled', '3')
  watch.stop()
})

test('Watchers should receive events on concurrent watches in same order', async () => {
  const rounds = 30
  const start = await make('first', 'order')
  const writing = writeOrderly(rounds)
  const lead = await configMaps.watch(`${selector('order')}&${from(start)}`)
  const followers: Watch[] = []
  for (let i = 0; i < rounds; i++) {
    const event = await lead.next()
    for (const follower of followers) assert.equal(versionOf((await follower.next()).object), versionOf(event.object))
    followers.push(await configMaps.watch(`${selector('order')}&${from(event.object)}`))
  }
  await writing
  for (const watch of [lead, ...followers]) watch.stop()
})

/** Creates, changes and deletes by turns, each round three writes. */
async function writeOrderly(rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await make(`order-${i}`, 'order')
    await mutate(`order-${i}`, String(i))
    await configMaps.remove(`order-${i}`)
  }
}
