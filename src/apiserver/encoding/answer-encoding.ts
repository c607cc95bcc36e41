import { constants, createGzip } from 'node:zlib'
import { pipeline, Readable } from 'node:stream'
import type { KubeObject } from '../../machinery/object.ts'
import type { StatusError } from '../../machinery/status-error.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { indentedJson, jsonLine } from './json-line.ts'
import { encodeList } from './list-encoding.ts'
import type { Pace } from '../flowcontrol/pace.ts'
import type { BinaryCodec } from '../objects/binary-codec.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { ApiResponse } from '../contract.ts'
import { type Format, streamTypes } from '../http/negotiation.ts'
import { isServedAsStored, viewOf } from '../objects/object-storage.ts'
import type { Resource } from '../registry.ts'
import { type IncludeObject, notSuch, partialOf, tableOf, tableOfObjects } from './table.ts'
import type { Answer } from '../verb-request.ts'
import { encodeProtobufWatch, protobufWatchType } from './protobuf-watch.ts'
import { encodeWatch } from './watch-encoding.ts'

export type EncodingOptions = {
  readonly format: Format
  readonly include: IncludeObject
  readonly nowMs: number
  /** There when protobuf was agreed on. */
  readonly binary: BinaryCodec | undefined
  /** The client asked for gzip. */
  readonly mayCompress: boolean
  /** How the request shares the event loop; absent: it does not. */
  readonly pace?: Pace | undefined
}

const contentTypes = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
} as const satisfies Record<Format['encoding'], string>

/** Upstream's: answers beyond this are worth compressing. */
const plainBytesMax = 128 * 1024

/** An answer as bytes. Throws 406 when a kind has no form that the client accepts. */
export async function encodeAnswer(answer: Answer, options: EncodingOptions): Promise<ApiResponse> {
  const { format } = options
  switch (answer.type) {
    case 'response':
      return answer.response
    case 'plain':
      return whole(answer.code, await encodeValue(transformedPlain(answer, options), options), options)
    case 'object':
      return encodeObject(answer, options)
    case 'list':
      return encodeList(answer.resource, answer.page, options)
    case 'watch': {
      if (format.encoding === 'yaml') throw statusErrors.notAcceptable(streamTypes)
      const isBinary = format.encoding === 'protobuf'
      const headers = { 'content-type': isBinary ? protobufWatchType : contentTypes.json, 'cache-control': 'no-cache, private' }
      return { code: 200, headers, body: isBinary ? encodeProtobufWatch(answer, options) : encodeWatch(answer, options) }
    }
  }
}

/** A failure as a Status; indented JSON to whoever takes no form that there is. `binary`: asked for when protobuf was agreed on. */
export async function encodeFailure(
  error: StatusError,
  format: Format | undefined,
  binary: () => Promise<BinaryCodec>,
): Promise<ApiResponse> {
  const { encoding, isPretty } = format ?? { encoding: 'json', isPretty: true }
  const { retryAfterSeconds } = error.status.details ?? {}
  const { status } = error
  const bytes = encoding === 'protobuf' ? (await binary()).encode(status)! : await encodeText(status, { encoding, isPretty })
  return {
    code: error.code,
    headers: {
      'content-type': contentTypes[encoding],
      'cache-control': 'no-cache, private',
      ...(retryAfterSeconds ? { 'retry-after': String(retryAfterSeconds) } : {}),
    },
    body: bytes,
  }
}

function encodeObject(answer: Answer & { type: 'object' }, options: EncodingOptions): Promise<ApiResponse> | ApiResponse {
  const { resource, value, code } = answer
  const { format } = options
  const isStored = format.as === undefined && format.encoding === 'json' && !format.isPretty && isServedAsStored(resource, value)
  if (isStored) return whole(code, value.line(), options)
  return encodeValue(transformed(resource, value, options), options).then((bytes) => whole(code, bytes, options))
}

/** A Status stays what it is, whatever form was asked for. */
function transformedPlain({ object, columns }: Answer & { type: 'plain' }, { format, include, nowMs }: EncodingOptions): object {
  const { as, version } = format
  if (as === undefined || (object as KubeObject).kind === 'Status') return object
  const { metadata } = object as KubeObject
  if (as === 'PartialObjectMetadata' && metadata) return partialOf(object as KubeObject, version)
  if (as !== 'Table' || !columns) throw statusErrors.notAcceptable(['application/json'])
  const { resourceVersion } = metadata
  const { items = [object as KubeObject] } = object as { items?: readonly KubeObject[] }
  return tableOfObjects({ columns }, items, { resourceVersion }, { version, include, hasHeaders: true, nowMs })
}

function transformed(resource: Resource, value: CachedObject, options: EncodingOptions): object {
  const { as, version } = options.format
  const object = viewOf(resource, value)
  if (as === 'Table') {
    const { include, nowMs } = options
    return tableOf(resource, [value], { resourceVersion: object.metadata.resourceVersion }, { version, include, hasHeaders: true, nowMs })
  }
  if (as === 'PartialObjectMetadata') return partialOf(object, version)
  if (as === 'PartialObjectMetadataList') throw notSuch(as, resource, false)
  return object
}

export function whole(code: number, bytes: Uint8Array, options: EncodingOptions): ApiResponse {
  const headers: Record<string, string> = { 'content-type': contentTypes[options.format.encoding], 'cache-control': 'no-cache, private' }
  if (!options.mayCompress || bytes.length <= plainBytesMax) return { code, headers, body: bytes }
  return { code, headers: { ...headers, ...gzipHeaders }, body: gzipped([bytes]) }
}

export function streamed(blocks: AsyncIterable<Uint8Array>, length: number, options: EncodingOptions): ApiResponse {
  const headers = { 'content-type': contentTypes[options.format.encoding], 'cache-control': 'no-cache, private' }
  if (!options.mayCompress || length <= plainBytesMax)
    return { code: 200, headers: { ...headers, 'content-length': String(length) }, body: blocks }
  return { code: 200, headers: { ...headers, ...gzipHeaders }, body: gzipped(blocks) }
}

const gzipHeaders = { 'content-encoding': 'gzip', vary: 'Accept-Encoding' } as const

/** Level 1, as upstream: most of the gain for a third of the time. Runs on the thread pool. */
function gzipped(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  // Whoever reads it hears of a source that fails, and a source of a reader that goes.
  pipeline(Readable.from(source, { objectMode: false }), gzip, () => {})
  return gzip
}

async function encodeValue(value: object, options: EncodingOptions): Promise<Uint8Array> {
  const { format, binary } = options
  if (format.encoding !== 'protobuf') return encodeText(value, { encoding: format.encoding, isPretty: format.isPretty })
  const bytes = binary?.encode(value as Readonly<Record<string, unknown>>)
  if (bytes === undefined) throw statusErrors.notAcceptable(['application/json', 'application/yaml'])
  return bytes
}

export async function encodeText(value: object, format: { encoding: 'json' | 'yaml'; isPretty: boolean }): Promise<Uint8Array> {
  if (format.encoding === 'json') return format.isPretty ? indentedJson(value) : jsonLine(value)
  const { formatYaml } = await import('../../machinery/yaml-writer.ts')
  return Buffer.from(formatYaml(value))
}
