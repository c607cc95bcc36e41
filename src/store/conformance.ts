/**
 * One suite that judges every backend: each invariant and each promise of contract.ts has a test that carries its name, and
 * random histories are compared with a model so plain (one snapshot a revision) that it can be trusted by reading it.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  commitBytesMax,
  type CommitResult,
  type Entry,
  type EventBatch,
  noRevision,
  type Operation,
  type Revision,
  type Store,
  StoreCompacted,
  type StoreEvent,
  StoreFutureRevision,
  type StoreKey,
  StoreRequestTooLarge,
  StoreUnavailable,
} from './contract.ts'

/** A store under test and how to end it. `reopen` is absent where nothing outlives the process. */
export type StoreUnderTest = {
  readonly store: Store
  readonly reopen?: () => Promise<StoreUnderTest>
  readonly dispose: () => Promise<void>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
export const key = (name: string) => `/registry/${name}` as StoreKey
export const put = (name: string, text: string, expected: Revision | 'absent' | 'any' = 'any'): Operation => ({
  type: 'put',
  key: key(name),
  value: encoder.encode(text),
  expected,
})
export const remove = (name: string, expected: Revision | 'any' = 'any'): Operation => ({ type: 'delete', key: key(name), expected })
const text = (value: Uint8Array) => decoder.decode(value)

/** `key=value@revision/createRevision`. */
export const showEntry = (entry: Entry | undefined) =>
  entry ? `${entry.key.slice(10)}=${text(entry.value)}@${entry.revision}/${entry.createRevision}` : undefined

export const showEvent = (event: StoreEvent) =>
  event.type === 'put'
    ? `put ${event.key.slice(10)}=${text(event.value)}@${event.revision}/${event.createRevision} was ${event.previous ?? 'absent'}`
    : `delete ${event.key.slice(10)}@${event.revision} was ${showEntry(event.previous)}`

export async function committed(store: Store, ...operations: Operation[]): Promise<Revision> {
  const result = await store.commit(operations)
  assert.equal(result.type, 'committed', `conflict on ${'key' in result ? result.key : ''}`)
  return (result as CommitResult & { type: 'committed' }).revision
}

/** The batches from `after` up to (and with) the one that reaches `until`. */
export async function follow(store: Store, after: Revision, until: Revision, prefix = ''): Promise<EventBatch[]> {
  const batches: EventBatch[] = []
  const ending = new AbortController()
  for await (const batch of store.watch(prefix, { after, signal: ending.signal, progressMs: 20 })) {
    if (batch.events.length > 0) batches.push(batch)
    if (batch.revision >= until) ending.abort()
  }
  return batches
}

const eventsOf = (batches: readonly EventBatch[]) => batches.flatMap((batch) => batch.events)

export function describeStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  options: { readonly runs: number; readonly isDurable: boolean },
): void {
  const using = (use: (store: Store) => Promise<void>) => async () => {
    const underTest = await open()
    try {
      await use(underTest.store)
    } finally {
      await underTest.dispose()
    }
  }
  describe(`${name}: invariants`, () => {
    describeCommits(using)
    describeReads(using)
    describeCompaction(using)
    if (options.isDurable) it('I1, I2 across a restart: nothing committed is lost and no revision comes twice', () => checkRestart(open))
  })
  describe(`${name}: watch promises`, () => describeWatch(using))
  it(`${name}: random histories agree with the model`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 40 }), async (steps) => runHistory(await open(), steps)),
      {
        numRuns: options.runs,
      },
    )
  })
}

async function checkRestart(open: () => Promise<StoreUnderTest>): Promise<void> {
  let underTest = await open()
  await committed(underTest.store, put('a', '1'), put('b', '1'))
  await committed(underTest.store, remove('a'))
  await underTest.store.compact(2 as Revision)
  underTest = await underTest.reopen!()
  const { store } = underTest
  assert.deepEqual([store.revision, store.compactRevision], [2, 2])
  assert.equal(await store.get(key('a')), undefined)
  assert.equal(showEntry(await store.get(key('b'))), 'b=1@1/1')
  assert.equal(await committed(store, put('a', '2')), 3)
  await underTest.dispose()
}

