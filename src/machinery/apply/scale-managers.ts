import type { ManagedFieldsEntry } from '../../kinds/generated/types/meta-v1.ts'
import { parseApiVersion } from '../object.ts'
import { difference, type FieldSet, fieldSet, intersection, isEmptySet } from './field-set.ts'
import { type Owner, type Owners, readManagedFields, writeManagedFields } from './managed-fields.ts'

/**
 * The owners of a scaled object as owners of its Scale, and back: to own a Scale's `spec.replicas` is to own the object's number of
 * replicas, wherever that stands (https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership).
 */

export type ScaledObject = {
  readonly managedFields: readonly ManagedFieldsEntry[] | undefined
  readonly apiVersion: string
  /** `spec.replicas`, usually. */
  readonly replicasPath: string
}

const scaleVersion = 'autoscaling/v1'
const replicasInScale = fieldSet('spec.replicas')

/** Whoever owns the object's replicas owns the Scale's. */
export function scaleManagers({ managedFields, apiVersion, replicasPath }: ScaledObject): ManagedFieldsEntry[] | undefined {
  const replicas = fieldSet(replicasPath)
  const owners: Owners = new Map()
  for (const [id, owner] of readManagedFields(managedFields) ?? []) {
    if (isOfGroup(owner, apiVersion) && owns(owner.fields, replicas))
      owners.set(id, { ...owner, apiVersion: scaleVersion, fields: replicasInScale })
  }
  return writeManagedFields(owners)
}

/**
 * The object's owners after a write of its Scale. Who lost the Scale's replicas loses the object's. An entry that is new has no time, as
 * upstream's.
 */
export function managersOfScaled(
  { managedFields, apiVersion, replicasPath }: ScaledObject,
  scale: readonly ManagedFieldsEntry[] | undefined,
): ManagedFieldsEntry[] | undefined {
  const replicas = fieldSet(replicasPath)
  const ofScale = new Map(readManagedFields(scale) ?? [])
  const owners: Owners = new Map()
  for (const [id, owner] of readManagedFields(managedFields) ?? []) {
    if (!isOfGroup(owner, apiVersion)) continue
    if (!owns(owner.fields, replicas) || ofScale.delete(id)) {
      owners.set(id, owner)
      continue
    }
    const fields = difference(owner.fields, replicas)
    if (!isEmptySet(fields)) owners.set(id, { ...owner, fields })
  }
  for (const [id, owner] of ofScale) {
    if (owns(owner.fields, replicasInScale)) owners.set(id, { ...owner, apiVersion, time: undefined, fields: replicas })
  }
  return writeManagedFields(owners)
}

const owns = (fields: FieldSet, wanted: FieldSet) => !isEmptySet(intersection(fields, wanted))

/** An owner in a version of another group knows nothing of the object. */
const isOfGroup = (owner: Owner, apiVersion: string) => parseApiVersion(owner.apiVersion).group === parseApiVersion(apiVersion).group
