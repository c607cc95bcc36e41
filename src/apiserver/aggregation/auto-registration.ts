import { apiServices } from '../../kinds/apiregistration/api-service.ts'
import type { APIService } from '../../kinds/generated/types/apiregistration-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { toTime } from '../../base/clock.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type Operation, operationsMax } from '../../store/contract.ts'
import { encodeStored } from '../objects/codec.ts'
import type { Core } from '../core.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { keyOfObject } from '../registry.ts'
import { retried } from '../retried.ts'
import { automanagedLabel, localApiService, localCondition, registeredVersions } from './local-api-services.ts'

const attemptsMax = 5

/** The APIServices of custom kinds that are missing, and those that nothing is served for any more: pure. */
export function planRegistration(
  wanted: readonly APIService[],
  current: readonly APIService[],
): { readonly create: readonly APIService[]; readonly remove: readonly APIService[] } {
  const names = new Set(wanted.map((service) => service.metadata.name))
  const there = new Set(current.map((service) => service.metadata.name))
  return {
    create: wanted.filter((service) => !there.has(service.metadata.name)),
    remove: current.filter(({ metadata }) => metadata.labels?.[automanagedLabel] === 'true' && !names.has(metadata.name)),
  }
}

/**
 * Keeps an APIService for each group version of custom kinds, as long as it is served: false where others wrote the same ones again and
 * again. Rejects when the store does.
 */
export async function registerCustomGroups(core: Core): Promise<boolean> {
  const { registry, storage, random, clock } = core
  const resource = registry.find(apiServices.group, apiServices.version, apiServices.plural)
  if (!resource) return true
  const builtIn = new Set(registry.all().flatMap((r) => (r.isCustom ? [] : [r.apiVersion])))
  const customs = registry.all().filter((r) => r.isCustom && !builtIn.has(r.apiVersion))
  const wanted = registeredVersions(customs.map(({ kind }) => kind)).map((version) => localApiService(version, true))
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const reader = createObjectReader(registry, storage)
    const { create, remove } = planRegistration(wanted, reader.list(apiServices as KindRef<KubeObject & APIService>, ''))
    const now = toTime(clock.now())
    const operations: Operation[] = create.map((service) => ({
      type: 'put',
      key: keyOfObject(resource, '', service.metadata.name ?? ''),
      value: encodeStored({
        ...service,
        metadata: { ...service.metadata, uid: random.uuid(), creationTimestamp: now },
        status: { conditions: [{ ...localCondition, lastTransitionTime: now }] },
      } as KubeObject),
      expected: 'absent',
    }))
    for (const { metadata } of remove) {
      const key = keyOfObject(resource, '', metadata.name ?? '')
      const entry = storage.cache.get(key)
      if (entry) operations.push({ type: 'delete', key, expected: entry.revision })
    }
    let isWritten = true
    for (let i = 0; i < operations.length && isWritten; i += operationsMax)
      isWritten = (await storage.commit(operations.slice(i, i + operationsMax))).type === 'committed'
    if (isWritten) return true
  }
  return false
}

/** Follows the custom kinds that are served. `ended` resolves when what is under way is written. */
export function keepRegistered(core: Core, signal: AbortSignal): { ended(): Promise<void> } {
  const registering = retried(core, async () => {
    try {
      return signal.aborted || (await registerCustomGroups(core))
    } catch (error) {
      if (signal.aborted) return true
      core.log.warn({ error: String(error) }, 'the APIServices of custom kinds could not be kept')
      return false
    }
  })
  const register = () => void registering.look()
  const remove = core.registry.onChange(register)
  signal.addEventListener('abort', remove, { once: true })
  if (core.registry.all().some((resource) => resource.isCustom)) register()
  return { ended: () => registering.end() }
}