type Using = (use: (store: Store) => Promise<void>) => () => Promise<void>

function describeCommits(using: Using): void {
  it(
    'I1 growing: every commit gets a greater revision',
    using(async (store) => {
      assert.equal(store.revision, noRevision)
      const results = await Promise.all(Array.from({ length: 200 }, (_, i) => committed(store, put(`k${i % 7}`, `${i}`))))
      assert.equal(new Set(results).size, 200)
      assert.equal(Math.max(...results), store.revision)
      assert.ok((await committed(store, put('x', '1'))) > Math.max(...results))
    }),
  )
  it(
    'I3 visible: what a commit answered can be read at once',
    using(async (store) => {
      const revision = await committed(store, put('a', '1'))
      assert.ok(store.revision >= revision)
      assert.equal(showEntry(await store.get(key('a'))), `a=1@${revision}/${revision}`)
    }),
  )
  const conditions: readonly (readonly [title: string, exists: boolean, operation: (revision: Revision) => Operation, holds: boolean])[] = [
    ['put any on a missing key', false, () => put('a', '2'), true],
    ['put any on a key', true, () => put('a', '2'), true],
    ['put absent on a missing key', false, () => put('a', '2', 'absent'), true],
    ['put absent on a key', true, () => put('a', '2', 'absent'), false],
    ['put at the revision', true, (revision) => put('a', '2', revision), true],
    ['put at a stale revision', true, (revision) => put('a', '2', (revision - 1) as Revision), false],
    ['put at a revision on a missing key', false, () => put('a', '2', 1 as Revision), false],
    ['delete any on a key', true, () => remove('a'), true],
    ['delete any on a missing key', false, () => remove('a'), false],
    ['delete at the revision', true, (revision) => remove('a', revision), true],
    ['delete at a stale revision', true, (revision) => remove('a', (revision - 1) as Revision), false],
  ]
  for (const [title, exists, operation, holds] of conditions) {
    it(
      `I4 conditional: ${title} ${holds ? 'is committed' : 'is a conflict that changes nothing'}`,
      using(async (store) => {
        await committed(store, put('z', '0'))
        const before = exists ? await committed(store, put('a', '1')) : noRevision
        const result = await store.commit([operation(before)])
        assert.equal(result.type, holds ? 'committed' : 'conflict')
        if (result.type === 'committed') return
        assert.equal(showEntry(result.current), exists ? `a=1@${before}/${before}` : undefined)
        assert.equal(result.key, key('a'))
        assert.equal(showEntry(await store.get(key('a'))), showEntry(result.current))
        assert.equal(store.revision, exists ? 2 : 1)
      }),
    )
  }
  it(
    'I4 conditional: of concurrent creates one wins, and the losers see the winner',
    using(async (store) => {
      const results = await Promise.all(Array.from({ length: 20 }, (_, i) => store.commit([put('a', `${i}`, 'absent')])))
      const winners = results.filter((result) => result.type === 'committed')
      assert.equal(winners.length, 1)
      const now = showEntry(await store.get(key('a')))
      for (const result of results) if (result.type === 'conflict') assert.equal(showEntry(result.current), now)
    }),
  )
  it(
    'I4 conditional: concurrent read-modify-writes lose no update',
    using(async (store) => {
      await committed(store, put('n', '0'))
      const increment = async () => {
        for (;;) {
          const entry = (await store.get(key('n')))!
          const result = await store.commit([put('n', `${Number(text(entry.value)) + 1}`, entry.revision)])
          if (result.type === 'committed') return
        }
      }
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < 10; i++) await increment()
        }),
      )
      assert.equal(text((await store.get(key('n')))!.value), '80')
    }),
  )
  it(
    'I5 atomic: the operations of a commit share a revision, or none happens',
    using(async (store) => {
      const revision = await committed(store, put('a', '1'), put('b', '1'))
      assert.equal((await store.get(key('b')))?.revision, revision)
      const result = await store.commit([remove('a'), put('c', '1'), put('b', '2', 'absent')])
      assert.equal(result.type, 'conflict')
      const { entries } = await store.list('')
      assert.deepEqual(entries.map(showEntry), ['a=1@1/1', 'b=1@1/1'])
    }),
  )
  it(
    'I4 conditional: a commit with a check happens only while the check holds, and a check changes nothing',
    using(async (store) => {
      const guard = await committed(store, put('guard', '1'))
      const check = (expected: Revision | 'absent'): Operation => ({ type: 'check', key: key('guard'), expected })
      const second = await committed(store, put('a', '1'), check(guard))
      assert.deepEqual(eventsOf(await follow(store, guard, second)).map(showEvent), ['put a=1@2/2 was absent'])
      const refused = await store.commit([put('a', '2'), check('absent')])
      assert.equal(refused.type === 'conflict' && showEntry(refused.current), 'guard=1@1/1')
      await committed(store, put('guard', '2'))
      const late = await store.commit([put('a', '2'), check(guard)])
      assert.equal(late.type === 'conflict' && showEntry(late.current), 'guard=2@3/1')
      assert.equal(showEntry(await store.get(key('a'))), 'a=1@2/2')
      await committed(store, remove('guard'), put('b', '1'))
      await committed(store, remove('a'), check('absent'))
      await assert.rejects(store.commit([check('absent')]), /needs an operation/)
    }),
  )
  it(
    'refuses a commit without operations or with a key twice',
    using(async (store) => {
      await assert.rejects(store.commit([]), /needs an operation/)
      await assert.rejects(store.commit([put('a', '1'), remove('a')]), /names a key twice/)
    }),
  )
  it(
    'a key that is created again has a new createRevision',
    using(async (store) => {
      await committed(store, put('a', '1'))
      await committed(store, put('a', '2'))
      await committed(store, remove('a'))
      await committed(store, put('a', '3', 'absent'))
      assert.equal(showEntry(await store.get(key('a'))), 'a=3@4/4')
    }),
  )
  it(
    'keeps empty and large values to the byte',
    using(async (store) => {
      const large = new Uint8Array(1_500_000).map((_, i) => i * 31)
      await store.commit([{ type: 'put', key: key('large'), value: large, expected: 'any' }, put('empty', '')])
      assert.deepEqual(Buffer.from((await store.get(key('large')))!.value), Buffer.from(large))
      assert.equal((await store.get(key('empty')))!.value.byteLength, 0)
    }),
  )
  it('fails with StoreUnavailable after close, and closes twice', async () => {
    await using(async (store) => {
      const writing = committed(store, put('a', '1'))
      const closing = store.close()
      await Promise.all([writing, closing, store.close()])
      await assert.rejects(store.commit([put('a', '2')]), StoreUnavailable)
      await assert.rejects(store.get(key('a')), StoreUnavailable)
    })()
  })
}

