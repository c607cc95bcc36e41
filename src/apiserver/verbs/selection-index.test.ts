import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { configMaps } from '../../kinds/core/config-map.ts'
import { pods } from '../../kinds/core/pod.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { sender, type TestJson } from '../test-requests.ts'
import { indexedEntriesMin } from './selection-index.ts'

type Item = { readonly metadata: { readonly name: string; readonly namespace: string } }
type List = { readonly items: readonly Item[]; readonly metadata: { readonly resourceVersion: string; readonly continue?: string } }

/** More config maps than are looked at one by one: `slice` is a fiftieth each, every fourth is of `tier` back. */
async function setUp() {
  const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(3) })
  const send = sender(api)
  const count = indexedEntriesMin + 200
  const namespaceOf = (i: number) => (i < 30 ? 'default' : 'kube-system')
  const create = (i: number) =>
    client.resource(configMaps, namespaceOf(i)).create({
      metadata: { name: `c-${i}`, labels: { slice: `s${i % 50}`, ...(i % 4 === 0 ? { tier: 'back' } : {}) } },
    })
  for (let i = 0; i < count; i += 100) await Promise.all(Array.from({ length: Math.min(100, count - i) }, (_, n) => create(i + n)))
  const list = async (query: string, namespace = ''): Promise<List> => {
    const { code, json } = await send('GET', `/api/v1/${namespace && `namespaces/${namespace}/`}configmaps?${query}`)
    assert.equal(code, 200, JSON.stringify(json))
    return json as TestJson & List
  }
  const names = async (selector: string, more = '', namespace = '') =>
    (await list(`labelSelector=${encodeURIComponent(selector)}${more}`, namespace)).items.map(({ metadata }) => metadata.name)
  return { api, client, send, list, names, count }
}

const numbers = (count: number, wants: (i: number) => boolean) =>
  Array.from({ length: count }, (_, i) => i)
    .filter(wants)
    .map((i) => `c-${i}`)
/** In the order of keys: `default` before `kube-system`, then by name. */
const ordered = (names: readonly string[]) => {
  const isFirst = (name: string) => Number(name.slice(2)) < 30
  return [...names.filter(isFirst).sort(), ...names.filter((name) => !isFirst(name)).sort()]
}

test('selectors find the same in many objects as a look at each would', async () => {
  const { api, names, count } = await setUp()
  const expected: readonly (readonly [string, (i: number) => boolean])[] = [
    ['slice=s7', (i) => i % 50 === 7],
    ['slice in (s7,s9)', (i) => [7, 9].includes(i % 50)],
    ['slice in (s8,s9),tier=back', (i) => [8, 9].includes(i % 50) && i % 4 === 0],
    ['slice=s8,!tier', (i) => i % 50 === 8 && i % 4 !== 0],
    ['slice=s8,tier!=back', (i) => i % 50 === 8 && i % 4 !== 0],
    ['tier=back', (i) => i % 4 === 0],
    ['slice=none', () => false],
    ['slice=s7,slice=s8', () => false],
    ['tier=back,slice notin (s4,s8)', (i) => i % 4 === 0 && ![4, 8].includes(i % 50)],
  ]
  for (const [selector, wants] of expected) assert.deepEqual(await names(selector), ordered(numbers(count, wants)), selector)
  assert.deepEqual(await names('slice=s7', '', 'default'), ['c-7'])
  assert.deepEqual(await names('slice=s7', '', 'nowhere'), [])
  assert.deepEqual(await names('slice=s7', '&fieldSelector=metadata.name%3Dc-57'), ['c-57'])
  await api.close()
})

test('the pods of a node are found without a look at the others, by lists and watches, as they come and go', async () => {
  const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(3) })
  const count = indexedEntriesMin + 100
  const here = client.resource(pods, 'default')
  const create = (i: number) =>
    here.create({ metadata: { name: `p-${i}` }, spec: { nodeName: `n-${i % 100}`, containers: [{ name: 'c', image: 'i' }] } })
  for (let i = 0; i < count; i += 100) await Promise.all(Array.from({ length: Math.min(100, count - i) }, (_, n) => create(i + n)))
  const fieldSelector = 'spec.nodeName=n-7'
  const list = async () => (await client.resource(pods).list({ fieldSelector })).items.map(({ metadata }) => metadata.name)
  const expected = numbers(count, (i) => i % 100 === 7).map((name) => name.replace('c-', 'p-'))
  assert.deepEqual(await list(), expected.sort())
  const { metadata } = await client.resource(pods).list({ limit: 1 })
  const stop = new AbortController()
  const events = client.resource(pods).watch({ fieldSelector, resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal })
  const seen = (async () => {
    const names: string[] = []
    for await (const event of events) {
      if (event.type === 'BOOKMARK') continue
      names.push(`${event.type} ${event.object.metadata.name}`)
      if (names.length === 2) return names
    }
    return names
  })()
  await create(count + 200 - ((count + 200) % 100) + 7)
  await create(5000)
  await here.delete('p-5000', { gracePeriodSeconds: 0 })
  await here.delete('p-7', { gracePeriodSeconds: 0 })
  const added = `p-${count + 200 - ((count + 200) % 100) + 7}`
  assert.deepEqual(await seen, [`ADDED ${added}`, 'DELETED p-7'])
  stop.abort()
  assert.deepEqual(await list(), [...expected.filter((name) => name !== 'p-7'), added].sort())
  await api.close()
})

test('what is selected is current, and pages stay at their moment', async () => {
  const { api, client, list, names } = await setUp()
  const before = await list('labelSelector=slice%3Ds7&limit=5')
  assert.equal(before.items.length, 5)
  const inSystem = client.resource(configMaps, 'kube-system')
  await inSystem.patch('c-57', { type: 'merge', body: { metadata: { labels: { slice: 's8' } } } })
  await inSystem.patch('c-58', { type: 'merge', body: { metadata: { labels: { slice: 's7' } } } })
  await inSystem.delete('c-107')
  const now = await names('slice=s7')
  assert.ok(now.includes('c-58') && !now.includes('c-57') && !now.includes('c-107'))
  const then: Item[] = [...before.items]
  for (let token = before.metadata.continue; token; ) {
    const page = await list(`labelSelector=slice%3Ds7&limit=5&continue=${token}`)
    assert.equal(page.metadata.resourceVersion, before.metadata.resourceVersion)
    then.push(...page.items)
    token = page.metadata.continue
  }
  const unchanged = now.filter((name) => name !== 'c-58')
  assert.deepEqual(
    then.map(({ metadata }) => metadata.name),
    ordered([...unchanged, 'c-57', 'c-107']),
  )
  await api.close()
})

test('collections are deleted and watches begin by the same selection', async () => {
  const { api, client, send, names } = await setUp()
  const stop = new AbortController()
  const seen: string[] = []
  const options = { labelSelector: 'slice=s7', sendInitialEvents: true, allowWatchBookmarks: true, signal: stop.signal }
  for await (const event of client.resource(configMaps).watch(options)) {
    if (event.type === 'BOOKMARK') break
    seen.push(event.object.metadata.name ?? '')
  }
  stop.abort()
  assert.deepEqual(seen, await names('slice=s7'))
  const { code } = await send('DELETE', '/api/v1/namespaces/kube-system/configmaps?labelSelector=slice%3Ds7')
  assert.equal(code, 200)
  assert.deepEqual(await names('slice=s7'), ['c-7'])
  assert.ok((await names('slice=s8')).length > 20)
  await api.close()
})
