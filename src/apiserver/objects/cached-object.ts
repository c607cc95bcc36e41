import { createRing } from '../../base/ring.ts'
import type { Revision, StoreKey } from '../../store/contract.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { parseParts } from './parse-parts.ts'
import { Slab, type Slabs } from './slabs.ts'

/**
 * One object at one revision as the watch cache holds it: the client-ready JSON (resourceVersion spliced in) in a slab,
 * its labels, and the parsed object while anybody uses it.
 *
 * I1 The bytes never change once they may have been handed out; moving to another slab leaves the old bytes as they were.
 * I2 `object` is frozen by convention and shared by every reader in the process.
 * I3 The parsed object is held for a while (see `lately` and `briefly`), then weakly: 150,000 pods cost their bytes, and parsed ones live
 *    as long as an informer holds them.
 */
export class CachedObject {
  readonly revision: Revision
  #slab: Slab
  #start: number
  #length: number
  /** Which watch frame has been written around the bytes in the slab; the first one asked for wins. */
  #frameType: FrameType | undefined
  #object: KubeObject | undefined
  #weakObject: WeakRef<KubeObject> | undefined
  #labels: Labels | undefined
  /** The value of its kind's indexed field, once somebody has asked. */
  indexedField: string | undefined
  #derivedKind = ''
  #derived: WeakRef<object> | undefined
  #member = -1
  /** Set while the bytes are those that are stored, without the revision; where they move when somebody wants them whole. */
  #home: Slabs | undefined

  constructor(place: {
    slab: Slab
    start: number
    length: number
    revision: Revision
    object: KubeObject | undefined
    keep?: Keep
    home?: Slabs
  }) {
    this.#slab = place.slab
    this.#start = place.start
    this.#length = place.length
    this.revision = place.revision
    this.#home = place.home
    if (place.object) this.#hold(place.object, place.keep ?? briefly)
  }

  /** Length of the JSON in bytes. */
  get length(): number {
    return this.#length
  }

  /** What it takes of its slab. */
  get footprint(): number {
    return this.#home ? this.#length - this.#splice.length : this.#length + frameSpace
  }

  /** The object's JSON in the storage version. A view: never write to it. */
  get bytes(): Buffer {
    this.#moveIn()
    return this.#slab.bytes.subarray(this.#start, this.#start + this.#length)
  }

