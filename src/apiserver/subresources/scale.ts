import { ageColumn, column, nameColumn } from '../../kinds/columns.ts'
import type { LabelSelector } from '../../kinds/generated/types/meta-v1.ts'
import { toTime } from '../../base/clock.ts'
import { applyServerSide } from '../../machinery/apply/apply-server-side.ts'
import { managersOfScaled, scaleManagers } from '../../machinery/apply/scale-managers.ts'
import { type FieldOperation, updateManagedFields } from '../../machinery/apply/update-managed-fields.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import { deepClone } from '../../machinery/deep-clone.ts'
import { formatSelector, selectorFrom, selectorFromMap } from '../../machinery/label-selector.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Core, RequestContext } from '../core.ts'
import type { VerbHandler } from '../dispatch.ts'
import { fieldOperation } from '../objects/managed-fields.ts'
import { decodeFields } from '../objects/object-decoding.ts'
import { viewOf } from '../objects/object-storage.ts'
import type { Resource } from '../registry.ts'
import type { Answer, PatchBody, VerbRequest } from '../verb-request.ts'
import { getObject } from '../verbs/get.ts'
import { checkIdentity } from '../verbs/object-identity.ts'
import { applyOperation, noteRepeated, readConfig } from '../verbs/patch.ts'
import { patchedObject } from '../verbs/patched-object.ts'
import { type UpdateRequest, updateObject } from '../verbs/update.ts'
import { scaleKind } from './expected-kinds.ts'

export type Scale = KubeObject & { spec?: { replicas?: number }; status?: { replicas: number; selector?: string } }

/** `/scale`: the number of replicas of any workload in one shape (`autoscaling/v1` Scale). */
export const scale: Readonly<Record<string, VerbHandler>> = {
  get: async (core, context, { resource, namespace, name, parameters }) => {
    const value = await getObject(core, context, { resource, namespace, name, resourceVersion: parameters.resourceVersion })
    return answerOf(resource, viewOf(resource, value))
  },
  update: (core, context, request) => {
    const wanted = request.body.object(scaleKind, context, request.parameters.fieldValidation) as Scale
    checkIdentity(request.resource, wanted, request)
    return write(core, context, request, (current) => tracked(core, context, request, current, wanted))
  },
  patch: (core, context, request) => {
    const patch = request.body.patch()
    if (patch.type === 'apply') return write(core, context, request, appliedScale(core, context, request, patch))
    const { isCustom } = request.resource
    const { fieldValidation: validation } = request.parameters
    const asked = { expected: scaleKind, patch, validation, isCustom }
    return write(core, context, request, (current) => {
      const wanted = patchedObject(core, context, asked, current) as Scale
      return tracked(core, context, request, current, wanted)
    })
  },
}

/** The Scale that is wanted, and who owns it then. */
type WantedScale = { readonly wanted: Scale; readonly managers: KubeObject['metadata']['managedFields'] }

function tracked(core: Core, context: RequestContext, request: VerbRequest, current: Scale, wanted: Scale): WantedScale {
  return { wanted, managers: updateManagedFields(current, wanted, scaleOperation(core, context, request)) }
}

function appliedScale(core: Core, context: RequestContext, request: VerbRequest, patch: PatchBody): (current: Scale) => WantedScale {
  const operation = applyOperation(core, context, request)
  return (current) => {
    const scaleApply = { ...operation, ...scaleOperation(core, context, request) }
    const wanted = deepClone(applyServerSide(current, readConfig(patch, scaleKind), scaleApply)) as Scale
    decodeFields(core.schemas, wanted, { expected: scaleKind, context, validation: 'Ignore' })
    noteRepeated(context, patch, request.parameters.fieldValidation)
    return { wanted, managers: wanted.metadata.managedFields }
  }
}

function scaleOperation(core: Core, context: RequestContext, { resource, subresource, parameters }: VerbRequest): FieldOperation {
  const now = toTime(core.clock.now())
  const operation = fieldOperation(core, { context, resource, subresource, parameters, now })
  return { ...operation, schema: core.schemas.lookup(scaleKind.schema), apiVersion: apiVersionOf(scaleKind) }
}

