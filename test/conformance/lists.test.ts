import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { namesOf, startConformanceApi } from './conformance-api.ts'

/** Long lists in chunks, and what cannot be shown as a Table. */
const conformance = await startConformanceApi()
after(() => conformance.close())
const { send } = conformance
const total = 40
const path = `/api/v1/namespaces/${await conformance.namespace('chunks')}/podtemplates`
const name = (i: number) => `template-${String(i).padStart(4, '0')}`
for (let i = 0; i < total; i++) {
  await conformance
    .collection(path)
    .create({ metadata: { name: name(i) }, template: { spec: { containers: [{ name: 'test', image: 'test2' }] } } })
}

type Page = { readonly items: readonly TestJson[]; readonly token: string; readonly remaining: number; readonly version: string }

async function page(limit: number, token = ''): Promise<Page> {
  const { code, json, text } = await send('GET', `${path}?limit=${limit}&continue=${encodeURIComponent(token)}`)
  assert.equal(code, 200, text)
  return {
    items: json.items as TestJson[],
    token: (at(json, 'metadata.continue') as string | undefined) ?? '',
    remaining: Number(at(json, 'metadata.remainingItemCount') ?? 0),
    version: String(at(json, 'metadata.resourceVersion')),
  }
}

/** Reads to the end; every page has the next names in order, says how many are left, and keeps the version. */
async function readOn({ from, token, version, limit }: { from: number; token: string; version?: string; limit: number }): Promise<number> {
  let seen = from
  for (let rest = token, pages = 0; rest !== ''; pages++) {
    assert.ok(pages < total)
    const { items, token: next, remaining, version: now } = await page(limit, rest)
    assert.ok(items.length > 0 && items.length <= limit)
    assert.deepEqual(
      namesOf(items),
      items.map((_, i) => name(seen + i)),
    )
    assert.equal(now, (version ??= now))
    seen += items.length
    assert.equal(remaining, total - seen)
    rest = next
  }
  return seen
}

test('Servers with support for API chunking should return chunks of results for list calls', async () => {
  const first = await page(17)
  assert.equal(first.items.length, 17)
  assert.equal(first.remaining, total - 17)
  assert.equal(await readOn({ from: 17, token: first.token, version: first.version, limit: 11 }), total)
  const all = await page(0)
  assert.equal(all.items.length, total)
  assert.equal(all.token, '')
})

test('Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent', async () => {
  const first = await page(15)
  const { store, client } = conformance
  await client.raw({ method: 'DELETE', path: `${path}/${name(3)}` })
  await store.compact(store.revision)
  const expired = await send('GET', `${path}?limit=15&continue=${encodeURIComponent(first.token)}`)
  assert.equal(expired.code, 410)
  assert.equal(expired.json.reason, 'Expired')
  const inconsistent = String(at(expired.json, 'metadata.continue'))
  assert.notEqual(inconsistent, first.token)
  const second = await page(15, inconsistent)
  assert.deepEqual(
    namesOf(second.items),
    Array.from({ length: 15 }, (_, i) => name(15 + i)),
  )
  assert.equal(second.remaining, total - 30)
  assert.notEqual(second.version, first.version)
  assert.equal(await readOn({ from: 30, token: second.token, version: second.version, limit: 15 }), total)
})

test('Servers with support for Table transformation should return a 406 for a backend which does not implement metadata', async () => {
  const resourceAttributes = { namespace: 'default', verb: 'get', resource: 'pods' }
  for (const [resource, spec] of [
    ['authorization.k8s.io/v1/selfsubjectaccessreviews', { resourceAttributes }],
    ['authorization.k8s.io/v1/subjectaccessreviews', { resourceAttributes, user: 'u' }],
    ['authorization.k8s.io/v1/selfsubjectrulesreviews', { namespace: 'default' }],
    ['authentication.k8s.io/v1/tokenreviews', { token: 't' }],
  ] as const) {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const { code, json } = await send('POST', `/apis/${resource}`, { accept, body: { spec } })
    assert.deepEqual([code, json.kind, json.reason, json.code], [406, 'Status', 'NotAcceptable', 406], resource)
    // Where the client takes the plain object as well, it gets that.
    assert.equal((await send('POST', `/apis/${resource}`, { accept: `${accept},application/json`, body: { spec } })).code, 201)
  }
  assert.equal((await send('GET', path, { accept: 'application/json;as=Nothing;v=v1;g=meta.k8s.io' })).code, 406)
})
