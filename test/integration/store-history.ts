/** Clients that write and read a few keys of a store while it suffers, what they saw, and whether one order of events explains it. */
import assert from 'node:assert/strict'
import type { Random } from '../../src/base/random.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { type Revision, type Store, type StoreEvent, type StoreKey, StoreUnavailable } from '../../src/store/contract.ts'
import { type RegisterOperation, unexplained } from '../../src/store/linearizability.ts'
import type { ChildReply, ChildRequest } from './store-child.ts'

type Action = ChildRequest['action']
/** Undefined: no answer. */
export type Run = (key: string, action: Action) => Promise<ChildReply | undefined>
export type Recorded = { readonly key: string; readonly operation: RegisterOperation; readonly revision: number | undefined }

export const recordedKeys = ['/registry/a', '/registry/b', '/registry/c']
export const now = () => systemClock.monotonicMs()
export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** One client after another's answer, until `isOver`; at most `operationsMax` so that the search for an order stays short. */
export async function client(
  run: Run,
  options: { name: string; random: Random; isOver: () => boolean; record: (one: Recorded) => void },
): Promise<void> {
  const { name, random, isOver, record } = options
  const read = new Map<string, { value: string; revision: number }>()
  for (let i = 0; i < operationsMax && !isOver(); i++) {
    const key = recordedKeys[random.below(recordedKeys.length)]!
    const known = read.get(key)
    const action = actionOf(random.below(6), `${name}.${i}`, known?.revision)
    const isConditional = action.type !== 'get' && typeof action.expected === 'number'
    const calledAt = now()
    const reply = await run(key, action)
    const returnedAt = reply ? now() : Number.POSITIVE_INFINITY
    const input =
      action.type === 'get'
        ? action
        : ({ ...action, ...(isConditional ? { expected: { value: known!.value } } : {}) } as RegisterOperation['input'])
    const output: RegisterOperation['output'] = !reply
      ? { type: 'unknown' }
      : reply.type === 'committed'
        ? { type: 'committed' }
        : { type: reply.type, value: reply.entry?.value }
    // A read without an answer says nothing.
    if (reply || action.type !== 'get')
      record({
        key,
        operation: { calledAt, returnedAt, input, output },
        revision: reply?.type === 'committed' ? reply.revision : undefined,
      })
    const entry = reply && reply.type !== 'committed' ? reply.entry : undefined
    if (entry) read.set(key, entry)
    else read.delete(key)
    await pause(5 + random.below(20))
  }
}

const operationsMax = 250

function actionOf(draw: number, value: string, revision: number | undefined): Action {
  if (draw <= 1) return { type: 'get' }
  if (draw === 2) return { type: 'put', value, expected: 'absent' }
  if (draw === 3) return { type: 'delete', expected: revision ?? 'any' }
  return { type: 'put', value, expected: revision ?? 'any' }
}

export function checkOrder(history: readonly Recorded[]): void {
  for (const key of recordedKeys) {
    const operations = history.filter((one) => one.key === key).map((one) => one.operation)
    const left = unexplained(operations)
    assert.equal(left.length, 0, `${key}: no order explains ${JSON.stringify(left.slice(0, 8))}`)
  }
}

/** Durable, unique, reliable and ordered: the events of a watch from the beginning are the writes that were answered, and no others of theirs. */
export function checkEvents(events: readonly StoreEvent[], history: readonly Recorded[]): void {
  const revisions = events.map((event) => event.revision)
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].sort((a, b) => a - b),
    'W1, W2',
  )
  const byRevision = new Map<number, StoreEvent>(events.map((event) => [event.revision, event]))
  for (const { key, operation, revision } of history) {
    if (revision === undefined) continue
    const event = byRevision.get(revision)
    assert.equal(event?.key, key, `W3: revision ${revision}`)
    if (operation.input.type === 'put') assert.equal(event?.type === 'put' && Buffer.from(event.value).toString(), operation.input.value)
    else assert.equal(event?.type, 'delete')
  }
}

export async function eventsUntil(store: Store, after: Revision, until: Revision): Promise<StoreEvent[]> {
  const events: StoreEvent[] = []
  const ending = new AbortController()
  for await (const batch of store.watch('', { after, signal: ending.signal, progressMs: 50 })) {
    events.push(...batch.events)
    if (batch.revision >= until) ending.abort()
  }
  return events
}

/** Operations on a store in this process. */
export function runOn(store: Store): Run {
  const show = (entry: { value: Uint8Array; revision: number } | undefined) =>
    entry && { value: Buffer.from(entry.value).toString(), revision: entry.revision }
  return async (name, action) => {
    const key = name as StoreKey
    try {
      if (action.type === 'get') return { id: 0, type: 'found', entry: show(await store.get(key)) }
      const expected = action.expected as Revision | 'any'
      const result = await store.commit([
        action.type === 'put'
          ? { type: 'put', key, value: Buffer.from(action.value), expected: action.expected as Revision | 'any' | 'absent' }
          : { type: 'delete', key, expected },
      ])
      if (result.type === 'committed') return { id: 0, type: 'committed', revision: result.revision }
      return { id: 0, type: 'conflict', entry: show(result.current) }
    } catch (error) {
      if (error instanceof StoreUnavailable) return undefined
      throw error
    }
  }
}
