import { assert } from '../base/assert.ts'
import { checksMax, commitBytesMax, type Operation, operationsMax, type Revision, StoreRequestTooLarge } from './contract.ts'

/** Whether an operation may happen on a key last changed at `current` (undefined: the key does not exist). */
export function expectationHolds(operation: Operation, current: Revision | undefined): boolean {
  if (operation.type === 'delete' && current === undefined) return false
  if (operation.expected === 'any') return true
  if (operation.expected === 'absent') return current === undefined
  return current === operation.expected
}

/** Throws for a commit that no caller may make: empty, too large, or with a key twice. */
export function checkOperations(operations: readonly Operation[]): void {
  if (operations.length === 1 && operations[0]!.type !== 'check') return
  const checks = operations.filter((operation) => operation.type === 'check').length
  assert(operations.length > checks, 'a commit needs an operation')
  assert(checks <= checksMax, `a commit has at most ${checksMax} checks`)
  assert(operations.length - checks <= operationsMax, `a commit has at most ${operationsMax} operations`)
  const keys = new Set(operations.map((operation) => operation.key))
  assert(keys.size === operations.length, 'a commit names a key twice')
}

/** Throws StoreRequestTooLarge for more than `commitBytesMax` of values. */
export function checkSize(operations: readonly Operation[]): void {
  let bytes = 0
  for (const operation of operations) if (operation.type === 'put') bytes += operation.value.byteLength
  if (bytes > commitBytesMax) throw new StoreRequestTooLarge(`limit is ${commitBytesMax}`)
}