function describeReads(using: Using): void {
  it(
    'lists by prefix in key order, in pages that agree on a revision',
    using(async (store) => {
      const names = ['a/1', 'a/10', 'a/2', 'b/1', 'ab/1', 'a']
      for (const name of names) await committed(store, put(name, name))
      const all = await store.list(key('a/'))
      assert.deepEqual([all.entries.map((entry) => entry.key.slice(10)), all.remaining], [['a/1', 'a/10', 'a/2'], 0])
      const first = await store.list(key(''), { limit: 4 })
      assert.equal(first.remaining, 2)
      await committed(store, remove('b/1'))
      await committed(store, put('a/3', 'later'))
      const second = await store.list(key(''), { limit: 4, after: first.entries[3]!.key, revision: first.revision })
      assert.deepEqual(
        [...first.entries, ...second.entries].map((entry) => entry.key.slice(10)),
        [...names].sort(),
      )
      assert.deepEqual([second.remaining, second.revision], [0, first.revision])
    }),
  )
  it(
    'fails for a revision that has not come',
    using(async (store) => {
      await committed(store, put('a', '1'))
      await assert.rejects(store.list('', { revision: 2 as Revision }), StoreFutureRevision)
      await assert.rejects(store.compact(2 as Revision), StoreFutureRevision)
    }),
  )
  it(
    'refuses a write that is too large, and changes nothing',
    using(async (store) => {
      await committed(store, put('a', 'small'))
      await assert.rejects(store.commit([put('a', 'x'.repeat(commitBytesMax + 1))]), StoreRequestTooLarge)
      assert.equal(text((await store.get(key('a')))!.value), 'small')
      await committed(store, put('a', 'x'.repeat(commitBytesMax - 1024)))
    }),
  )
  it(
    'scans the state of one revision while writes and compactions go on',
    using(async (store) => {
      for (let i = 0; i < 1200; i += 100) await committed(store, ...Array.from({ length: 100 }, (_, n) => put(`k${i + n}`, 'old')))
      const { revision, chunks } = await store.scan(key('k'))
      const seen = new Map<string, string>()
      for await (const chunk of chunks) {
        for (const entry of chunk) seen.set(entry.key, text(entry.value))
        await committed(store, put('k7', 'new'), put('k1150', 'new'))
        await Promise.race([store.compact(store.revision), new Promise((resolve) => setImmediate(resolve))])
      }
      assert.equal(revision, 12)
      assert.equal(seen.size, 1200)
      assert.deepEqual(new Set(seen.values()), new Set(['old']))
    }),
  )
}

