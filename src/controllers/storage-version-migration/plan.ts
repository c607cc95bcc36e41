/** What a migration is about, and what is told of it. Pure. */
import { toTime } from '../../base/clock.ts'
import type { CustomResourceDefinition } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { Condition, GroupResource } from '../../kinds/generated/types/meta-v1.ts'
import type { StorageVersionMigration, StorageVersionMigrationStatus } from '../../kinds/generated/types/storagemigration-v1beta1.ts'
import type { KindRef } from '../../kinds/kind.ts'

export type Target = {
  readonly kind: KindRef
  /** Of a custom kind. */
  readonly definition: CustomResourceDefinition | undefined
}

/** Undefined: nobody serves the resource yet. Custom kinds are reached by any version that is served. */
export function targetOf(
  { group = '', resource }: Partial<GroupResource>,
  kinds: readonly KindRef[],
  definitions: readonly CustomResourceDefinition[],
): Target | undefined {
  const builtIn = kinds.find((kind) => kind.group === group && kind.plural === resource)
  if (builtIn) return { kind: builtIn, definition: undefined }
  const definition = definitions.find(({ spec, status }) => {
    const isEstablished = status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True')
    return isEstablished && spec.group === group && spec.names.plural === resource
  })
  const served = definition?.spec.versions.filter((version) => version.served) ?? []
  const version = (served.find(({ storage }) => storage) ?? served[0])?.name
  if (!definition || version === undefined) return undefined
  const { names, scope } = definition.spec
  const kind = { group, version, kind: names.kind, plural: names.plural, scope: scope as KindRef['scope'] }
  return { kind, definition }
}

/** What is stored of a custom kind once all of its objects are in one version; undefined: that is what it says, or it has changed meanwhile. */
export function storedVersionsAfter(begun: CustomResourceDefinition, now: CustomResourceDefinition): string[] | undefined {
  const { uid, generation } = now.metadata
  if (uid !== begun.metadata.uid || generation !== begun.metadata.generation) return undefined
  const storage = now.spec.versions.filter((version) => version.storage).map(({ name }) => name)
  const stored = now.status?.storedVersions ?? []
  return stored.every((name) => storage.includes(name)) ? undefined : storage
}

export type State = 'Running' | 'Succeeded' | 'Failed'

const reasons = {
  Running: 'StorageVersionMigrationInProgress',
  Succeeded: 'StorageVersionMigrationSucceeded',
  Failed: 'StorageVersionMigrationFailed',
} as const

export type Told = {
  readonly state: State
  readonly message: string
  /** Where the resource stood when the migration began; it stays what it was first. */
  readonly resourceVersion?: string
}

/** A migration that is over runs no more. Undefined: it says so already. */
export function statusAfter({ status }: StorageVersionMigration, told: Told, nowMs: number): StorageVersionMigrationStatus | undefined {
  const conditions = status?.conditions ?? []
  const isTold = conditions.some(({ type, status: is, message }) => type === told.state && is === 'True' && message === told.message)
  const resourceVersion = status?.resourceVersion ?? told.resourceVersion
  if (isTold && resourceVersion === status?.resourceVersion) return undefined
  const time = toTime(nowMs)
  const next = ({ type, is, message }: { type: State; is: 'True' | 'False'; message: string }): Condition => {
    const old = conditions.find((condition) => condition.type === type)
    const lastTransitionTime = old?.status === is ? old.lastTransitionTime : time
    return { type, status: is, reason: reasons[type], message, lastTransitionTime }
  }
  const ran = told.state !== 'Running' && conditions.some(({ type }) => type === 'Running')
  return {
    conditions: [
      ...(ran ? [next({ type: 'Running', is: 'False', message: '' })] : []),
      next({ type: told.state, is: 'True', message: told.message }),
    ],
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  }
}
