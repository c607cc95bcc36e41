import type { KubeObject } from '../../../machinery/object.ts'
import type { AdmissionRequest } from '../../contract.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import type { Registry, Resource } from '../../registry.ts'
import { matchedResource } from '../dynamic/match-rules.ts'
import { matchesSelectors, type Selectors, selectorsOf } from '../dynamic/match-selectors.ts'
import type { Webhook } from './admission-review.ts'

/** A webhook of a configuration that is in force. */
export type Hook = {
  /** Tells it from all others, also after its configuration has been written anew. */
  readonly uid: string
  readonly configuration: string
  readonly webhook: Webhook
  readonly selectors: Selectors
}

/** A webhook that is to be asked, and the version of the objects in which it wants them. */
export type Invocation = { readonly hook: Hook; readonly resource: Resource; readonly index: number }

export type HookSet = {
  readonly isEmpty: boolean
  /** Webhooks whose rules and selectors take the request in, in order. Throws 404 for a namespace that is not there. */
  invocations(request: AdmissionRequest): readonly Invocation[]
}

/** Configurations by name, their webhooks as they stand in them. */
export function hookSet(
  configurations: readonly (KubeObject & { readonly webhooks?: readonly Webhook[] })[],
  parts: { readonly registry: Registry; readonly reader: ObjectReader },
): HookSet {
  const byName = configurations.toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
  const hooks = byName.flatMap(({ metadata, webhooks = [] }) =>
    webhooks.map((webhook, i): Hook => {
      const configuration = metadata.name ?? ''
      return { uid: `${configuration}/${webhook.name}/${i}`, configuration, webhook, selectors: selectorsOf(webhook) }
    }),
  )
  // Rules look at what is the same for all objects of a resource: asked once a resource, until kinds come or go.
  let memo = new Map<string, readonly Invocation[]>()
  let served = 0
  const candidates = (request: AdmissionRequest): readonly Invocation[] => {
    if (served !== parts.registry.generation) {
      memo = new Map()
      served = parts.registry.generation
    }
    const { operation, kind, subresource } = request
    const key = `${operation}/${kind.group}/${kind.version}/${kind.plural}/${subresource}`
    const known = memo.get(key)
    if (known) return known
    const found = hooks.flatMap((hook, index): Invocation[] => {
      const { rules = [], matchPolicy } = hook.webhook
      const matched = matchedResource(rules, request, { registry: parts.registry, isExact: matchPolicy === 'Exact' })
      return matched ? [{ hook, resource: matched.resource, index }] : []
    })
    memo.set(key, found)
    return found
  }
  return {
    isEmpty: hooks.length === 0,
    invocations: (request) => candidates(request).filter(({ hook }) => matchesSelectors(hook.selectors, request, parts.reader)),
  }
}
