import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { it } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { type Random, seededRandom } from '../../base/random.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { follow } from '../conformance.ts'
import type { Entry, Revision, StoreEvent } from '../contract.ts'
import { openSqliteStore } from './sqlite-store.ts'

/** How often a writing process is killed; two directories suffer side by side. */
const kills = 200
const writers = 6

type Acknowledged = { readonly revision: number; readonly writer: number; readonly sequence: number }
/** What the test holds against the store: everything that was acknowledged to it, over all lives. */
type Ledger = { readonly revisions: Set<number>; readonly last: Map<number, Acknowledged>; newest: number }

function startWriter(dir: string, writers: number): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [new URL('./crash-child.ts', import.meta.url).pathname, dir, `${writers}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'keelson-compile-cache') },
  })
}

/** A process that is killed leaves no compile cache for the next: one that ends by itself makes them all start three times faster. */
async function warmUp(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'keelson-crash-'))
  const [code] = (await once(startWriter(dir, 0), 'exit')) as [number | null]
  assert.equal(code, 0)
  await rm(dir, { recursive: true })
}

/** Starts a writer on `dir` and kills it once it has acknowledged `after` commits (0: as soon as it is up). */
async function liveAndDie(dir: string, after: number): Promise<Acknowledged[]> {
  const child = startWriter(dir, writers)
  let lines = ''
  let complaint = ''
  child.stdout.on('data', (chunk: Buffer) => {
    lines += chunk.toString()
    if (lines.split('\n', after + 2).length > after + 1) child.kill('SIGKILL')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  assert.equal(signal, 'SIGKILL', `the writer ended by itself: ${complaint}`)
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [revision, writer, sequence] = line.split(' ').map(Number) as [number, number, number]
      return { revision, writer, sequence }
    })
}

function note(ledger: Ledger, acknowledged: readonly Acknowledged[]): void {
  const newestBefore = ledger.newest
  for (const entry of acknowledged) {
    assert.ok(!ledger.revisions.has(entry.revision), `revision ${entry.revision} was given twice`)
    assert.ok(entry.revision > newestBefore, `revision ${entry.revision} was given after ${newestBefore} in an earlier life`)
    // A writer goes on from what it finds stored: had the store lost an acknowledged write, its number would come again.
    const last = ledger.last.get(entry.writer)
    assert.ok(entry.sequence > (last?.sequence ?? 0), `writer ${entry.writer}: ${last?.sequence} was acknowledged and is lost`)
    ledger.revisions.add(entry.revision)
    ledger.newest = Math.max(ledger.newest, entry.revision)
    ledger.last.set(entry.writer, entry)
  }
}

async function verify(dir: string, ledger: Ledger): Promise<void> {
  const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
  try {
    assert.ok(store.revision >= ledger.newest, `revision ${ledger.newest} was acknowledged and is lost`)
    const { entries } = await store.list('')
    const byKey = new Map<string, Entry>(entries.map((entry) => [entry.key, entry]))
    for (let writer = 0; writer < writers; writer++) checkWriter(byKey, writer, ledger.last.get(writer))
    const batches = await follow(store, store.compactRevision, store.revision)
    checkEvents(batches.flatMap((batch) => batch.events))
    ledger.newest = Math.max(ledger.newest, store.revision)
  } finally {
    await store.close()
  }
}

function checkWriter(byKey: ReadonlyMap<string, Entry>, writer: number, last: Acknowledged | undefined): void {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => byKey.get(`/crash/${writer}/${name}`))
  const sequence = sequenceOf(a?.value)
  assert.ok(sequence >= (last?.sequence ?? 0), `writer ${writer}: ${last?.sequence} was acknowledged, ${sequence} is stored`)
  assert.equal(sequenceOf(b?.value), sequence, `writer ${writer}: a torn commit`)
  assert.equal(b?.revision, a?.revision, `writer ${writer}: a torn commit`)
  assert.equal(sequenceOf(c?.value), sequence % 2 === 1 ? sequence : 0, `writer ${writer}: a torn commit`)
  if (last?.sequence === sequence && last.sequence > 0) assert.equal(a?.revision, last.revision, `writer ${writer}: another revision`)
}

/** Every revision of the history is one whole commit of one writer. */
function checkEvents(events: readonly StoreEvent[]): void {
  for (const [revision, group] of Map.groupBy(events, (event): Revision => event.revision)) {
    assert.equal(group.length, 3, `revision ${revision} is not whole`)
    assert.equal(new Set(group.map((event) => event.key.split('/')[2])).size, 1, `revision ${revision} mixes commits`)
    const sequences = group.flatMap((event) => (event.type === 'put' ? [sequenceOf(event.value)] : []))
    assert.equal(new Set(sequences).size, 1, `revision ${revision} mixes commits`)
  }
}

const sequenceOf = (value: Uint8Array | undefined) => (value ? Number(new TextDecoder().decode(value)) : 0)

async function torment(count: number, random: Random): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'keelson-crash-'))
  const ledger: Ledger = { revisions: new Set(), last: new Map(), newest: 0 }
  try {
    for (let i = 0; i < count; i++) {
      note(ledger, await liveAndDie(dir, random.below(4) === 0 ? 0 : random.below(120)))
      if (i % 4 === 3 || i === count - 1) await verify(dir, ledger)
    }
    return ledger.revisions.size
  } finally {
    await rm(dir, { recursive: true })
  }
}

it(`loses no acknowledged write and gives no revision twice over ${kills} kills under concurrent writes`, async () => {
  await warmUp()
  const lanes = [1, 2].map((seed) => torment(Math.ceil(kills / 2), seededRandom(seed)))
  const acknowledged = (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0)
  assert.ok(acknowledged > kills * 10, `only ${acknowledged} writes were acknowledged`)
})
