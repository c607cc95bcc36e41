import { type Cancel, toTime } from '../../base/clock.ts'
import { flowSchemas } from '../../kinds/flowcontrol/flow-schema.ts'
import { priorityLevelConfigurations } from '../../kinds/flowcontrol/priority-level-configuration.ts'
import type { FlowSchema, PriorityLevelConfiguration } from '../../kinds/generated/types/flowcontrol-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { Revision } from '../../store/contract.ts'
import { encodeStored } from '../objects/codec.ts'
import type { Core } from '../core.ts'
import { followPrefix } from '../follow-prefix.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { retried } from '../retried.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { mutateObject } from '../verbs/mutate.ts'
import type { FlowGate } from './flow-gate.ts'
import { autoUpdateAnnotation, startingLevels, startingSchemas } from './flow-objects.ts'
import { type MaintainAction, planDangling, planMaintenance } from './maintain-plan.ts'

const prefix = '/registry/flowcontrol.apiserver.k8s.io/'

/**
 * Tells the gate of the schemas and levels as they are, keeps the ones that a cluster starts with, and says in each schema's status
 * whether its level is there. The first configuration is in force when it returns; the promise resolves after the signal aborted.
 */
export function followFlowObjects(core: Core, gate: FlowGate, signal: AbortSignal): Promise<void> {
  const after = core.storage.cache.revision
  configureGate(core, gate)
  return follow(core, gate, after, signal)
}

/** Whoever makes a schema often goes on to change it: the server does not write in between. */
const conditionDelayMs = 500

async function follow(core: Core, gate: FlowGate, after: Revision, signal: AbortSignal): Promise<void> {
  let cancel: Cancel | undefined
  const keeping = retried(core, () => isWritten(core, signal, () => keepObjects(core)))
  const telling = retried(core, () => isWritten(core, signal, () => writeConditions(core)))
  const look = async () => {
    configureGate(core, gate)
    await keeping.look()
    cancel?.()
    cancel = core.clock.schedule(conditionDelayMs, () => void telling.look())
  }
  await look()
  await followPrefix(core.storage.cache, prefix, { after, look, signal })
  cancel?.()
  await Promise.all([keeping.end(), telling.end()])
}

function observed(core: Core) {
  const reader = createObjectReader(core.registry, core.storage)
  return {
    schemas: reader.list(flowSchemas as KindRef<KubeObject & FlowSchema>, ''),
    levels: reader.list(priorityLevelConfigurations as KindRef<KubeObject & PriorityLevelConfiguration>, ''),
  }
}

function configureGate(core: Core, gate: FlowGate): void {
  const { schemas, levels } = observed(core)
  gate.configure(schemas, levels)
}

async function isWritten(core: Core, signal: AbortSignal, write: () => Promise<void>): Promise<boolean> {
  try {
    if (!signal.aborted) await write()
    return true
  } catch (error) {
    // Gone or changed meanwhile: its event comes, and this runs again.
    if (isStatus(error, 'NotFound') || isStatus(error, 'Conflict') || signal.aborted) return true
    core.log.warn({ error: String(error) }, 'the objects of priority and fairness could not be kept')
    return false
  }
}

async function keepObjects(core: Core): Promise<void> {
  const { schemas, levels } = observed(core)
  const levelResource = core.registry.find(flowSchemas.group, flowSchemas.version, priorityLevelConfigurations.plural)
  const schemaResource = core.registry.find(flowSchemas.group, flowSchemas.version, flowSchemas.plural)
  for (const action of levelResource ? planMaintenance(startingLevels, levels) : []) await perform(core, levelResource!, action)
  for (const action of schemaResource ? planMaintenance(startingSchemas, schemas) : []) await perform(core, schemaResource!, action)
}

async function writeConditions(core: Core): Promise<void> {
  const { schemas, levels } = observed(core)
  const resource = core.registry.find(flowSchemas.group, flowSchemas.version, flowSchemas.plural)
  const names = new Set(levels.map((level) => level.metadata.name ?? ''))
  for (const schema of schemas) {
    if (!resource || !planDangling(schema, names, '')) continue
    await mutateObject<KubeObject & FlowSchema>(core, { resource, namespace: '', name: schema.metadata.name ?? '' }, (current) => {
      const conditions = planDangling(current, names, toTime(core.clock.now()))
      if (conditions) current.status = { ...current.status, conditions }
    })
  }
}

async function perform<T extends KubeObject>(core: Core, resource: Resource, action: MaintainAction<T>): Promise<void> {
  const { storage, random, clock } = core
  switch (action.type) {
    case 'create': {
      const { object } = action
      const key = keyOfObject(resource, '', object.metadata.name ?? '')
      const metadata = { ...object.metadata, uid: random.uuid(), generation: 1, creationTimestamp: toTime(clock.now()) }
      await storage.commit([{ type: 'put', key, value: encodeStored({ ...object, metadata }), expected: 'absent' }])
      return
    }
    case 'change': {
      const { name, annotation, spec } = action
      await mutateObject<KubeObject & { spec?: object }>(core, { resource, namespace: '', name }, (object) => {
        object.metadata.annotations = { ...object.metadata.annotations, [autoUpdateAnnotation]: annotation }
        if (spec === undefined) return
        object.spec = spec
        object.metadata.generation = (object.metadata.generation ?? 1) + 1
      })
      return
    }
    case 'delete': {
      const key = keyOfObject(resource, '', action.name)
      const entry = storage.cache.get(key)
      if (entry) await storage.change({ type: 'delete', key, expected: entry.revision })
    }
  }
}
