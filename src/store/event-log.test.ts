import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Revision } from './contract.ts'
import { EventLog } from './event-log.ts'

describe('event log', () => {
  it('lets go of what was compacted away, however little that is', async () => {
    const log = new EventLog<{ key: string; revision: Revision }>({ revision: 0 as Revision, compactRevision: 0 as Revision })
    const events = Array.from({ length: 10 }, (_, i) => ({ key: 'a', revision: (i + 1) as Revision }))
    for (const event of events) log.append(event.revision, [event])
    const gone = events.splice(0, 7).map((event) => new WeakRef(event))
    log.compact(7 as Revision)
    assert.deepEqual(log.eventsAfter('', 7 as Revision), events)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    assert.deepEqual(
      gone.map((ref) => ref.deref()),
      gone.map(() => undefined),
    )
    log.compact(10 as Revision)
    assert.equal(log.eventCount, 0)
    log.append(11 as Revision, [{ key: 'b', revision: 11 as Revision }])
    assert.equal(log.eventsAfter('', 7 as Revision).length, 1)
  })

  it('gives a slow reader everything, and ends the one who falls behind the compaction', async () => {
    const log = new EventLog<{ key: string; revision: Revision }>({ revision: 0 as Revision, compactRevision: 0 as Revision })
    const options = {
      after: 0 as Revision,
      signal: new AbortController().signal,
      clock: { now: () => 0, monotonicMs: () => 0, schedule: () => () => {} },
    }
    const slow = log.follow('', options)
    const lost = log.follow('', options)
    for (let i = 1; i <= 5000; i++) log.append(i as Revision, [{ key: 'a', revision: i as Revision }])
    const sizes: number[] = []
    for await (const { revision, events } of slow) {
      sizes.push(events.length)
      if (revision === 5000) break
    }
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      5000,
    )
    await lost.next()
    log.compact(4000 as Revision)
    await assert.rejects(async () => {
      for await (const _ of lost);
    }, /compacted/)
  })
})
