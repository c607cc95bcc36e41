/** An API server in this process on a virtual clock, driven by bare requests, as the conformance tests drive a cluster. */
import assert from 'node:assert/strict'
import { createTestApi, type TestApi } from '../../src/apiserver/test-api.ts'
import { at, rawRequest, type Send, type SendOptions, type TestJson, typedSender } from '../../src/apiserver/test-requests.ts'
import { seededRandom } from '../../src/base/random.ts'
import { type VirtualClock, virtualClock } from '../../src/platform/virtual-clock.ts'
import type { KubeObject } from '../../src/machinery/object.ts'

export type ConformanceApi = TestApi & {
  readonly clock: VirtualClock
  /** One request and its whole answer, whatever its code. */
  readonly send: Send
  /** The verbs of one collection by its path; each fails unless the answer is a success. */
  collection(path: string): Collection
  /** Makes a namespace of the test's own and gives its name. */
  namespace(name: string): Promise<string>
  close(): Promise<void>
}

export type Collection = {
  readonly path: string
  create(object: object): Promise<TestJson>
  /** `name` may go on to a subresource: `x/status`. */
  get(name: string): Promise<TestJson>
  /** `query` as in a URL: `labelSelector=a%3Db&limit=2`. */
  list(query?: string): Promise<readonly TestJson[]>
  replace(name: string, object: object): Promise<TestJson>
  merge(name: string, patch: object): Promise<TestJson>
  strategic(name: string, patch: object): Promise<TestJson>
  remove(name: string): Promise<TestJson>
  removeAll(query: string): Promise<void>
  /** Fails unless the object is gone. */
  gone(name: string): Promise<void>
  watch(query?: string): Promise<Watch>
}

export type Watch = {
  /** The next event; fails at the end of the watch. */
  next(): Promise<WatchFrame>
  /** Reads on to the first event of a type (about an object of that name), passing over others. */
  until(type: string, name?: string): Promise<TestJson>
  stop(): void
}
export type WatchFrame = { readonly type: string; readonly object: TestJson }

/** Nobody is refused; objects of custom kinds of `stable.example.com` need not say what they are; the server says that it is at 192.0.2.1:6443; controllers and nodes are absent. */
export async function startConformanceApi(): Promise<ConformanceApi> {
  const clock = virtualClock()
  const test = await createTestApi({ clock, random: seededRandom(36), advertise: { address: '192.0.2.1', port: 6443 } })
  const send = typedSender(test.api, 'stable.example.com')
  return {
    ...test,
    clock,
    send,
    collection: (path) => collectionOf(test, send, path),
    namespace: async (name) => {
      await test.client.raw({ method: 'POST', path: '/api/v1/namespaces', body: JSON.stringify({ metadata: { name } }) })
      return name
    },
    close: () => test.api.close(),
  }
}

function collectionOf({ api }: TestApi, send: Send, path: string): Collection {
  const ok = async (method: string, url: string, options?: SendOptions) => {
    const { code, json, text } = await send(method, url, options)
    assert.ok(code < 300, `${method} ${url}: ${code} ${text}`)
    return json
  }
  const one = (name: string) => `${path}/${name}`
  return {
    path,
    create: (body) => ok('POST', path, { body }),
    get: (name) => ok('GET', one(name)),
    list: async (query = '') => (await ok('GET', `${path}?${query}`)).items as TestJson[],
    replace: (name, body) => ok('PUT', one(name), { body }),
    merge: (name, body) => ok('PATCH', one(name), { body, type: 'application/merge-patch+json' }),
    strategic: (name, body) => ok('PATCH', one(name), { body, type: 'application/strategic-merge-patch+json' }),
    remove: (name) => ok('DELETE', one(name)),
    removeAll: async (query) => {
      await ok('DELETE', `${path}?${query}`)
    },
    gone: async (name) => assert.equal((await send('GET', one(name))).code, 404),
    watch: async (query = '') => {
      const stop = new AbortController()
      const { code, body } = await rawRequest(api, 'GET', `${path}?watch=true&${query}`, { signal: stop.signal })
      assert.equal(code, 200)
      assert.ok(!(body instanceof Uint8Array))
      return watchOf(frames(body), () => stop.abort())
    },
  }
}

function watchOf(events: AsyncGenerator<WatchFrame>, stop: () => void): Watch {
  const next = async () => {
    const { value, done } = await events.next()
    assert.ok(!done, 'the watch ended')
    return value as WatchFrame
  }
  return {
    next,
    until: async (type, name) => {
      for (;;) {
        const event = await next()
        if (event.type === type && (name === undefined || at(event.object, 'metadata.name') === name)) return event.object
      }
    },
    stop,
  }
}

async function* frames(body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchFrame> {
  let rest = ''
  for await (const block of body) {
    const lines = (rest + Buffer.from(block).toString()).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield JSON.parse(line) as WatchFrame
  }
}

/** A copy of an object with values set at paths of dots: `{ 'metadata.labels.a': 'b' }`. Undefined removes. */
export function changed(object: TestJson | KubeObject, values: Readonly<Record<string, unknown>>): TestJson {
  const copy = structuredClone(object) as Record<string, unknown>
  for (const [path, value] of Object.entries(values)) {
    const steps = path.split('.')
    const last = steps.pop()!
    let target = copy
    for (const step of steps) target = (target[step] ??= {}) as Record<string, unknown>
    if (value === undefined) delete target[last]
    else target[last] = value
  }
  return copy
}

export const namesOf = (items: readonly TestJson[]) => items.map((item) => String(at(item, 'metadata.name')))
