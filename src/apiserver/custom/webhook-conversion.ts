import type { Random } from '../../base/random.ts'
import type { WebhookConversion } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { FieldError } from '../../machinery/field-error.ts'
import { validateLabels } from '../../machinery/labels.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import { validateAnnotations } from '../../machinery/object-meta.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import { isObject, type JsonObject } from '../../machinery/structural/json-schema.ts'
import type { Asking } from '../contract.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { Conversion } from '../registry.ts'
import type { WebhookClient } from '../reach/webhook-client.ts'

const timeoutMs = 30_000
/** Objects in one review; longer lists take several. */
const objectsMax = 500

type Parts = {
  readonly client: WebhookClient
  readonly random: Random
  readonly webhook: WebhookConversion
  readonly served: KindDefinition
  readonly stored: KindDefinition
  /** A stored object, pruned and defaulted by the schema of its version. */
  readonly read: (object: KubeObject) => KubeObject
  /** A converted object, pruned by the schema of its version. */
  readonly coerced: (object: KubeObject) => KubeObject
}

/**
 * Conversion by a webhook (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion).
 * Views of stored objects are made by `prepare`, many in one review, and kept as long as the cache has the object: reading it
 * again asks nobody.
 */
export function webhookConversion(parts: Parts): Conversion {
  const served = apiVersionOf(parts.served)
  const stored = apiVersionOf(parts.stored)
  const views = new WeakMap<CachedObject, KubeObject>()
  return {
    prepare: async (values, asking) => {
      const missing = values.filter((value) => !views.has(value) && value.object.apiVersion !== served)
      for (let i = 0; i < missing.length; i += objectsMax) {
        const batch = missing.slice(i, i + objectsMax)
        const converted = await convert(
          parts,
          batch.map((value) => parts.read(value.object)),
          { desiredAPIVersion: served, asking },
        )
        for (const [j, value] of batch.entries()) views.set(value, parts.coerced(converted[j]!))
      }
    },
    fromStored: (object, cached) => {
      if (object.apiVersion === served) return parts.read(object)
      const view = cached && views.get(cached)
      if (!view) throw statusErrors.internal(new Error(`an object of ${object.apiVersion} has not been converted to ${served}`))
      return view
    },
    convert: async (object, asking) => {
      if (object.apiVersion === served) return parts.read(object)
      const [converted] = await convert(parts, [parts.read(object)], { desiredAPIVersion: served, asking })
      return parts.coerced(converted!)
    },
    toStored: async (object, asking) => {
      if (object.apiVersion === stored) return object
      const [converted] = await convert(parts, [object], { desiredAPIVersion: stored, asking })
      return parts.coerced(converted!)
    },
  }
}

type Fail = (why: string) => Error
/** A value of anybody's making in a message. */
const shown = (value: unknown) => (typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value))

type Wanted = { readonly desiredAPIVersion: string; readonly asking: Asking | undefined }

async function convert(parts: Parts, objects: readonly KubeObject[], { desiredAPIVersion, asking }: Wanted): Promise<KubeObject[]> {
  const { client, random, webhook, served } = parts
  const subject = `conversion webhook for ${objects[0]?.apiVersion}, Kind=${served.kind}`
  // Upstream gives no reason for it.
  const fail: Fail = (why) =>
    new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: `${subject} ${why}`, code: 500 })
  const version = webhook.conversionReviewVersions.find((v) => v === 'v1' || v === 'v1beta1')
  if (!version || !webhook.clientConfig) throw statusErrors.internal(new Error('no supported conversion review versions'))
  const uid = random.uuid()
  const apiVersion = `apiextensions.k8s.io/${version}`
  let review: unknown
  try {
    review = await client.post(
      webhook.clientConfig,
      { kind: 'ConversionReview', apiVersion, request: { uid, desiredAPIVersion, objects } },
      { timeoutMs, signal: asking?.signal },
    )
  } catch (error) {
    asking?.signal?.throwIfAborted()
    throw fail(`failed: ${(error as Error).message}`)
  }
  const converted = convertedObjects(review, { apiVersion, uid, fail: (why) => fail(`failed: ${why}`) })
  if (converted.length !== objects.length) throw fail(`returned ${converted.length} objects, expected ${objects.length}`)
  return converted.map((object, i) => {
    const place = objects.length === 1 ? ['object', ''] : ['converted object', ` at index ${i}`]
    return checked(object, objects[i]!, { desiredAPIVersion, fail: (why) => fail(`returned invalid ${place[0]}${place[1]}: ${why}`) })
  })
}