function describeCompaction(using: Using): void {
  it(
    'compaction keeps what can still be asked for and refuses the rest',
    using(async (store) => {
      for (let i = 1; i <= 5; i++) await committed(store, put('a', `${i}`))
      await committed(store, remove('a'))
      await store.compact(4 as Revision)
      assert.equal(store.compactRevision, 4)
      assert.deepEqual((await store.list('', { revision: 4 as Revision })).entries.map(showEntry), ['a=4@4/1'])
      assert.deepEqual((await store.list('', { revision: 5 as Revision })).entries.map(showEntry), ['a=5@5/1'])
      await assert.rejects(store.list('', { revision: 3 as Revision }), StoreCompacted)
      await assert.rejects(follow(store, 3 as Revision, store.revision), StoreCompacted)
      assert.deepEqual(eventsOf(await follow(store, 4 as Revision, store.revision)).map(showEvent), [
        'put a=5@5/1 was 4',
        'delete a@6 was a=5@5/1',
      ])
      await store.compact(2 as Revision)
      assert.equal(store.compactRevision, 4)
    }),
  )
  it(
    'compacts thousands of rows while writes go on',
    using(async (store) => {
      for (let i = 0; i < 2000; i += 500) await Promise.all(Array.from({ length: 500 }, (_, n) => committed(store, put(`k${n}`, `${i}`))))
      const compacting = store.compact(store.revision)
      await Promise.all(Array.from({ length: 50 }, (_, i) => committed(store, put(`w${i}`, 'x'))))
      await compacting
      assert.equal((await store.list('')).entries.length, 550)
    }),
  )
}

