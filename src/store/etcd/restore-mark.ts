/**
 * A restore into an etcd is no single transaction. While it lasts a mark stands beside the store, and no server opens a store that has
 * one: cut short anywhere, there is nothing that could be taken for the whole.
 */
import type { RangeResponse, TxnResponse } from './etcd-messages.ts'
import { EtcdMembers, type MembersOptions } from './etcd-members.ts'
import { rangeEnd } from './key-space.ts'

const markKey = (root: string) => Buffer.from(`${root}/restoring`)

export async function isMarked(members: EtcdMembers, root: string): Promise<boolean> {
  const { count } = await members.read<RangeResponse>('etcdserverpb.KV/Range', { key: markKey(root), count_only: true })
  return count > 0
}

type Options = MembersOptions & { readonly root: string }

/** Sets the mark, then removes all that was below the root. Both may be done twice. */
export function clearForRestore(options: Options): Promise<void> {
  const { root } = options
  return withMembers(options, async (members) => {
    const put = { request_put: { key: markKey(root), value: Buffer.from('1') } }
    await members.read<TxnResponse>('etcdserverpb.KV/Txn', { compare: [], success: [put], failure: [] })
    const emptied = ['/data', '/meta/', '/session/'].map((part) => ({
      request_delete_range: { key: Buffer.from(root + part), range_end: rangeEnd(root + part) },
    }))
    await members.read<TxnResponse>('etcdserverpb.KV/Txn', { compare: [], success: emptied, failure: [] })
  })
}

export function endRestore(options: Options): Promise<void> {
  const removed = { request_delete_range: { key: markKey(options.root) } }
  return withMembers(options, async (members) => {
    await members.read<TxnResponse>('etcdserverpb.KV/Txn', { compare: [], success: [removed], failure: [] })
  })
}

async function withMembers(options: Options, work: (members: EtcdMembers) => Promise<void>): Promise<void> {
  const members = new EtcdMembers(options)
  try {
    await work(members)
  } finally {
    members.close()
  }
}
