import { type CommitResult, type Operation, type Revision, type StoreKey } from '../contract.ts'
import { expectationHolds } from '../expectation.ts'
import type { Compare, KeyValue, RequestOp, TxnRequest, TxnResponse } from './etcd-messages.ts'

/** What turns the contract's terms into etcd's. */
export type Terms = {
  toEtcd(key: StoreKey): Buffer
  toEtcdRevision(revision: Revision): number
  toRevision(etcdRevision: number): Revision
}

/** The operations of one commit as the parts of a transaction: what must hold, what is done then, what is read otherwise. Pure. */
export function planTransaction(operations: readonly Operation[], terms: Terms): TxnRequest {
  const compare: Compare[] = []
  const success: RequestOp[] = []
  const failure: RequestOp[] = []
  for (const operation of operations) {
    const key = terms.toEtcd(operation.key)
    const condition = conditionOf(operation, key, terms)
    if (condition) compare.push(condition)
    if (operation.type === 'put') success.push({ request_put: { key, value: operation.value } })
    else if (operation.type === 'delete') success.push({ request_delete_range: { key } })
    failure.push({ request_range: { key } })
  }
  return { compare, success, failure }
}

function conditionOf(operation: Operation, key: Buffer, terms: Terms): Compare | undefined {
  const { expected } = operation
  if (expected === 'absent') return { key, target: 'CREATE', result: 'EQUAL', create_revision: 0 }
  if (expected !== 'any') return { key, target: 'MOD', result: 'EQUAL', mod_revision: terms.toEtcdRevision(expected) }
  return operation.type === 'delete' ? { key, target: 'CREATE', result: 'GREATER', create_revision: 0 } : undefined
}

/** The first operation that could not happen, from what the transaction read in its place; undefined when all of them could. Pure. */
export function conflictOf(operations: readonly Operation[], response: TxnResponse, terms: Terms): CommitResult | undefined {
  for (const [i, operation] of operations.entries()) {
    const found: KeyValue | undefined = response.responses[i]?.response_range?.kvs[0]
    const revision = found && terms.toRevision(found.mod_revision)
    if (expectationHolds(operation, revision)) continue
    const { key } = operation
    const current = found && { key, value: found.value, revision: revision!, createRevision: terms.toRevision(found.create_revision) }
    return { type: 'conflict', key, current }
  }
  return undefined
}