function describeWatch(using: Using): void {
  const concurrentHistory = async (store: Store) => {
    const watching = follow(store, noRevision, 300 as Revision)
    await Promise.all(Array.from({ length: 300 }, (_, i) => committed(store, put(`k${i % 11}`, `${i}`), put(`l${i % 5}`, `${i}`))))
    return watching
  }
  it(
    'W1 ordered: events come by growing revision',
    using(async (store) => {
      const revisions = eventsOf(await concurrentHistory(store)).map((event) => event.revision)
      assert.deepEqual(
        revisions,
        [...revisions].sort((a, b) => a - b),
      )
    }),
  )
  it(
    'W2 unique, W3 reliable: every event comes once, and none is missing',
    using(async (store) => {
      const seen = eventsOf(await concurrentHistory(store)).map((event) => `${event.revision} ${event.key.slice(10, 11)}`)
      assert.deepEqual(seen, Array.from({ length: 300 }, (_, i) => [`${i + 1} k`, `${i + 1} l`]).flat())
    }),
  )
  it(
    'W4 atomic: a revision is never split over two batches',
    using(async (store) => {
      for (const batch of await concurrentHistory(store)) {
        const counts = Map.groupBy(batch.events, (event) => event.revision)
        for (const [revision, events] of counts) assert.equal(events.length, 2, `revision ${revision}`)
        assert.ok(batch.events.every((event) => event.revision <= batch.revision))
      }
    }),
  )
  it(
    'W5 resumable: from every revision the rest follows',
    using(async (store) => {
      for (let i = 1; i <= 12; i++) await committed(store, i % 4 === 0 ? remove(`k${i - 1}`) : put(`k${i}`, `${i}`))
      const all = eventsOf(await follow(store, noRevision, 12 as Revision)).map(showEvent)
      for (let after = 0; after <= 12; after++) {
        assert.deepEqual(eventsOf(await follow(store, after as Revision, 12 as Revision)).map(showEvent), all.slice(after))
      }
    }),
  )
  it(
    'W6 bookmarkable: a progress mark comes after every event up to it, also those of other prefixes',
    using(async (store) => {
      const ending = new AbortController()
      const stream = store.watch(key('a/'), { after: noRevision, signal: ending.signal, progressMs: 5 })[Symbol.asyncIterator]()
      await committed(store, put('a/1', '1'))
      const last = await committed(store, put('b/1', '1'))
      const seen: EventBatch[] = []
      while ((seen.at(-1)?.revision ?? 0) < last || seen.at(-1)!.events.length > 0) seen.push((await stream.next()).value)
      assert.deepEqual(eventsOf(seen).map(showEvent), ['put a/1=1@1/1 was absent'])
      assert.deepEqual(seen.at(-1), { revision: last, events: [] })
      ending.abort()
      assert.equal((await stream.next()).done, true)
    }),
  )
  it(
    'ends with its signal, and with StoreUnavailable when the store closes',
    using(async (store) => {
      const ending = new AbortController()
      const drain = async (signal: AbortSignal) => {
        for await (const _ of store.watch('', { after: noRevision, signal }));
      }
      const aborted = drain(ending.signal)
      const open = assert.rejects(drain(new AbortController().signal), StoreUnavailable)
      ending.abort()
      await aborted
      await store.close()
      await open
    }),
  )
}

type Step =
  | { readonly type: 'commit'; readonly operations: readonly StepOperation[] }
  | { readonly type: 'compact'; readonly share: number }
  | { readonly type: 'page'; readonly share: number; readonly limit: number; readonly prefix: string }
  | { readonly type: 'watch'; readonly share: number; readonly prefix: string }
  | { readonly type: 'reopen' }
type StepOperation = { readonly name: string; readonly isDelete: boolean; readonly expected: 'any' | 'absent' | 'current' | 'stale' }

const names = ['a/1', 'a/2', 'a/21', 'b/1', 'b', 'c/1']
const prefixes = ['', 'a/', 'a/2', 'b', 'none/']
const operationArbitrary: fc.Arbitrary<StepOperation> = fc.record({
  name: fc.constantFrom(...names),
  isDelete: fc.boolean(),
  expected: fc.constantFrom('any', 'any', 'absent', 'current', 'stale'),
})
const share = fc.double({ min: 0, max: 1, noNaN: true })
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('commit' as const),
      operations: fc.uniqueArray(operationArbitrary, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), share }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('page' as const),
      share,
      limit: fc.integer({ min: 1, max: 4 }),
      prefix: fc.constantFrom(...prefixes),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('watch' as const), share, prefix: fc.constantFrom(...prefixes) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen' as const) }) },
)

/** The model: the whole state after each revision, and each revision's events. */
type Model = { readonly states: Map<string, Entry>[]; readonly events: string[][]; compactRevision: number }

