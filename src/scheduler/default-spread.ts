import type { Informer } from '../client/informer-contract.ts'
import type { ReplicaSet, StatefulSet } from '../kinds/generated/types/apps-v1.ts'
import type { Pod, ReplicationController, Service } from '../kinds/generated/types/core-v1.ts'
import { controllerOf } from '../machinery/object.ts'
import { formatSelector, matches, type Selector, selectorFrom, selectorFromMap } from '../machinery/label-selector.ts'
import type { DefaultSpread } from './core/plugin.ts'

/** Who may select a pod. */
export type SpreadSources = {
  readonly services: Informer<Service>
  readonly replicaSets: Informer<ReplicaSet>
  readonly statefulSets: Informer<StatefulSet>
  readonly replicationControllers: Informer<ReplicationController>
}

/**
 * The pods among which the cluster's default constraints spread this one: those that match every service that selects it
 * and the selector of its owning workload. Undefined when nobody selects it or it has constraints of its own.
 */
export function defaultSpreadOf(pod: Pod, sources: SpreadSources): DefaultSpread | undefined {
  if ((pod.spec?.topologySpreadConstraints?.length ?? 0) > 0) return undefined
  const namespace = pod.metadata.namespace ?? ''
  const selectors: Selector[] = []
  for (const service of sources.services.list(namespace)) {
    const map = service.spec?.selector
    if (!map || Object.keys(map).length === 0) continue
    const selector = selectorFromMap(map)
    if (matches(selector, pod.metadata.labels)) selectors.push(selector)
  }
  const owner = ownerSelector(pod, namespace, sources)
  if (owner) selectors.push(owner)
  if (selectors.length === 0) return undefined
  const key = [...new Set(selectors.map(formatSelector))].sort().join(' & ')
  return { key, matches: (labels) => selectors.every((s) => matches(s, labels)) }
}

function ownerSelector(pod: Pod, namespace: string, sources: SpreadSources): Selector | undefined {
  const owner = controllerOf(pod)
  if (!owner) return undefined
  const key = `${namespace}/${owner.name}`
  switch (owner.kind) {
    case 'ReplicaSet':
      return selectorOf(sources.replicaSets.get(key)?.spec?.selector)
    case 'StatefulSet':
      return selectorOf(sources.statefulSets.get(key)?.spec?.selector)
    case 'ReplicationController': {
      const map = sources.replicationControllers.get(key)?.spec?.selector
      return map && Object.keys(map).length > 0 ? selectorFromMap(map) : undefined
    }
    default:
      return undefined
  }
}

function selectorOf(selector: Parameters<typeof selectorFrom>[0]): Selector | undefined {
  return selector ? selectorFrom(selector) : undefined
}
