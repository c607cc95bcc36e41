/**
 * The part of etcd's v3 interface that the store speaks (https://etcd.io/docs/v3.5/learning/api/), as the caller gives it:
 * 64-bit numbers as numbers, absent fields with their default. Field numbers are in etcd-v3.json.
 */
export type Header = { readonly revision: number }

export type KeyValue = { readonly key: Buffer; readonly value: Buffer; readonly create_revision: number; readonly mod_revision: number }

export type RangeRequest = {
  readonly key: Uint8Array
  readonly range_end?: Uint8Array
  readonly limit?: number
  readonly revision?: number
  readonly keys_only?: boolean
  readonly count_only?: boolean
  readonly sort_order?: 'ASCEND'
  readonly sort_target?: 'CREATE'
}
export type RangeResponse = { readonly header: Header; readonly kvs: readonly KeyValue[]; readonly count: number }

export type Compare = { readonly key: Uint8Array; readonly result: 'EQUAL' | 'GREATER' } & (
  | { readonly target: 'CREATE'; readonly create_revision: number }
  | { readonly target: 'MOD'; readonly mod_revision: number }
)

export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: { readonly key: Uint8Array; readonly value: Uint8Array } }
  | { readonly request_delete_range: { readonly key: Uint8Array; readonly range_end?: Uint8Array } }

export type TxnRequest = {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure: readonly RequestOp[]
}
export type TxnResponse = {
  readonly header: Header
  readonly succeeded: boolean
  readonly responses: readonly { readonly response_range?: RangeResponse }[]
}

export type WatchResponse = {
  readonly header: Header
  readonly created: boolean
  readonly canceled: boolean
  readonly compact_revision: number
  readonly cancel_reason: string
  readonly events: readonly WatchEvent[]
}
export type WatchEvent = { readonly type: 'PUT' | 'DELETE'; readonly kv: KeyValue; readonly prev_kv: KeyValue | null }

export type StatusResponse = { readonly version: string; readonly dbSize: number }
