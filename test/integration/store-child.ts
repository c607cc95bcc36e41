/** A SQLite store in a process of its own, which a test may kill at any moment: answers messages of `store-faults.test.ts`. */
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import type { Revision, StoreKey } from '../../src/store/contract.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'

export type ChildRequest = {
  readonly id: number
  readonly key: string
  readonly action:
    | { readonly type: 'get' }
    | { readonly type: 'put'; readonly value: string; readonly expected: number | 'any' | 'absent' }
    | { readonly type: 'delete'; readonly expected: number | 'any' }
}
export type ChildEntry = { readonly value: string; readonly revision: number } | undefined
export type ChildReply = { readonly id: number } & (
  | { readonly type: 'found'; readonly entry: ChildEntry }
  | { readonly type: 'committed'; readonly revision: number }
  | { readonly type: 'conflict'; readonly entry: ChildEntry }
)

const store = await openSqliteStore({ dir: process.argv[2]!, clock: systemClock, log: silentLog })
const show = (entry: { value: Uint8Array; revision: number } | undefined): ChildEntry =>
  entry && { value: Buffer.from(entry.value).toString(), revision: entry.revision }

async function answer({ id, key, action }: ChildRequest): Promise<ChildReply> {
  const storeKey = key as StoreKey
  if (action.type === 'get') return { id, type: 'found', entry: show(await store.get(storeKey)) }
  const result = await store.commit([
    action.type === 'put'
      ? { type: 'put', key: storeKey, value: Buffer.from(action.value), expected: action.expected as Revision | 'any' | 'absent' }
      : { type: 'delete', key: storeKey, expected: action.expected as Revision | 'any' },
  ])
  return result.type === 'committed'
    ? { id, type: 'committed', revision: result.revision }
    : { id, type: 'conflict', entry: show(result.current) }
}

process.on('message', (request: ChildRequest) => {
  void answer(request).then((reply) => process.send!(reply))
})
process.send!({ id: 0, type: 'found', entry: undefined } satisfies ChildReply)
