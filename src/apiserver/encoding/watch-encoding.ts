import type { EncodingOptions } from './answer-encoding.ts'
import { isServedAsStored, viewOf } from '../objects/object-storage.ts'
import type { Resource } from '../registry.ts'
import { partialOf, tableOf } from './table.ts'
import type { Answer } from '../verb-request.ts'
import type { SelectedEvent, WatchBatch } from '../verbs/watch.ts'

/**
 * A watch as frames, one JSON document a line. Watchers that see the same batch of the cache send the same bytes:
 * one event is a view of the object's own slab, several are joined once for all of them.
 */
export async function* encodeWatch(answer: Answer & { type: 'watch' }, options: EncodingOptions): AsyncGenerator<Uint8Array> {
  const { resource, batches } = answer
  const isWhole = options.format.as === undefined
  let hasHeaders = true
  for await (const batch of batches) {
    switch (batch.type) {
      case 'events':
        yield isWhole && batch.events.every(({ value }) => isServedAsStored(resource, value))
          ? plainFrames(batch)
          : Buffer.from(batch.events.map((e, i) => derivedFrame(resource, e, options, hasHeaders && i === 0)).join(''))
        hasHeaders = false
        break
      case 'bookmark':
        yield bookmark(resource, batch, options)
        break
      case 'error':
        yield Buffer.from(`${JSON.stringify({ type: 'ERROR', object: batch.error.status })}\n`)
        break
    }
  }
}

/** Joined frames by the identity of the cache's batch; they live as long as somebody still has the batch to send. */
const joined = new WeakMap<object, Buffer>()

function plainFrames(batch: WatchBatch & { type: 'events' }): Buffer {
  const { events, shared } = batch
  const known = shared && joined.get(shared)
  if (known) return known
  const frames = events.map((event) => event.value.frame(event.type))
  const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames)
  if (shared) joined.set(shared, bytes)
  return bytes
}

function derivedFrame(resource: Resource, event: SelectedEvent, options: EncodingOptions, hasHeaders: boolean): string {
  const { format, include, nowMs } = options
  const object = viewOf(resource, event.value)
  const { resourceVersion } = object.metadata
  const derived =
    format.as === 'Table'
      ? tableOf(resource, [event.value], { resourceVersion }, { version: format.version, include, hasHeaders, nowMs })
      : format.as === undefined
        ? object
        : partialOf(object, format.version)
  return `{"type":"${event.type}","object":${JSON.stringify(derived)}}\n`
}

function bookmark(resource: Resource, batch: WatchBatch & { type: 'bookmark' }, options: EncodingOptions): Buffer {
  return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object: bookmarkObject(resource, batch, options) })}\n`)
}

/** What a bookmark carries: nothing but its revision, in the form that the watch's events have. */
export function bookmarkObject(resource: Resource, batch: WatchBatch & { type: 'bookmark' }, options: EncodingOptions): object {
  const { as, version } = options.format
  const metadata = {
    resourceVersion: String(batch.revision),
    ...(batch.isInitialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  }
  const partial = { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata }
  if (as === undefined) return { kind: resource.kind.kind, apiVersion: resource.apiVersion, metadata }
  if (as !== 'Table') return partial
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: { resourceVersion: metadata.resourceVersion },
    columnDefinitions: [],
    rows: [{ cells: resource.kind.columns.map(() => null), object: partial }],
  }
}
