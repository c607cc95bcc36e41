import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StreamOverflow } from '../base/bounded-stream.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { noRevision, type Operation, type Revision, type Store, StoreCompacted, type StoreKey, StoreUnavailable } from './contract.ts'
import { createMemoryStore } from './memory.ts'
import { createWatchCache } from './watch-cache.ts'
import type { CacheBatch, CacheEvent } from './watch-cache-contract.ts'

type Decoded = { readonly text: string; readonly revision: Revision; readonly origin: 'decoded' | 'handed over' }

const bytes = (text: string) => new TextEncoder().encode(text)
const key = (name: string) => `/registry/core/pods/${name}` as StoreKey
const put = (name: string, text: string, expected: Operation['expected'] | 'absent' = 'any'): Operation => ({
  type: 'put',
  key: key(name),
  value: bytes(text),
  expected,
})
const remove = (name: string): Operation => ({ type: 'delete', key: key(name), expected: 'any' })
const show = (event: CacheEvent<Decoded>) => `${event.type} ${event.key.slice(20)}=${event.value.text}@${event.value.revision}`

type SetUp = { historyEventsMax?: number; historyBytesMax?: number; watcherSizeMax?: number; watcherBytesMax?: number; store?: Store }

async function setUp(options: SetUp = {}) {
  const clock = virtualClock()
  const store = options.store ?? createMemoryStore({ clock })
  const decode = (_key: StoreKey, value: Uint8Array, revision: Revision): Decoded => ({
    text: new TextDecoder().decode(value),
    revision,
    origin: 'decoded',
  })
  const cache = await createWatchCache<Decoded>({ store, decode, clock, sizeOf: ({ text }) => text.length, ...options })
  const ending = new AbortController()
  return { clock, store, cache, ending, signal: ending.signal }
}

async function take(stream: AsyncIterable<CacheBatch<Decoded>>, count: number): Promise<CacheEvent<Decoded>[]> {
  const events: CacheEvent<Decoded>[] = []
  for await (const batch of stream) {
    events.push(...batch.events)
    if (events.length >= count) break
  }
  return events
}

const bound = (store: Store, property: keyof Store): unknown => {
  const value: unknown = store[property]
  return typeof value === 'function' ? (value as () => unknown).bind(store) : value
}

const drain = async (stream: AsyncIterable<unknown>) => {
  for await (const _ of stream);
}

