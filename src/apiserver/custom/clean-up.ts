import { sleep, toTime } from '../../base/clock.ts'
import { cleanupFinalizer } from '../../kinds/apiextensions/custom-resource-definition.ts'
import type { CustomResourceDefinition } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { StoreKey } from '../../store/contract.ts'
import { encodeStored } from '../objects/codec.ts'
import type { UserInfo } from '../contract.ts'
import type { Core, RequestContext } from '../core.ts'
import type { Resource } from '../registry.ts'
import { deleteCollection } from '../verbs/delete-collection.ts'
import { mutateObject } from '../verbs/mutate.ts'
import { setCondition } from './definition-status.ts'

/** `done` never rejects. */
export type CleanUp = { readonly done: Promise<void> }

type Ending = {
  readonly definitions: Resource
  readonly name: string
  readonly uid: string
  /** Of the definition. */
  readonly key: StoreKey
  /** Undefined: it was never served, so there are none. */
  readonly instances: Resource | undefined
}

const serverUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }
const retryMs = 1_000

/** Deletes every instance of a definition, waits for those that finalizers hold, and then lets the definition go. */
export function removeInstances(core: Core, ending: Ending, signal: AbortSignal): CleanUp {
  return { done: run(core, ending, signal) }
}

async function run(core: Core, ending: Ending, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await setTerminating(core, ending, {
        status: 'True',
        reason: 'InstanceDeletionInProgress',
        message: 'CustomResource deletion is in progress',
      })
      if (ending.instances) await untilEmpty(core, ending.instances, signal)
      if (signal.aborted) return
      await setTerminating(core, ending, { status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' })
      await letGo(core, ending)
      return
    } catch (error) {
      if (signal.aborted) return
      core.log.warn({ definition: ending.name, error: String(error) }, 'instances of a custom resource could not be deleted; trying again')
      const why = `could not delete instances: ${String(error)}`
      await setTerminating(core, ending, { status: 'True', reason: 'InstanceDeletionFailed', message: why }).catch(() => {})
      await sleep(core.clock, retryMs, signal).catch(() => {})
    }
  }
}

/** Each change of the instances is a reason to look again: one that was let go, or one that came while the rest went. */
async function untilEmpty(core: Core, instances: Resource, outer: AbortSignal): Promise<void> {
  const { cache } = core.storage
  const stop = new AbortController()
  const signal = AbortSignal.any([outer, stop.signal])
  const context: RequestContext = { user: serverUser, verb: 'delete', signal, agent: 'keelson', warn: () => {}, readsWarnings: false }
  const changes = cache.watch(instances.prefix, { after: cache.revision, signal })
  const empty = async () => {
    const request = { resource: instances, namespace: '', labelSelector: undefined, fieldSelector: undefined, options: {}, dryRun: false }
    await deleteCollection(core, context, request)
    return cache.list(instances.prefix).length === 0
  }
  try {
    if (await empty()) return
    for await (const _ of changes) if (await empty()) return
  } finally {
    stop.abort()
  }
}

async function setTerminating(
  core: Core,
  { definitions, name, uid }: Ending,
  condition: { readonly status: string; readonly reason: string; readonly message: string },
): Promise<void> {
  const now = toTime(core.clock.now())
  await mutateObject<CustomResourceDefinition>(core, { resource: definitions, namespace: '', name }, (definition) => {
    if (definition.metadata.uid !== uid) return
    const conditions = setCondition(definition.status?.conditions ?? [], { type: 'Terminating', ...condition }, now)
    definition.status = { ...definition.status, conditions }
  })
}

/** Removes the finalizer, and with the last one the definition. */
async function letGo(core: Core, { key, uid }: Ending): Promise<void> {
  const { storage } = core
  for (;;) {
    const entry = storage.cache.get(key)
    if (!entry || entry.value.object.metadata.uid !== uid) return
    const definition = entry.value.copy()
    const finalizers = (definition.metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanupFinalizer)
    definition.metadata.finalizers = finalizers
    const operation =
      finalizers.length === 0
        ? ({ type: 'delete', key, expected: entry.revision } as const)
        : ({ type: 'put', key, value: encodeStored(definition), expected: entry.revision } as const)
    const result = await storage.commit([operation])
    if (result.type === 'committed') return
  }
}
