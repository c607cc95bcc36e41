import type { Random } from '../../base/random.ts'
import type { WebhookConversion } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { CachedObject } from '../cached-object.ts'
import type { Conversion } from '../registry.ts'
import type { WebhookClient } from '../webhook-client.ts'

const timeoutMs = 30_000
/** Objects in one review; longer lists take several. */
const objectsMax = 500

type Parts = {
  readonly client: WebhookClient
  readonly random: Random
  readonly webhook: WebhookConversion
  readonly served: KindDefinition
  readonly stored: KindDefinition
  /** What pruning and defaulting make of an object in the served version, and in the stored one. */
  readonly finishServed: (object: KubeObject) => KubeObject
  readonly finishStored: (object: KubeObject) => KubeObject
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
    prepare: async (values) => {
      const missing = values.filter((value) => !views.has(value) && value.object.apiVersion !== served)
      for (let i = 0; i < missing.length; i += objectsMax) {
        const batch = missing.slice(i, i + objectsMax)
        const converted = await convert(
          parts,
          batch.map((value) => value.object),
          served,
        )
        for (const [j, value] of batch.entries()) views.set(value, parts.finishServed(converted[j]!))
      }
    },
    fromStored: (object, cached) => {
      if (object.apiVersion === served) return parts.finishServed(object)
      const view = cached && views.get(cached)
      if (!view) throw statusErrors.internal(new Error(`an object of ${object.apiVersion} has not been converted to ${served}`))
      return view
    },
    convert: async (object) => {
      if (object.apiVersion === served) return parts.finishServed(object)
      const [converted] = await convert(parts, [object], served)
      return parts.finishServed(converted!)
    },
    toStored: async (object) => {
      if (object.apiVersion === stored) return object
      const [converted] = await convert(parts, [object], stored)
      return parts.finishStored(converted!)
    },
  }
}

async function convert(parts: Parts, objects: readonly KubeObject[], desiredAPIVersion: string): Promise<KubeObject[]> {
  const { client, random, webhook, served } = parts
  const fail = (why: string) =>
    statusErrors.internal(new Error(`conversion webhook for ${objects[0]?.apiVersion}, Kind=${served.kind} failed: ${why}`))
  const version = webhook.conversionReviewVersions.find((v) => v === 'v1' || v === 'v1beta1')
  if (!version || !webhook.clientConfig) throw fail('the webhook speaks no version of ConversionReview that is known')
  const uid = random.uuid()
  const apiVersion = `apiextensions.k8s.io/${version}`
  let review: unknown
  try {
    review = await client.post(
      webhook.clientConfig,
      { kind: 'ConversionReview', apiVersion, request: { uid, desiredAPIVersion, objects } },
      { timeoutMs },
    )
  } catch (error) {
    throw fail((error as Error).message)
  }
  const { kind, apiVersion: answered, response } = (review ?? {}) as { kind?: string; apiVersion?: string; response?: Response }
  if (kind !== 'ConversionReview' || answered !== apiVersion)
    throw fail(`expected webhook response of ${apiVersion}, Kind=ConversionReview, got ${answered}, Kind=${kind}`)
  if (response?.uid !== uid) throw fail(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response?.uid ?? '')}`)
  if (response.result?.status !== 'Success') throw fail(response.result?.message || 'webhook responded with failure')
  const converted = response.convertedObjects ?? []
  if (converted.length !== objects.length) throw fail(`webhook returned ${converted.length} objects, expected ${objects.length}`)
  return converted.map((object, i) =>
    checked(object, objects[i]!, { desiredAPIVersion, fail: (why) => fail(`invalid converted object at index ${i}: ${why}`) }),
  )
}

type Response = {
  readonly uid?: string
  readonly convertedObjects?: readonly KubeObject[]
  readonly result?: { readonly status?: string; readonly message?: string }
}

/** The object with its own identity: of metadata a webhook may change labels and annotations only. */
function checked(
  object: KubeObject,
  original: KubeObject,
  { desiredAPIVersion, fail }: { readonly desiredAPIVersion: string; readonly fail: (why: string) => Error },
): KubeObject {
  if (object.apiVersion !== desiredAPIVersion)
    throw fail(`invalid groupVersion (expected ${desiredAPIVersion}, received ${object.apiVersion})`)
  if (object.kind !== original.kind) throw fail(`invalid kind (expected ${original.kind}, received ${object.kind})`)
  const { metadata } = object
  for (const field of ['name', 'namespace', 'uid'] as const)
    if (!deepEqual(metadata?.[field], original.metadata[field])) throw fail(`invalid metadata.${field}: it must not change`)
  const { labels: _l, annotations: _a, ...kept } = original.metadata
  const { labels, annotations } = metadata
  return { ...object, metadata: { ...kept, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) } }
}