async function write(core: Core, context: RequestContext, request: VerbRequest, change: (current: Scale) => WantedScale): Promise<Answer> {
  const { resource, name } = request
  const { specReplicas } = paths(resource)
  const { value } = await updateObject(core, context, {
    ...scaleUpdate(context, request),
    keepsManagedFields: true,
    change: (current) => {
      const { managedFields } = current.metadata
      const scaled = { managedFields, apiVersion: resource.apiVersion, replicasPath: specReplicas }
      const before = scaleOf(resource, current)
      const owned = scaleManagers(scaled)
      if (owned) before.metadata.managedFields = owned
      const { wanted, managers } = change(before)
      checkIdentity(resource, wanted, request)
      // A custom object is judged with the number in it.
      if (!resource.isCustom) validate(wanted, name)
      const object = deepClone(current)
      const { resourceVersion, uid } = wanted.metadata
      if (resourceVersion) object.metadata.resourceVersion = resourceVersion
      if (uid) object.metadata.uid = uid
      setPath(object, specReplicas, wanted.spec?.replicas ?? 0)
      object.metadata.managedFields = managersOfScaled(scaled, managers) ?? []
      return object
    },
  })
  return answerOf(resource, viewOf(resource, value))
}

/** A change of the scaled object that admission sees as one of its Scale. */
function scaleUpdate(context: RequestContext, { resource, namespace, name, parameters }: VerbRequest): Omit<UpdateRequest, 'change'> {
  return {
    resource,
    namespace,
    name,
    subresource: 'scale',
    parameters,
    admitted: {
      of: (object) => scaleOf(resource, object),
      take: (admitted, object) => {
        if (!resource.isCustom) validate(admitted as Scale, name)
        setPath(object, paths(resource).specReplicas, (admitted as Scale).spec?.replicas ?? 0)
      },
    },
    prepare: (object, old) => resource.kind.prepareForUpdate(object, old, { now: '', user: context.user.name }),
  }
}

const answerOf = (resource: Resource, object: KubeObject): Answer => ({
  type: 'plain',
  code: 200,
  object: scaleOf(resource, object),
  columns: scaleColumns,
})

/** What `kubectl get --subresource=scale` shows. */
const scaleColumns: Resource['kind']['columns'] = [
  nameColumn,
  column.integer('Desired', (object) => (object as Scale).spec?.replicas ?? 0),
  column.integer('Available', (object) => (object as Scale).status?.replicas ?? 0),
  ageColumn,
]

function validate(wanted: Scale, name: string): void {
  const replicas = wanted.spec?.replicas ?? 0
  if (Number.isSafeInteger(replicas) && replicas >= 0) return
  const error = fieldErrors.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')
  throw statusErrors.invalid({ group: 'autoscaling', kind: 'Scale' }, name, [error])
}

/** The scale of an object. */
export function scaleOf(resource: Resource, object: KubeObject): Scale {
  const { specReplicas, statusReplicas, selector } = paths(resource)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = getPath(object, specReplicas) as number | undefined
  const selectorText = selector === '' ? '' : selectorOf(getPath(object, selector))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'],
    spec: replicas ? { replicas } : {},
    status: { replicas: (getPath(object, statusReplicas) as number | undefined) ?? 0, ...(selectorText ? { selector: selectorText } : {}) },
  }
}

function selectorOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return ''
  const isStructured = 'matchLabels' in value || 'matchExpressions' in value
  return formatSelector(isStructured ? selectorFrom(value as LabelSelector) : selectorFromMap(value as Record<string, string>))
}

function paths(resource: Resource): NonNullable<Resource['kind']['scale']> {
  if (!resource.kind.scale) throw statusErrors.pathNotFound()
  return resource.kind.scale
}

const steps = (path: string) => path.split('.').filter((step) => step !== '')

function getPath(object: object, path: string): unknown {
  let value: unknown = object
  for (const step of steps(path)) value = (value as Record<string, unknown> | undefined)?.[step]
  return value
}

function setPath(object: object, path: string, value: unknown): void {
  const all = steps(path)
  const last = all.pop()
  let target = object as Record<string, unknown>
  for (const step of all) target = (target[step] ??= {}) as Record<string, unknown>
  if (last !== undefined) target[last] = value
}
