import type { CachedObject } from '../objects/cached-object.ts'
import type { Core, RequestContext } from '../core.ts'
import type { AlikeName } from '../objects/object-storage.ts'
import { keyOfObject } from '../registry.ts'
import { createAdmission, type CreateRequest, generatedName, generatedNamesMax, judgeNew, nameTaken, prepareNew } from './create.ts'

export type Settled = PromiseSettledResult<CachedObject>

/**
 * Creates `count` objects of one form with generated names: what is equal in all of them is defaulted, admitted, validated and encoded
 * once. Each has a name, a uid, a revision and an answer of its own. Undefined, with nothing done, where something looks at single
 * objects: a quota, a webhook, a policy, a plugin that does not say otherwise. Throws what one create would throw of them all.
 */
export async function createAlike(
  core: Core,
  context: RequestContext,
  { count, ...request }: CreateRequest & { readonly count: number },
): Promise<readonly Settled[] | undefined> {
  const { resource, namespace, object, parameters } = request
  if (object.metadata.name || !object.metadata.generateName || resource.conversion || parameters.dryRun) return undefined
  if (!core.admission.treatsAlike(createAdmission(context, request)) || !core.hooks.takesNothing(resource, namespace)) return undefined
  const { generateName, admission } = await prepareNew(core, context, request)
  await judgeNew(core, request, admission)
  context.proceed?.()
  const settled: Settled[] = []
  let unnamed = Array.from({ length: count }, (_, i) => i)
  for (let attempt = 1; unnamed.length > 0; attempt++) {
    const names = unnamed.map(() => drawName(core, request, generateName))
    const results = await core.storage.putAlike(object, names)
    const taken: number[] = []
    for (const [n, result] of results.entries()) {
      const i = unnamed[n]!
      if (result.status === 'rejected') settled[i] = result
      else if (result.value.type === 'committed') settled[i] = { status: 'fulfilled', value: result.value.value }
      else if (attempt < generatedNamesMax) taken.push(i)
      else settled[i] = { status: 'rejected', reason: nameTaken(core, { ...request, object: named(object, names[n]!) }) }
    }
    unnamed = taken
  }
  return settled
}

function drawName(core: Core, { resource, namespace }: CreateRequest, generateName: string): AlikeName {
  const name = generatedName(core, generateName)
  return { key: keyOfObject(resource, namespace, name), name, uid: core.random.uuid() }
}

const named = <T extends CreateRequest['object']>(object: T, { name, uid }: AlikeName): T => ({
  ...object,
  metadata: { ...object.metadata, name, uid },
})