describe('watch cache', () => {
  it('holds what the store held before it, in key order', async () => {
    const store = createMemoryStore()
    for (const name of ['b/2', 'a/1', 'b/1']) await store.commit([put(name, name)])
    const { cache } = await setUp({ store })
    assert.deepEqual(
      cache.list('/registry/core/pods/').map((entry) => [entry.key.slice(20), entry.value.text, entry.revision]),
      [
        ['a/1', 'a/1', 2],
        ['b/1', 'b/1', 3],
        ['b/2', 'b/2', 1],
      ],
    )
    assert.deepEqual([cache.revision, cache.oldestRevision], [3, 3])
    await cache.close()
  })

  it('lets a writer read its own write, with the value that it handed over', async () => {
    const { cache } = await setUp()
    const result = await cache.commit([put('a/1', 'x')], [(revision) => ({ text: 'x', revision, origin: 'handed over' })])
    assert.deepEqual(result, { type: 'committed', revision: 1 })
    assert.deepEqual(cache.get(key('a/1'))?.value, { text: 'x', revision: 1, origin: 'handed over' })
    await cache.commit([put('a/1', 'y')])
    assert.equal(cache.get(key('a/1'))?.value.origin, 'decoded')
    await cache.close()
  })

  it('tells of a conflict without applying anything', async () => {
    const { cache } = await setUp()
    await cache.commit([put('a/1', 'x')])
    const result = await cache.commit([put('a/2', 'y'), put('a/1', 'z', 'absent')])
    assert.equal(result.type, 'conflict')
    assert.equal(cache.get(key('a/2')), undefined)
    await cache.close()
  })

  it('gives a deletion the last state at the revision of the deletion', async () => {
    const { cache, signal } = await setUp()
    const stream = cache.watch('/registry/', { after: noRevision, signal })
    await cache.commit([put('a/1', 'x')])
    await cache.commit([remove('a/1')])
    assert.deepEqual((await take(stream, 2)).map(show), ['put a/1=x@1', 'delete a/1=x@2'])
    await cache.close()
  })

  it('gives a deletion the last state that its writer tells of, and of several who delete it that of who succeeds', async () => {
    const { cache, signal } = await setUp()
    const stream = cache.watch('/registry/', { after: noRevision, signal })
    await cache.commit([put('a/1', 'x')])
    const deletes = (revision: number, last?: string): Operation => ({
      ...{ type: 'delete', key: key('a/1'), expected: revision as Revision },
      ...(last === undefined ? {} : { last: new TextEncoder().encode(last) }),
    })
    const told = (text: string) => (revision: Revision) => ({ text, revision, origin: 'handed over' as const })
    const outcomes = await Promise.all([
      cache.commit([deletes(1, 'y')], [told('y')]),
      cache.commit([deletes(1, 'z')], [told('z')]),
      cache.commit([deletes(1)]),
    ])
    assert.deepEqual(
      outcomes.map(({ type }) => type),
      ['committed', 'conflict', 'conflict'],
    )
    await cache.commit([put('a/1', 'w')])
    assert.equal((await cache.commit([deletes(1, 'v')], [told('v')])).type, 'conflict')
    await cache.commit([remove('a/1')])
    const events = await take(stream, 4)
    assert.deepEqual(events.map(show), ['put a/1=x@1', 'delete a/1=y@2', 'put a/1=w@3', 'delete a/1=w@4'])
    assert.equal(events[1]!.value.origin, 'handed over')
    await cache.close()
  })

  it('starts a watch from its history and gives each event once', async () => {
    const { cache, signal } = await setUp()
    for (let i = 1; i <= 5; i++) await cache.commit([put('a/1', `${i}`)])
    const stream = cache.watch('/registry/', { after: 2 as Revision, signal })
    await cache.commit([put('a/1', '6')])
    assert.deepEqual(
      (await take(stream, 4)).map((event) => event.revision),
      [3, 4, 5, 6],
    )
    await cache.close()
  })

  it('refuses to start a watch below its history', async () => {
    const { cache, signal } = await setUp({ historyEventsMax: 3 })
    for (let i = 1; i <= 5; i++) await cache.commit([put('a/1', `${i}`)])
    assert.equal(cache.oldestRevision, 2)
    await assert.rejects(drain(cache.watch('', { after: 1 as Revision, signal })), StoreCompacted)
    assert.equal((await take(cache.watch('', { after: 2 as Revision, signal }), 3)).length, 3)
    await cache.close()
  })

  it('skips what lies before the start of a watch in the future', async () => {
    const { cache, signal } = await setUp()
    const stream = cache.watch('', { after: 2 as Revision, signal })
    for (let i = 1; i <= 3; i++) await cache.commit([put('a/1', `${i}`)])
    assert.deepEqual(
      (await take(stream, 1)).map((event) => event.revision),
      [3],
    )
    await cache.close()
  })

  it('ends only the slow watcher', async () => {
    const { cache, signal } = await setUp()
    const slow = cache.watch('', { after: noRevision, signal, sizeMax: 2 })
    const fast = cache.watch('', { after: noRevision, signal })
    for (let i = 1; i <= 3; i++) await cache.commit([put('a/1', `${i}`)])
    await assert.rejects(drain(slow), StreamOverflow)
    assert.equal((await take(fast, 3)).length, 3)
    await cache.close()
  })

  it('ends a watcher for which too many bytes wait, and nobody else; one large value comes whatever its size', async () => {
    const { cache, signal } = await setUp({ watcherBytesMax: 100 })
    const slow = cache.watch('', { after: noRevision, signal })
    const fast = cache.watch('', { after: noRevision, signal })[Symbol.asyncIterator]()
    for (let i = 1; i <= 5; i++) {
      await cache.commit([put('a/1', `${i}`.repeat(40))])
      assert.equal((await fast.next()).value?.events.length, 1)
    }
    await assert.rejects(drain(slow), StreamOverflow)
    const next = cache.watch('', { after: cache.revision, signal })
    await cache.commit([put('a/1', 'x'.repeat(200))])
    assert.equal((await take(next, 1))[0]?.value.text.length, 200)
    await cache.close()
  })

  const historyCases: readonly (readonly [title: string, write: (i: number) => Operation, kept: number])[] = [
    ['what is replaced counts, and its oldest events are forgotten', () => put('a/1', 'x'.repeat(40)), 5],
    ['so does what is deleted', (i) => (i % 2 === 0 ? put('a/1', 'x'.repeat(40)) : remove('a/1')), 4],
    ['what is there in any case does not', (i) => put(`a/${i}`, 'x'.repeat(40)), 100],
    ['small values reach far back', (i) => put('a/1', `${i % 2}`), 100],
  ]
  for (const [title, write, kept] of historyCases)
    it(`keeps a history of at most so many bytes: ${title}`, async () => {
      const { cache, signal } = await setUp({ historyBytesMax: 200 })
      for (let i = 0; i < 100; i++) await cache.commit([write(i)])
      assert.equal(cache.revision - cache.oldestRevision, kept)
      assert.equal((await take(cache.watch('', { after: cache.oldestRevision, signal }), kept)).length, kept)
      if (kept < 100) await assert.rejects(drain(cache.watch('', { after: noRevision, signal })), StoreCompacted)
      await cache.close()
    })

  const prefixes: readonly (readonly [prefix: string, seen: readonly string[]])[] = [
    ['', ['a/1', 'a/10', 'ab/1', 'b/1']],
    ['/', ['a/1', 'a/10', 'ab/1', 'b/1']],
    ['/registry/core/pods/', ['a/1', 'a/10', 'ab/1', 'b/1']],
    ['/registry/core/pods/a', ['a/1', 'a/10', 'ab/1']],
    ['/registry/core/pods/a/', ['a/1', 'a/10']],
    ['/registry/core/pods/a/1', ['a/1', 'a/10']],
    ['/registry/core/pods/a/10', ['a/10']],
    ['/registry/core/secrets/', []],
    ['/reg', ['a/1', 'a/10', 'ab/1', 'b/1']],
  ]
  for (const [prefix, seen] of prefixes) {
    it(`dispatches to a watcher of '${prefix}' what its list shows`, async () => {
      const { cache, clock, signal } = await setUp()
      for (const [other] of prefixes) cache.watch(other, { after: noRevision, signal })
      const stream = cache.watch(prefix, { after: noRevision, signal, progressMs: 1000 })
      for (const name of ['a/1', 'a/10', 'ab/1', 'b/1']) await cache.commit([put(name, name)])
      const events: string[] = []
      const reading = (async () => {
        for await (const batch of stream) {
          if (batch.events.length === 0) return
          events.push(...batch.events.map((event) => event.key.slice(20)))
        }
      })()
      await clock.settle()
      await clock.advance(1000)
      await reading
      assert.deepEqual(events, seen)
      assert.deepEqual(
        cache.list(prefix).map((entry) => entry.key.slice(20)),
        [...seen].sort(),
      )
      await cache.close()
    })
  }

  it('shares one batch among the watchers of a prefix', async () => {
    const { cache, signal } = await setUp()
    const streams = [1, 2].map(() => cache.watch('/registry/', { after: noRevision, signal })[Symbol.asyncIterator]())
    await cache.commit([put('a/1', 'x')])
    const [one, two] = await Promise.all(streams.map((stream) => stream.next()))
    assert.equal(one!.value, two!.value)
    await cache.close()
  })

  it('marks progress in order with the events', async () => {
    const { cache, clock, signal } = await setUp()
    const stream = cache.watch('/registry/core/pods/a/', { after: noRevision, signal, progressMs: 60_000 })[Symbol.asyncIterator]()
    await cache.commit([put('a/1', 'x')])
    await cache.commit([put('b/1', 'x')])
    assert.equal((await stream.next()).value.revision, 1)
    await clock.advance(60_000)
    assert.deepEqual((await stream.next()).value, { revision: 2, events: [] })
    await stream.return!()
    assert.equal(clock.pendingTimers(), 0)
    await cache.close()
  })

  it('ends a watch when its signal aborts and all of them when it closes', async () => {
    const { cache, ending } = await setUp()
    const aborted = drain(cache.watch('', { after: noRevision, signal: ending.signal }))
    const open = drain(cache.watch('', { after: noRevision, signal: new AbortController().signal }))
    ending.abort()
    await aborted
    const waiting = cache.waitFor(99 as Revision)
    await Promise.all([assert.rejects(open, StoreUnavailable), assert.rejects(waiting, StoreUnavailable), cache.close()])
  })

  it('gives what waits for a turn as one batch, the same to all who waited as long', async () => {
    const turn = Promise.withResolvers<void>()
    const { cache, signal } = await setUp()
    const asked: number[] = []
    const pace = (events: number) => {
      asked.push(events)
      return turn.promise
    }
    const streams = [1, 2].map(() => cache.watch('', { after: noRevision, signal, pace })[Symbol.asyncIterator]())
    const reads = streams.map((stream) => stream.next())
    for (const name of ['a/1', 'a/2', 'a/3']) await cache.commit([put(name, name)])
    turn.resolve()
    const [one, two] = await Promise.all(reads)
    assert.deepEqual(one!.value.events.map(show), ['put a/1=a/1@1', 'put a/2=a/2@2', 'put a/3=a/3@3'])
    assert.equal(one!.value.revision, 3)
    assert.equal(one!.value, two!.value)
    assert.deepEqual(asked, [1, 1])
    await cache.close()
  })

  it('gathers what comes while a delivery is on its way, and as long again, for those that may wait', async () => {
    const { cache, clock, signal } = await setUp()
    const watch = (options: object) => cache.watch('', { after: cache.revision, signal, ...options })[Symbol.asyncIterator]()
    const next = async (stream: AsyncIterator<CacheBatch<Decoded>>) => (await stream.next()).value.events.map(show)
    const inside = watch({})
    const remote = watch({ gathers: true })
    const slow = watch({ gathers: true })
    const firsts = [next(inside), next(remote), next(slow)]
    await cache.commit([put('a/1', 'x')])
    assert.deepEqual(await Promise.all(firsts), Array(3).fill(['put a/1=x@1']))
    const [fromInside, fromRemote] = [next(inside), next(remote)]
    await cache.commit([put('a/2', 'x')])
    assert.deepEqual(await fromInside, ['put a/2=x@2'])
    await clock.advance(20)
    // Took 20 ms in all: its next comes when 40 have passed.
    const fromSlow = next(slow)
    await cache.commit([put('a/3', 'x')])
    await clock.advance(19)
    const seen: string[][] = []
    void fromRemote.then((events) => seen.push(events))
    await clock.advance(0)
    assert.deepEqual(seen, [])
    await clock.advance(1)
    assert.deepEqual([await fromRemote, await fromSlow], Array(2).fill(['put a/2=x@2', 'put a/3=x@3']))
    // Who never comes back holds nobody up for long.
    const last = next(remote)
    await cache.commit([put('a/4', 'x')])
    await clock.advance(100)
    assert.deepEqual(await last, ['put a/4=x@4'])
    await cache.close()
  })

  it('tells a watcher that begins of nothing twice, and marks no revision before it has told of it', async () => {
    const { cache, clock, signal } = await setUp()
    const watch = (after: number) =>
      cache.watch('', { after: after as Revision, signal, gathers: true, progressMs: 1000 })[Symbol.asyncIterator]()
    const next = async (stream: AsyncIterator<CacheBatch<Decoded>>) => {
      const { revision, events } = (await stream.next()).value
      return [revision, ...events.map(show)]
    }
    const early = watch(0)
    const reads = [next(early)]
    await clock.advance(980)
    await cache.commit([put('a/1', 'x')])
    assert.deepEqual(await Promise.all(reads), [[1, 'put a/1=x@1']])
    await cache.commit([put('a/2', 'x')])
    // What gathers for the early one is history for the late one.
    const late = watch(1)
    assert.deepEqual([await next(early), await next(late)], Array(2).fill([2, 'put a/2=x@2']))
    const two = [next(early), next(late)]
    await cache.commit([put('a/3', 'x')])
    assert.deepEqual(await Promise.all(two), Array(2).fill([3, 'put a/3=x@3']))
    // Both are away when the early one's mark is due, and would have this a while later.
    await cache.commit([put('a/4', 'x')])
    await clock.advance(20)
    assert.deepEqual([await next(early), await next(late)], Array(2).fill([4, 'put a/4=x@4']))
    await cache.close()
  })

  it('wakes nobody for what he does not want', async () => {
    const { cache, signal } = await setUp()
    const stream = cache.watch('', { after: noRevision, signal, wants: (event) => event.key.endsWith('2') })
    for (const name of ['a/1', 'a/2', 'a/3']) await cache.commit([put(name, name)])
    const first = await stream[Symbol.asyncIterator]().next()
    assert.deepEqual(first.value.events.map(show), ['put a/2=a/2@2'])
    await cache.close()
  })

  it('brings a watcher of one group what is or was of it, and nobody else', async () => {
    const { cache, signal } = await setUp()
    let asked = 0
    const grouping = {
      groupOf: ({ text }: Decoded): unknown => {
        asked++
        return text[0]
      },
      termsOf: () => [],
    }
    const options = { after: noRevision, signal }
    const watch = (group: string) => cache.watch('/registry/core/pods/', { ...options, only: { grouping, group } })
    const [a, b] = [watch('a'), watch('b')]
    for (let i = 0; i < 1000; i++) watch(`other ${i}`)
    await cache.commit([put('a/1', 'a1')])
    await cache.commit([put('a/1', 'b1')])
    await cache.commit([put('a/2', 'c1')])
    await cache.commit([remove('a/1')])
    await cache.commit([put('a/3', 'a3')])
    assert.deepEqual((await take(a, 3)).map(show), ['put a/1=a1@1', 'put a/1=b1@2', 'put a/3=a3@5'])
    assert.deepEqual((await take(b, 2)).map(show), ['put a/1=b1@2', 'delete a/1=b1@4'])
    assert.ok(asked < 20, `${asked} questions for five events`)
  })

  it('cuts pages out of the past as far as it remembers', async () => {
    const { cache } = await setUp({ historyEventsMax: 3 })
    for (const name of ['a/1', 'a/2', 'a/3', 'a/4']) await cache.commit([put(name, name)])
    await cache.commit([put('a/2', 'new')])
    await cache.commit([remove('a/3')])
    const page = (revision: number, after?: string) => {
      const found = cache.page(key(''), { revision: revision as Revision, limit: 2, after: after === undefined ? undefined : key(after) })
      return found && [found.entries.map((entry) => `${entry.key.slice(20)}=${entry.value.text}`), found.remaining]
    }
    assert.deepEqual(page(4), [['a/1=a/1', 'a/2=a/2'], 2])
    assert.deepEqual(page(4, 'a/2'), [['a/3=a/3', 'a/4=a/4'], 0])
    assert.deepEqual(page(6), [['a/1=a/1', 'a/2=new'], 1])
    assert.equal(page(2), undefined, 'forgotten')
    assert.equal(page(7), undefined, 'not yet')
    await cache.close()
  })

  it('waits for a revision that has not come, and gives up with its signal', async () => {
    const { cache, store, ending } = await setUp()
    const waiting = cache.waitFor(1 as Revision)
    const never = cache.waitFor(5 as Revision, ending.signal)
    await store.commit([put('a/1', 'x')])
    await waiting
    ending.abort(new Error('enough'))
    await assert.rejects(never, /enough/)
    await cache.close()
  })

  it('starts over when its own watch breaks, and ends its watchers', async () => {
    const memory = createMemoryStore()
    let breakNext = false
    const store: Store = new Proxy(memory, {
      get: (target, name) => {
        if (name !== 'watch') {
          const member = Reflect.get(target, name, target) as unknown
          return typeof member === 'function' ? (member as (...args: unknown[]) => unknown).bind(target) : member
        }
        return async function* (...args: Parameters<Store['watch']>) {
          for await (const batch of memory.watch(...args)) {
            if (breakNext) {
              breakNext = false
              throw new StoreUnavailable('the connection broke')
            }
            yield batch
          }
        }
      },
    })
    const { cache, clock, signal } = await setUp({ store })
    await cache.commit([put('a/1', 'x')])
    const stream = drain(cache.watch('', { after: noRevision, signal }))
    breakNext = true
    const committed = cache.commit([put('a/2', 'y')])
    const ended = assert.rejects(stream, StoreCompacted)
    await clock.advance(50)
    await Promise.all([committed, ended])
    assert.equal(cache.get(key('a/2'))?.value.text, 'y')
    assert.equal(cache.oldestRevision, 2)
    await cache.commit([put('a/3', 'z')])
    await cache.close()
  })

  it('shows who met a conflict the state that made it', async () => {
    const inner = createMemoryStore()
    const gate = Promise.withResolvers<void>()
    const store = new Proxy(inner, {
      get: (target, property) =>
        property === 'watch'
          ? async function* (...args: Parameters<Store['watch']>) {
              for await (const batch of target.watch(...args)) {
                await gate.promise
                yield batch
              }
            }
          : bound(target, property as keyof Store),
    })
    const { cache } = await setUp({ store })
    for (const name of ['a/1', 'a/2']) await inner.commit([put(name, 'other')])
    await inner.commit([remove('a/2')])
    const mine = (revision: Revision): Decoded => ({ text: 'mine', revision, origin: 'handed over' })
    const meet = async (name: string, commit: Promise<unknown>) => {
      await commit
      return cache.get(key(name))?.value.text
    }
    const met = Promise.all([
      meet('a/1', cache.commit([put('a/1', 'mine', 'absent')])),
      meet('a/2', cache.commit([put('a/2', 'mine', 2 as Revision)])),
      meet('a/1', cache.commitEach([{ operations: [put('a/1', 'mine', 'absent')], decoded: [mine] }])),
    ])
    await new Promise<void>((resolve) => void setImmediate(resolve))
    gate.resolve()
    assert.deepEqual(await met, ['other', undefined, 'other'])
    await cache.close()
  })

  it('stays cheap with 1,000 watchers on other keys', async () => {
    const { cache, signal } = await setUp()
    const streams = Array.from({ length: 1000 }, (_, i) => cache.watch(key(`n${i}/`), { after: noRevision, signal }))
    let compared = 0
    for (const stream of streams) void drain(stream).catch(() => (compared += 1))
    // Time of this process and not of the clock: a busy machine is no sign of anything.
    const started = process.cpuUsage()
    for (let i = 0; i < 2000; i++) await cache.commit([put('other/1', `${i}`)])
    assert.ok(process.cpuUsage(started).user < 1_000_000, 'a commit looks at every watcher')
    await cache.close()
  })
})