/** What a review answers. The older version of reviews says neither what it is nor whom it answers, as upstream lets it. */
function convertedObjects(
  review: unknown,
  { apiVersion, uid, fail }: { readonly apiVersion: string; readonly uid: string; readonly fail: Fail },
): readonly unknown[] {
  const { kind, apiVersion: answered, response } = isObject(review) ? review : {}
  const isStrict = apiVersion.endsWith('/v1')
  if (isStrict && (kind !== 'ConversionReview' || answered !== apiVersion))
    throw fail(`expected webhook response of ${apiVersion}, Kind=ConversionReview, got ${shown(answered)}, Kind=${shown(kind)}`)
  if (!isObject(response)) throw fail('no response provided')
  if (isStrict && response['uid'] !== uid)
    throw fail(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`)
  const { status = '', message } = isObject(response['result']) ? response['result'] : {}
  if (status !== 'Success')
    throw fail(typeof message === 'string' && message !== '' ? message : `response.result.status was '${shown(status)}', not 'Success'`)
  const objects = response['convertedObjects']
  return Array.isArray(objects) ? objects : []
}

/** The object with its own identity: of metadata a webhook may change labels and annotations only. */
function checked(
  object: unknown,
  original: KubeObject,
  { desiredAPIVersion, fail }: { readonly desiredAPIVersion: string; readonly fail: Fail },
): KubeObject {
  if (!isObject(object)) throw fail(`it is no object`)
  const { apiVersion, kind, metadata } = object
  if (apiVersion !== desiredAPIVersion) throw fail(`invalid groupVersion (expected ${desiredAPIVersion}, received ${shown(apiVersion)})`)
  if (kind !== original.kind) throw fail(`invalid kind (expected ${original.kind}, received ${shown(kind)})`)
  const given = isObject(metadata) ? metadata : {}
  for (const [field, word] of identity) {
    const [before, after] = [original.metadata[field] ?? '', given[field] ?? '']
    if (before !== after) throw fail(`must have the same ${word}: ${before} != ${shown(after)}`)
  }
  if (metadata === undefined || metadata === null) throw fail('missing metadata in converted object')
  const { labels: _l, annotations: _a, ...kept } = original.metadata
  const [labels, annotations] = [texts('labels', given, fail), texts('annotations', given, fail)]
  if (labels && !deepEqual(labels, original.metadata.labels)) throwFirst(validateLabels(labels, 'metadata.labels'), fail)
  if (annotations && !deepEqual(annotations, original.metadata.annotations))
    throwFirst(validateAnnotations(annotations, 'metadata.annotations'), fail)
  return {
    ...object,
    apiVersion: desiredAPIVersion,
    kind: original.kind,
    metadata: { ...kept, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
  }
}

const identity = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const

function texts(field: 'labels' | 'annotations', metadata: JsonObject, fail: Fail): Record<string, string> | undefined {
  const value = metadata[field]
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw fail(`invalid metadata.${field} in converted object: it is no map`)
  for (const [key, text] of Object.entries(value))
    if (typeof text !== 'string') throw fail(`metadata.${field}[${key}] must be a string in converted object`)
  return value as Record<string, string>
}

function throwFirst(errors: readonly FieldError[], fail: Fail): void {
  const [first] = errors
  if (first) throw fail(`${first.field}: ${first.message}`)
}