async function runHistory(start: StoreUnderTest, steps: readonly Step[]): Promise<void> {
  let underTest = start
  const model: Model = { states: [new Map()], events: [[]], compactRevision: 0 }
  try {
    for (const step of [...steps, { type: 'reopen' } as const]) {
      if (step.type !== 'reopen') await runStep(underTest.store, model, step)
      else if (underTest.reopen) underTest = await underTest.reopen()
      assert.equal(underTest.store.revision, model.states.length - 1)
      assert.deepEqual((await underTest.store.list('')).entries.map(showEntry), showState(model.states.at(-1)!, ''))
    }
  } finally {
    await underTest.dispose()
  }
}

const showState = (state: ReadonlyMap<string, Entry>, prefix: string) =>
  [...state.values()]
    .filter((entry) => entry.key.startsWith(prefix))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(showEntry)

async function runStep(store: Store, model: Model, step: Exclude<Step, { type: 'reopen' }>): Promise<void> {
  const newest = model.states.length - 1
  if (step.type === 'commit') return runCommit(store, model, step.operations)
  const revision = Math.round(step.share * newest) as Revision
  if (step.type === 'compact') {
    await store.compact(revision)
    model.compactRevision = Math.max(model.compactRevision, revision)
    return
  }
  const isCompacted = revision < model.compactRevision
  if (step.type === 'page') {
    const pages = allPages(store, key(step.prefix), { revision, limit: step.limit })
    if (isCompacted) await assert.rejects(pages, StoreCompacted)
    else assert.deepEqual((await pages).map(showEntry), showState(model.states[revision]!, key(step.prefix)))
    return
  }
  const watching = follow(store, revision, newest as Revision, key(step.prefix))
  if (isCompacted) return assert.rejects(watching, StoreCompacted)
  const expected = model.events.slice(revision + 1).flat()
  assert.deepEqual(
    eventsOf(await watching).map(showEvent),
    expected.filter((event) => event.slice(event.indexOf(' ') + 1).startsWith(step.prefix)),
  )
}

async function runCommit(store: Store, model: Model, steps: readonly StepOperation[]): Promise<void> {
  const state = model.states.at(-1)!
  const revision = model.states.length as Revision
  const next = new Map(state)
  const events: string[] = []
  let conflict: Entry | 'missing' | undefined
  const operations = steps.map(({ name, isDelete, expected }): Operation => {
    const current = state.get(key(name))
    const known = current?.revision ?? noRevision
    const condition = expected === 'current' ? known : expected === 'stale' ? ((known + 1) as Revision) : expected
    const holds = condition === 'any' || (condition === 'absent' ? !current : current !== undefined && condition === known)
    if (!conflict && (!(isDelete && condition === 'absent' ? current : holds) || (isDelete && !current))) conflict = current ?? 'missing'
    if (isDelete) {
      next.delete(key(name))
      events.push(`delete ${name}@${revision} was ${showEntry(current)}`)
      return remove(name, condition === 'absent' ? 'any' : condition)
    }
    const value = `v${revision}`
    const created = { key: key(name), value: encoder.encode(value), revision, createRevision: current?.createRevision ?? revision }
    next.set(key(name), created)
    events.push(`put ${showEntry(created)} was ${current?.revision ?? 'absent'}`)
    return put(name, value, condition)
  })
  const result = await store.commit(operations)
  assert.equal(result.type, conflict ? 'conflict' : 'committed')
  if (result.type === 'conflict') {
    assert.equal(showEntry(result.current), conflict === 'missing' ? undefined : showEntry(conflict))
    return
  }
  assert.equal(result.revision, revision)
  model.states.push(next)
  model.events.push(events)
}

async function allPages(store: Store, prefix: string, options: { revision: Revision; limit: number }): Promise<Entry[]> {
  const entries: Entry[] = []
  for (;;) {
    const after = entries.at(-1)?.key
    const page = await store.list(prefix, { ...options, ...(after === undefined ? {} : { after }) })
    entries.push(...page.entries)
    if (page.remaining === 0) return entries
    assert.equal(page.entries.length, options.limit)
  }
}
