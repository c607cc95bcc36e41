/**
 * The victim of crash.test.ts: writes as fast as it can with several writers until it is killed, and tells on standard output
 * what has been acknowledged, synchronously, one line a write (a pipe takes short lines whole, so that none is cut in two).
 *
 * Line: `revision writer sequence`. Each commit of a writer sets its keys `a` and `b` to the sequence and creates or deletes its
 * key `c` (sequence odd: it exists), so that a torn commit shows.
 */
import { writeSync } from 'node:fs'
import { silentLog } from '../../base/log.ts'
import { systemClock } from '../../platform/system-clock.ts'
import type { Operation, Store, StoreKey } from '../contract.ts'
import { openSqliteStore } from './sqlite-store.ts'

const [dir, writers] = process.argv.slice(2) as [string, string]

/** The reader may be slower than the writers, and a full pipe says so at once. */
function tell(line: string): void {
  for (;;) {
    try {
      return void writeSync(1, line)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

async function write(store: Store, writer: number): Promise<never> {
  const key = (name: string) => `/crash/${writer}/${name}` as StoreKey
  const entry = await store.get(key('a'))
  let sequence = entry ? Number(new TextDecoder().decode(entry.value)) : 0
  for (;;) {
    sequence++
    const value = new TextEncoder().encode(`${sequence}`.padEnd(100 + (sequence % 7) * 400))
    const put = (name: string): Operation => ({ type: 'put', key: key(name), value, expected: 'any' })
    const last: Operation = sequence % 2 === 1 ? put('c') : { type: 'delete', key: key('c'), expected: 'any' }
    const result = await store.commit([put('a'), last, put('b')])
    if (result.type !== 'committed') throw new Error(`unexpected conflict on ${result.key}`)
    tell(`${result.revision} ${writer} ${sequence}\n`)
    if (writer === 0 && sequence % 50 === 0) void store.compact(result.revision)
  }
}

// A small log, so that kills fall into checkpoints too.
const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog, checkpointBytes: 256 << 10 })
if (writers === '0') await store.close()
await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(store, writer)))