  /** The JSON with a line feed behind it, as it is answered: a copy, for a watch frame may stand around the object where it lies. */
  line(): Buffer {
    const line = Buffer.allocUnsafe(this.#length + 1)
    this.copyTo(line, 0)
    line[this.#length] = 10
    return line
  }

  /** Copies the JSON to `target` at `offset`. */
  copyTo(target: Buffer, offset: number): void {
    const { bytes } = this.#slab
    if (!this.#home) {
      bytes.copy(target, offset, this.#start, this.#start + this.#length)
      return
    }
    const splice = this.#splice
    const end = this.#start + this.footprint
    const at = indexOfWithin(bytes, metadataKey, this.#start, end) + metadataKey.length
    bytes.copy(target, offset, this.#start, at)
    target.write(splice, offset + at - this.#start, 'latin1')
    bytes.copy(target, offset + at - this.#start + splice.length, at, end)
  }

  /** The parsed object in the storage version; parsed again only after nobody held it for a while. */
  get object(): KubeObject {
    if (this.#object) return this.#object
    const object = this.#weakObject?.deref() ?? this.#parsedByParts() ?? (JSON.parse(this.text) as KubeObject)
    this.#hold(object, briefly)
    return object
  }

  /**
   * The object without its managed fields, which are half of a pod and of no use to a loop: they are not even parsed. One of its own
   * for each who asks, but frozen by convention as well: it may share parts with `object`.
   */
  get lean(): KubeObject {
    const live = this.parsed
    if (live) return withoutManagedFields(live)
    const bytes = this.#stored
    const range = metadataOf(bytes)
    return JSON.parse(this.#headText(bytes, range) + bytes.toString('utf8', range.close)) as KubeObject
  }

  /**
   * `lean` up to its metadata, without parsing the spec and the status that follow, and where these lie; undefined when it has not just
   * these. One of its own for each who asks, but that equal label sets are one object.
   */
  get leanHead(): LeanHead | undefined {
    const bytes = this.#stored
    const range = metadataBeforeSpec(bytes)
    const status = range ? bytes.indexOf(statusKey, range.close) : -1
    if (!range || status < 0) return undefined
    const live = this.parsed
    const head = live ? headOf(live) : (JSON.parse(`${this.#headText(bytes, range)}}}`) as KubeObject)
    if (head.metadata.labels) head.metadata.labels = this.labels
    return {
      head,
      specFromEnd: bytes.length - range.close - specKey.length + 1,
      statusFromEnd: bytes.length - status - statusKey.length + 1,
    }
  }

  /** The object, while it is parsed. */
  get parsed(): KubeObject | undefined {
    return this.#object ?? this.#weakObject?.deref()
  }

  /** A weak reference costs the garbage collector more than what it refers to: only what grows old has one. */
  #hold(object: KubeObject, keep: Keep): void {
    if (this.#length > heldBytesMax) {
      this.#weakObject = new WeakRef(object)
      return
    }
    this.#object = object
    keep(this)
  }

  /** Others may hold the object on; of a state that is over nobody asks for it any more. */
  letGo(): void {
    const object = this.#object
    this.#object = undefined
    if (object && this.#member >= 0 && this.#weakObject?.deref() !== object) this.#weakObject = new WeakRef(object)
  }

  /** The JSON from so many bytes before its end to so many. They are the same when the revision has come in or the object has moved. */
  textFromEnd(from: number, to: number): string {
    const end = this.#start + (this.#home ? this.footprint : this.#length)
    return this.#slab.bytes.toString('utf8', end - from, end - to)
  }

  get text(): string {
    if (!this.#home) return this.#slab.bytes.toString('utf8', this.#start, this.#start + this.#length)
    const bytes = Buffer.allocUnsafe(this.#length)
    this.copyTo(bytes, 0)
    return bytes.toString()
  }

  /** An own copy of the object, free to be changed. */
  copy(): KubeObject {
    return JSON.parse(this.text) as KubeObject
  }

  /** metadata.labels without parsing the rest. Equal label sets are one shared object. */
  get labels(): Labels {
    return (this.#labels ??= this.#readLabels())
  }

  /** What another version or a selector derived from this object; `make` runs once while anybody holds the result. */
  derived<T extends object>(kind: string, make: () => T): T {
    const live = this.#derivedKind === kind ? this.#derived?.deref() : undefined
    if (live) return live as T
    const value = make()
    this.#derivedKind = kind
    this.#derived = new WeakRef(value)
    return value
  }

  /** `{"type":T,"object":…}` and a line feed, the bytes of a watch event. Shared by all watchers of the event. */
  frame(type: FrameType): Buffer {
    this.#moveIn()
    if (this.#frameType === undefined) {
      this.#frameType = type
      const head = frameHeads[type]
      head.copy(this.#slab.bytes, this.#start - head.length)
      frameTail.copy(this.#slab.bytes, this.#start + this.#length)
    }
    const head = frameHeads[type]
    if (this.#frameType === type) return this.#slab.bytes.subarray(this.#start - head.length, this.#start + this.#length + frameTail.length)
    return Buffer.concat([head, this.bytes, frameTail])
  }

  /** The same state under another revision: how a watcher learns of an object that ceased to match its selector. */
  at(revision: Revision): CachedObject {
    const text = this.text.replace(`${splicePrefix}${this.revision}"`, `${splicePrefix}${revision}"`)
    const length = Buffer.byteLength(text)
    const slab = Slab.ofBytes(length + frameSpace)
    slab.bytes.write(text, frameHeadSpace)
    return new CachedObject({ slab, start: frameHeadSpace, length, revision, object: undefined })
  }

  /** Tells the slab that this is no longer the newest state, so that the slab can be emptied when mostly dead. */
  retire(slabs: Slabs): void {
    const slab = this.#slab
    if (this.#leave()) slabs.maybeEmpty(slab)
  }

  /** Called by the slabs: this object lives (now) here. */
  settle(slab: Slab, start: number, member: number): void {
    this.#slab = slab
    this.#start = start
    this.#member = member
    this.#frameType = undefined
  }

  /** Called by the slabs: the bytes have been copied whole, with the revision in them. */
  becomeWhole(): void {
    this.#home = undefined
  }

  /** False when it is no member of its slab. */
  #leave(): boolean {
    if (this.#member < 0) return false
    const { members } = this.#slab
    const last = members.pop()!
    if (last !== this) {
      members[this.#member] = last
      last.#member = this.#member
    }
    this.#member = -1
    this.#slab.liveBytes -= this.footprint
    return true
  }

  /** Out of memory that holds it as it is stored, to where there is room for the revision and for frames. */
  #moveIn(): void {
    const home = this.#home
    if (!home) return
    const old = this.#slab
    if (this.#leave()) {
      home.move(this)
      home.maybeEmpty(old)
      return
    }
    const slab = Slab.ofBytes(this.#length + frameSpace)
    this.copyTo(slab.bytes, frameHeadSpace)
    this.#home = undefined
    this.settle(slab, frameHeadSpace, -1)
  }

  /** The JSON as it lies there, with or without the revision. */
  get #stored(): Buffer {
    return this.#slab.bytes.subarray(this.#start, this.#start + (this.#home ? this.footprint : this.#length))
  }

  /** Of a pod, as it is mostly stored. Nothing else has so many that are alike. */
  #parsedByParts(): KubeObject | undefined {
    const bytes = this.#stored
    if (!hasAt(bytes, podKey, 0)) return undefined
    const range = metadataBeforeSpec(bytes)
    const status = range ? bytes.indexOf(statusKey, range.close) : -1
    if (!range || status < 0) return undefined
    return parseParts({
      head: this.#headText(bytes, range),
      managers: bytes.toString('utf8', range.end, range.close),
      spec: bytes.toString('utf8', range.close + specKey.length - 1, status + 1),
      status: bytes.toString('utf8', status + statusKey.length - 1, bytes.length - 1),
    })
  }

  /** Up to the end of the metadata, which is left open, without their managed fields. */
  #headText(bytes: Buffer, { open, end }: MetadataRange): string {
    if (!this.#home) return bytes.toString('utf8', 0, end)
    return bytes.toString('utf8', 0, open + 1) + this.#splice + bytes.toString('utf8', open + 1, end)
  }

  get #splice(): string {
    return spliceOf(this.revision)
  }

  #readLabels(): Labels {
    const { bytes } = this.#slab
    const end = this.#start + (this.#home ? this.footprint : this.#length)
    const metadata = indexOfWithin(bytes, metadataKey, this.#start, end)
    const open = bytes.indexOf(123, metadata + metadataKey.length)
    // encodeStored writes the labels before any other nested field of the metadata: the first brace is theirs or there are none.
    const isLabels = open > 0 && open < end && bytes.compare(labelsKey, 0, labelsKey.length, open + 1 - labelsKey.length, open + 1) === 0
    if (!isLabels) return noLabels
    let close = open
    let inString = false
    for (let i = open; i < end; i++) {
      const c = bytes[i]
      if (c === 34) inString = !inString
      else if (c === 92 && inString) i++
      else if (c === 125 && !inString) {
        close = i + 1
        break
      }
    }
    return internText(bytes.toString('utf8', open, close))
  }
}

/** Who holds the parsed object of what is given to it until others have come. */
export type Keep = (cached: CachedObject) => void

/** Of a longer JSON no parsed object is held. */
const heldBytesMax = 16_384
const letGo = (cached: CachedObject) => cached.letGo()

/**
 * What was just written is mostly written again soon (a pod is bound, then its agent says how it goes), and loops hold no object whole:
 * without this every such write would parse it anew. Some twenty megabytes at most, of usual pods.
 */
export const lately: Keep = createRing(2_048, letGo)

/** What is only read, and what hardly anybody changes: as long as a request lasts. */
export const briefly: Keep = createRing(256, letGo)

/** Both in bytes before the end of the JSON. */
export type LeanHead = { readonly head: KubeObject; readonly specFromEnd: number; readonly statusFromEnd: number }

export type FrameType = 'ADDED' | 'MODIFIED' | 'DELETED'
export type Labels = Readonly<Record<string, string>>

const frameHeads: Readonly<Record<FrameType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
}
const frameTail = Buffer.from('}\n')
/** Room before and after each object's bytes for the longest frame. */
export const frameHeadSpace = frameHeads.MODIFIED.length
export const frameSpace = frameHeadSpace + frameTail.length

const metadataKey = Buffer.from('"metadata":{')
const labelsKey = Buffer.from('"labels":{')
const noLabels: Labels = Object.freeze({})
const splicePrefix = '"resourceVersion":"'
const spliceOf = (revision: Revision) => `${splicePrefix}${revision}",`

const managedFieldsKey = Buffer.from(',"managedFields":[')
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** In an object's JSON: the brace that opens its metadata, the end of what they are without managed fields, and the brace that closes them. */
type MetadataRange = { readonly open: number; readonly end: number; readonly close: number }

function metadataOf(bytes: Buffer): MetadataRange {
  const open = indexOfWithin(bytes, metadataKey, 0, bytes.length) + metadataKey.length - 1
  const at = bytes.indexOf(managedFieldsKey, open)
  // Those after the end of the metadata are somebody else's; encodeStored writes the object's own last of them.
  const end = at < 0 ? bytes.length : at + 1
  const after = endOfValue(bytes, open, end)
  if (after < end || at < 0) return { open, end: after - 1, close: after - 1 }
  return { open, end: at, close: closeOfMetadata(bytes, open, at) }
}

/**
 * The same of an object whose metadata a spec follows and in whose metadata nothing looks like it; undefined: it has no spec. A search is
 * some twenty times faster than a look at each byte, and the faster the rarer what it begins with.
 */
function metadataBeforeSpec(bytes: Buffer): MetadataRange | undefined {
  const open = indexOfWithin(bytes, metadataKey, 0, bytes.length) + metadataKey.length - 1
  const at = bytes.indexOf(managedFieldsKey, open)
  const close = at < 0 ? bytes.indexOf(specKey, open) : bytes.indexOf(specAfterFields, at) + 1
  return close > 0 ? { open, end: at < 0 ? close : at, close } : undefined
}

function headOf({ kind, apiVersion, metadata }: KubeObject): KubeObject {
  const { managedFields: _, ...kept } = metadata
  return { kind, apiVersion, metadata: kept }
}

/**
 * Where the brace lies that closes the metadata at `open`, whose managed fields begin at `at`. These hold no other array, so the first
 * bracket after them is theirs, unless it is in a string; what follows tells. Managed fields are half of a
 * pod.
 */
function closeOfMetadata(bytes: Buffer, open: number, at: number): number {
  const close = bytes.indexOf(arrayEnd, at)
  return close >= 0 && hasAt(bytes, specKey, close + 1) ? close + 1 : endOfValue(bytes, open, bytes.length) - 1
}

const podKey = Buffer.from('{"kind":"Pod",')
const arrayEnd = Buffer.from(']},"')
/** Behind the metadata, their brace with it. */
const specKey = Buffer.from('},"spec":{')
const specAfterFields = Buffer.from(']},"spec":{')
const statusKey = Buffer.from('},"status":{')

/** The index after the bracket that closes the one at `open`. */
function endOfValue(bytes: Buffer, open: number, end: number): number {
  let depth = 0
  let isString = false
  for (let i = open; i < end; i++) {
    const c = bytes[i]!
    if (isString) {
      if (c === 92) i++
      else if (c === 34) isString = false
    } else if (c === 34) isString = true
    else if (c === 123 || c === 91) depth++
    else if ((c === 125 || c === 93) && --depth === 0) return i + 1
  }
  return end
}

/** Label sets seen lately; pods of one workload share theirs. Emptied when full: sharing is only for memory. */
const interned = new Map<string, Labels>()
const internedMax = 20_000

function internText(text: string): Labels {
  const known = interned.get(text)
  if (known) return known
  if (interned.size >= internedMax) interned.clear()
  const labels = Object.freeze(JSON.parse(text) as Record<string, string>)
  interned.set(text, labels)
  return labels
}

function indexOfWithin(bytes: Buffer, key: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(key, start)
  if (at < 0 || at >= end) throw new Error('a stored value has no metadata')
  return at
}

const hasAt = (bytes: Buffer, key: Buffer, at: number) =>
  at + key.length <= bytes.length && bytes.compare(key, 0, key.length, at, at + key.length) === 0

/** Decodes a stored value at a revision (see store/watch-cache-contract.ts): copies it to a slab with the revision spliced in. */
export function decodeStored(slabs: Slabs, value: Uint8Array, revision: Revision, object?: KubeObject, keep?: Keep): CachedObject {
  const stored = Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const at = indexOfWithin(stored, metadataKey, 0, stored.length) + metadataKey.length
  const splice = spliceOf(revision)
  const length = stored.length + splice.length
  const { slab, start } = slabs.allocate(length + frameSpace)
  const begin = start + frameHeadSpace
  // Whole, and then its beginning over it: to take a part costs more than to copy it.
  slab.bytes.set(stored, begin + splice.length)
  slab.bytes.write(stored.toString('latin1', 0, at) + splice, begin, 'latin1')
  if (object) object.metadata.resourceVersion = String(revision)
  const cached = new CachedObject({ slab, start: begin, length, revision, object, ...(keep ? { keep } : {}) })
  slabs.adopt(slab, cached, begin)
  return cached
}

/**
 * The same for a value whose memory may be kept: nothing is copied before somebody wants the bytes of this one object. So a server
 * with very many objects is ready soon.
 */
export function adoptStored(slabs: Slabs, value: Uint8Array, revision: Revision): CachedObject {
  const slab = slabs.foreign(value.buffer)
  if (!slab) return decodeStored(slabs, value, revision)
  const length = value.length + spliceOf(revision).length
  const cached = new CachedObject({ slab, start: value.byteOffset, length, revision, object: undefined, home: slabs })
  slabs.adopt(slab, cached, value.byteOffset)
  return cached
}

export type DecodeStored = (key: StoreKey, value: Uint8Array, revision: Revision) => CachedObject
