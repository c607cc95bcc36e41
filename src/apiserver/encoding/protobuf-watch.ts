import { statusErrors } from '../../machinery/status-error.ts'
import type { EncodingOptions } from './answer-encoding.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import { viewOf } from '../objects/object-storage.ts'
import type { Resource } from '../registry.ts'
import { partialOf } from './table.ts'
import type { Answer } from '../verb-request.ts'
import { bookmarkObject } from './watch-encoding.ts'

/** What a client must read the frames of a protobuf watch as. */
export const protobufWatchType = 'application/vnd.kubernetes.protobuf;stream=watch'

/**
 * A watch in protobuf: each frame is four bytes of big-endian length and a bare meta.v1.WatchEvent, whose object is in the usual
 * envelope. Objects are encoded once for all watchers. Throws 406 at once for kinds and forms without messages.
 */
export function encodeProtobufWatch(answer: Answer & { type: 'watch' }, options: EncodingOptions): AsyncIterable<Uint8Array> {
  const { resource } = answer
  const { as } = options.format
  const sample = { kind: resource.kind.kind, apiVersion: resource.apiVersion, metadata: {} }
  if (as === 'Table' || (as === undefined && !options.binary?.encode(sample))) throw statusErrors.notAcceptable(['application/json'])
  return frames(answer, options)
}

async function* frames(answer: Answer & { type: 'watch' }, options: EncodingOptions): AsyncGenerator<Uint8Array> {
  const { resource, batches } = answer
  for await (const batch of batches) {
    switch (batch.type) {
      case 'events':
        yield Buffer.concat(batch.events.map((event) => frame(event.type, envelopeOf(resource, event.value, options))))
        break
      case 'bookmark':
        yield frame('BOOKMARK', encode(bookmarkObject(resource, batch, options), options))
        break
      case 'error':
        yield frame('ERROR', encode({ kind: 'Status', apiVersion: 'v1', ...batch.error.status }, options))
        break
    }
  }
}

const envelopes = new WeakMap<CachedObject, Map<string, Buffer>>()

function envelopeOf(resource: Resource, value: CachedObject, options: EncodingOptions): Buffer {
  const { as, version } = options.format
  const form = `${resource.apiVersion} ${as ?? ''} ${version}`
  let known = envelopes.get(value)
  if (!known) envelopes.set(value, (known = new Map()))
  let bytes = known.get(form)
  if (!bytes) {
    const object = viewOf(resource, value)
    bytes = encode(as === undefined ? object : partialOf(object, version), options)
    known.set(form, bytes)
  }
  return bytes
}

function encode(object: object, options: EncodingOptions): Buffer {
  const bytes = options.binary?.encode(object as Readonly<Record<string, unknown>>)
  if (!bytes) throw statusErrors.notAcceptable(['application/json'])
  return bytes
}

/** Field numbers of WatchEvent (type 1, object 2) and of RawExtension (raw 1); all are length-delimited. */
function frame(type: string, envelope: Uint8Array): Buffer {
  const raw = field(1, envelope)
  const body = Buffer.concat([...field(1, Buffer.from(type, 'latin1')), ...field(2, Buffer.concat(raw))])
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

function field(number: number, bytes: Uint8Array): readonly Uint8Array[] {
  return [Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}
