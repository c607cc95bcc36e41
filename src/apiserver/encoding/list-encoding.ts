import { statusErrors } from '../../machinery/status-error.ts'
import { encodeText, type EncodingOptions, streamed, whole } from './answer-encoding.ts'
import { blockBytes, takeBlock } from '../http/block-pool.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { ApiResponse } from '../contract.ts'
import { mapPaced } from '../flowcontrol/pace.ts'
import { isServedAsStored, viewOf } from '../objects/object-storage.ts'
import type { Resource } from '../registry.ts'
import { notSuch, partialOf, tableOf } from './table.ts'
import type { ListPage } from '../verbs/list.ts'

type ListHead = { readonly kind: string; readonly apiVersion: string; readonly metadata: object }

/**
 * A list in the form that was agreed on. What is stored as it is served goes out as stored; everything else is made object by
 * object, with turns for others in between. Throws 406 when the kind has no form that the client accepts.
 */
export async function encodeList(resource: Resource, page: ListPage, options: EncodingOptions): Promise<ApiResponse> {
  const { as, version, encoding, isPretty } = options.format
  if (as === 'PartialObjectMetadata') throw notSuch(as, resource, true)
  const metadata = metadataOf(page)
  const head: ListHead =
    as === undefined || as === 'Table'
      ? { kind: resource.kind.listKind, apiVersion: resource.apiVersion, metadata }
      : { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}`, metadata }
  const itemOf = (value: CachedObject) => (as === undefined ? viewOf(resource, value) : partialOf(viewOf(resource, value), version))
  if (as === 'Table') {
    if (encoding === 'protobuf') throw statusErrors.notAcceptable(['application/json', 'application/yaml'])
    return encodeTable(resource, page, metadata, options)
  }
  if (encoding === 'protobuf') return encodeBinary(head, page, itemOf, options)
  // Written whole: for people, who ask seldom.
  if (encoding === 'yaml' || isPretty) {
    const items = await mapPaced(page.items, options.pace, itemOf)
    return whole(200, await encodeText({ ...head, items }, { encoding: encoding === 'yaml' ? 'yaml' : 'json', isPretty }), options)
  }
  const isStored = as === undefined && page.items.every((value) => isServedAsStored(resource, value))
  if (isStored) return storedList(jsonHead(head, 'items'), page.items, options)
  return textList(jsonHead(head, 'items'), await mapPaced(page.items, options.pace, (value) => JSON.stringify(itemOf(value))), options)
}

function metadataOf(page: ListPage): object {
  return {
    resourceVersion: String(page.revision),
    ...(page.continueToken ? { continue: page.continueToken } : {}),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  }
}

const jsonHead = (head: object, field: string) => `${JSON.stringify(head).slice(0, -1)},${JSON.stringify(field)}:[`

async function encodeTable(resource: Resource, page: ListPage, metadata: object, options: EncodingOptions): Promise<ApiResponse> {
  const { format, include, nowMs, pace } = options
  const table = { version: format.version, include, hasHeaders: true, nowMs }
  const { compareRows } = resource.kind
  const items = compareRows ? page.items.toSorted((a, b) => compareRows(viewOf(resource, a), viewOf(resource, b))) : page.items
  const rows = await mapPaced(items, pace, (value) => rowOf(resource, value, table))
  const { rows: _none, ...head } = tableOf(resource, [], metadata, table)
  if (format.encoding === 'json' && !format.isPretty)
    return textList(
      jsonHead(head, 'rows'),
      rows.map((row) => JSON.stringify(row)),
      options,
    )
  return whole(
    200,
    await encodeText({ ...head, rows }, { encoding: format.encoding === 'yaml' ? 'yaml' : 'json', isPretty: format.isPretty }),
    options,
  )
}

const rowOf = (resource: Resource, value: CachedObject, options: Parameters<typeof tableOf>[3]) =>
  tableOf(resource, [value], {}, { ...options, hasHeaders: false }).rows[0]

async function encodeBinary(
  head: ListHead,
  page: ListPage,
  itemOf: (value: CachedObject) => object,
  options: EncodingOptions,
): Promise<ApiResponse> {
  const { binary, pace } = options
  const items = await mapPaced(page.items, pace, (value) => binary?.encodeBare(itemOf(value) as Readonly<Record<string, unknown>>))
  const known = items.filter((item) => item !== undefined)
  const pieces = known.length === items.length ? binary?.wrapList(head, known) : undefined
  if (!pieces) throw statusErrors.notAcceptable(['application/json', 'application/yaml'])
  return joined(pieces, options)
}

/** Pieces of an answer that are there already. */
function joined(pieces: readonly Uint8Array[], options: EncodingOptions): ApiResponse {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (length <= blockBytes) return whole(200, Buffer.concat(pieces, length), options)
  return streamed(blocksOf(pieces), length, options)
}

async function* blocksOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < pieces.length; ) {
    let to = from
    for (let size = 0; to < pieces.length && size < blockBytes; to++) size += pieces[to]!.length
    yield Buffer.concat(pieces.slice(from, to))
    from = to
  }
}

function textList(head: string, items: readonly string[], options: EncodingOptions): ApiResponse {
  const pieces: Buffer[] = []
  let text = head
  for (const [i, item] of items.entries()) {
    text += i > 0 ? `,${item}` : item
    if (text.length < blockBytes) continue
    pieces.push(Buffer.from(text))
    text = ''
  }
  return joined([...pieces, Buffer.from(`${text}${listEnd}`)], options)
}

/** Straight from the cache: what is sent is copied when it is sent. */
function storedList(head: string, items: readonly CachedObject[], options: EncodingOptions): ApiResponse {
  let length = Buffer.byteLength(head) + listEnd.length + Math.max(0, items.length - 1)
  for (const item of items) length += item.length
  if (length <= blockBytes) {
    const block = Buffer.allocUnsafe(length)
    let at = block.write(head, 0)
    for (const [i, item] of items.entries()) {
      if (i > 0) block[at++] = comma
      item.copyTo(block, at)
      at += item.length
    }
    at += block.write(listEnd, at, 'latin1')
    return whole(200, block.subarray(0, at), options)
  }
  return streamed(storedBlocks(head, items), length, options)
}

const comma = 44
const listEnd = ']}\n'

async function* storedBlocks(head: string, items: readonly CachedObject[]): AsyncGenerator<Uint8Array> {
  let block = takeBlock()
  let at = block.write(head, 0)
  for (const [i, item] of items.entries()) {
    if (at + item.length + 1 + listEnd.length > block.length) {
      yield block.subarray(0, at)
      // The reader may still hold the last block: each is another one.
      block = item.length + 1 + listEnd.length > blockBytes ? Buffer.allocUnsafeSlow(item.length + 1 + listEnd.length) : takeBlock()
      at = 0
    }
    if (i > 0) block[at++] = comma
    item.copyTo(block, at)
    at += item.length
  }
  at += block.write(listEnd, at, 'latin1')
  yield block.subarray(0, at)
}
