import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import type { LoopContext } from './contract.ts'
import { givesSameEndpoints } from './service-ports.ts'

/** The services whose endpoints a change of a pod can change. The loop must declare services. */
export function servicesOfPod(
  change: { readonly current: Pod | undefined; readonly old: Pod | undefined },
  context: LoopContext,
): readonly string[] {
  const { current, old } = change
  const namespace = (current ?? old)?.metadata.namespace ?? ''
  const services = context.informer(kindRefs.coreV1.services).list(namespace)
  if (services.length === 0 || (current && old && givesSameEndpoints(current, old))) return []
  const keys: string[] = []
  for (const service of services) {
    const selector = Object.entries(service.spec?.selector ?? {})
    const isSelected = (pod: Pod | undefined) => selector.every(([key, value]) => pod?.metadata.labels?.[key] === value)
    if (selector.length > 0 && (isSelected(current) || isSelected(old))) keys.push(`${namespace}/${service.metadata.name}`)
  }
  return keys
}
