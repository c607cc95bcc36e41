import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { dns1123Label, dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { compareQuantity, quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import {
  type Errors,
  checkOptionalEnum,
  checkOptionalName,
  checkQualifiedName,
  checkQuantity,
  checkRequired,
  notPositive,
} from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/types/core-v1.ts'
import { internalDiff, internalForm } from '../internal-form.ts'
import { accessModesText, validateAccessModes } from './access-modes.ts'
import { claimWarnings } from './pod-template/pod-warnings.ts'
import { isNativeResource, validateResourceValue } from './pod-template/validate-resources.ts'
import { classAnnotation, storageClassAnnotationWarnings } from './storage-class-annotation.ts'

export const persistentVolumeClaims = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  shortNames: ['pvc'],
  applyDefaults: applyClaimDefaults,
  prepareForCreate: (claim) => {
    claim.status = { phase: 'Pending' }
    if (claim.spec) settleSources(claim.spec)
  },
  prepareForUpdate: (claim, old) => {
    if (old.status) claim.status = old.status
    else delete claim.status
    if (claim.spec) settleSources(claim.spec, old.spec)
  },
  validate: ({ spec }) => validateClaimSpec(spec ?? {}, 'spec'),
  validateUpdate: validateClaimUpdate,
  validateStatusUpdate: ({ status }) => validateClaimStatus(status ?? {}),
  warnings: ({ metadata, spec }) => [...storageClassAnnotationWarnings(metadata), ...(spec ? claimWarnings(spec, 'spec') : [])],
  columns: [
    nameColumn,
    column.string('Status', ({ metadata, status }) => (metadata?.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))),
    column.string('Volume', ({ spec }) => spec?.volumeName ?? ''),
    column.string('Capacity', ({ spec, status }) => (spec?.volumeName ? String(status?.capacity?.storage ?? '0') : '')),
    column.string('Access Modes', ({ spec, status }) => (spec?.volumeName ? accessModesText(status?.accessModes) : '')),
    column.string(
      'StorageClass',
      ({ metadata, spec }) => metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '',
    ),
    column.string('VolumeAttributesClass', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'),
    ageColumn,
    column.wide('VolumeMode', ({ spec }) => spec?.volumeMode ?? '<unset>'),
  ],
})

/** Makes the older and the newer field for the source of the data say the same. */
function settleSources(spec: PersistentVolumeClaimSpec, old?: PersistentVolumeClaimSpec): void {
  dropForeignSources(spec, old)
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource }
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { apiGroup, kind, name } = spec.dataSourceRef
    spec.dataSource = { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name }
  }
}

/** Sources in other namespaces are off by default; in the older field any but claims and snapshots was always dropped without a word. */
function dropForeignSources(spec: PersistentVolumeClaimSpec, old?: PersistentVolumeClaimSpec): void {
  if (spec.dataSourceRef?.namespace && !old?.dataSourceRef) delete spec.dataSourceRef
  if (!spec.dataSource || spec.dataSourceRef || old?.dataSource || old?.dataSourceRef) return
  const { kind } = spec.dataSource
  const apiGroup = spec.dataSource.apiGroup ?? ''
  const isKnown =
    (kind === 'PersistentVolumeClaim' && apiGroup === '') || (kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io')
  if (!isKnown) delete spec.dataSource
}

/** Defaults of a claim, also of one inside a StatefulSet's volumeClaimTemplates. */
export function applyClaimDefaults(claim: PersistentVolumeClaim): void {
  claim.status ??= {}
  claim.status.phase ??= 'Pending'
  if (!claim.spec) return
  claim.spec.volumeMode ??= 'Filesystem'
  canonicalizeQuantities(claim.spec.resources?.requests)
  canonicalizeQuantities(claim.spec.resources?.limits)
}

/** The spec of a claim; `path` leads to it. */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.accessModes?.length) errors.push(fieldErrors.required(`${path}.accessModes`, 'at least 1 access mode is required'))
  else validateAccessModes(errors, spec.accessModes, `${path}.accessModes`)
  if (spec.selector) errors.push(...validateLabelSelector(spec.selector, `${path}.selector`))
  const storage = spec.resources?.requests?.storage
  const storagePath = `${path}.resources[storage]`
  if (storage === undefined) errors.push(fieldErrors.required(storagePath))
  else if (checkQuantity(errors, storagePath, storage) && quantityMilli(storage) <= 0)
    errors.push(fieldErrors.invalid(storagePath, String(storage), notPositive))
  checkOptionalName(errors, `${path}.storageClassName`, spec.storageClassName, dns1123Subdomain)
  checkOptionalEnum(errors, `${path}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem'])
  checkOptionalName(errors, `${path}.volumeAttributesClassName`, spec.volumeAttributesClassName, dns1123Subdomain)
  const { dataSource, dataSourceRef } = spec
  if (dataSource) validateSource(errors, dataSource, `${path}.dataSource`)
  if (dataSourceRef) validateSource(errors, dataSourceRef, `${path}.dataSourceRef`)
  // What upstream shows as the value is the path of the other field, which it writes as an empty object.
  if (dataSource && dataSourceRef?.namespace)
    errors.push(fieldErrors.invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified'))
  else if (dataSource && dataSourceRef && !isSameSource(dataSource, dataSourceRef))
    errors.push(fieldErrors.invalid(path, {}, 'must match dataSourceRef'))
  return errors
}

function validateSource(errors: Errors, { apiGroup, kind, name, namespace }: DataSource, path: string): void {
  checkRequired(errors, `${path}.name`, name)
  checkRequired(errors, `${path}.kind`, kind)
  if (!apiGroup && kind !== 'PersistentVolumeClaim')
    errors.push(fieldErrors.invalid(path, kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
  checkOptionalName(errors, `${path}.apiGroup`, apiGroup, dns1123Subdomain)
  checkOptionalName(errors, `${path}.namespace`, namespace, dns1123Label)
}

type DataSource = { readonly apiGroup?: string | null; readonly kind?: string; readonly name?: string; readonly namespace?: string }

function isSameSource(a: DataSource, b: DataSource): boolean {
  return (a.apiGroup ?? '') === (b.apiGroup ?? '') && a.kind === b.kind && a.name === b.name
}

/** The volume's name once, the class once where there was none, a bound claim's size and class of attributes; nothing else. */
function validateClaimUpdate(claim: PersistentVolumeClaim, { metadata: oldMetadata, spec: old = {} }: PersistentVolumeClaim): FieldError[] {
  const { metadata, spec = {}, status } = claim
  const errors: FieldError[] = []
  const [before, munged] = [{ ...old }, { ...spec }] as [Munged, Munged]
  if (!old.volumeName) before.volumeName = spec.volumeName
  const [annotated, oldAnnotated] = [metadata.annotations?.[classAnnotation], oldMetadata.annotations?.[classAnnotation]]
  const isNewlyClassed = old.storageClassName === undefined && spec.storageClassName !== undefined
  const isMoved = isNewlyClassed && oldAnnotated === spec.storageClassName && (annotated === undefined || annotated === oldAnnotated)
  if (!isMoved && annotated !== oldAnnotated)
    errors.push(fieldErrors.invalid(`metadata.annotations.${classAnnotation}`, annotated ?? '', 'field is immutable'))
  if (isMoved || (isNewlyClassed && oldAnnotated === undefined)) munged.storageClassName = undefined
  if (status?.phase === 'Bound') {
    munged.resources = withStorageOf(spec.resources, old.resources)
    munged.volumeAttributesClassName = old.volumeAttributesClassName
  }
  const [form, oldForm] = [internalForm('PersistentVolumeClaimSpec', munged), internalForm('PersistentVolumeClaimSpec', before)]
  if (!deepEqual(form, oldForm))
    errors.push(
      fieldErrors.forbidden(
        'spec',
        `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${internalDiff(oldForm, form)}`,
      ),
    )
  const [size, oldSize] = [spec.resources?.requests?.storage ?? '0', old.resources?.requests?.storage ?? '0']
  if (isBelow(size, oldSize) && !isBelow(status?.capacity?.storage ?? '0', size))
    errors.push(fieldErrors.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
  errors.push(...immutableField(spec.volumeMode, old.volumeMode, 'volumeMode'))
  const named = spec.volumeAttributesClassName
  if (!named && named !== old.volumeAttributesClassName && status?.currentVolumeAttributesClassName !== undefined) {
    const what = named === undefined ? 'nil' : 'empty string'
    const detail = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`
    errors.push(fieldErrors.forbidden('spec.volumeAttributesClassName', detail))
  }
  return errors
}

type Munged = { -readonly [K in keyof PersistentVolumeClaimSpec]: PersistentVolumeClaimSpec[K] | undefined }

function withStorageOf(
  resources: PersistentVolumeClaimSpec['resources'],
  old: PersistentVolumeClaimSpec['resources'],
): PersistentVolumeClaimSpec['resources'] {
  const storage = old?.requests?.storage
  return storage === undefined ? resources : { ...resources, requests: { ...resources?.requests, storage } }
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
]

function validateClaimStatus(status: NonNullable<PersistentVolumeClaim['status']>): FieldError[] {
  const errors: FieldError[] = []
  for (const [name, amount] of Object.entries(status.capacity ?? {})) checkBasicAmount(errors, amount, `status.capacity[${name}]`)
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    checkResizable(errors, name, 'status.allocatedResourceStatuses')
    // Upstream shows the name of the resource for the state.
    if (!resizeStates.includes(state)) errors.push(fieldErrors.notSupported('status.allocatedResourceStatuses', name, resizeStates))
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    const path = `status.allocatedResources[${name}]`
    if (checkResizable(errors, name, 'status.allocatedResources') && checkBasicAmount(errors, amount, path))
      validateResourceValue(errors, 'storage', amount, path)
  }
  return errors
}

/** False for what upstream takes for no amount at all, which is noted. */
function checkBasicAmount(errors: Errors, amount: string | number, path: string): boolean {
  if (!checkQuantity(errors, path, amount)) return false
  if (quantityValue(amount) >= 0) return true
  errors.push(fieldErrors.invalid(path, quantityValue(amount), 'must be a valid resource quantity'))
  return false
}

/** False for what no claim has, which is noted. */
function checkResizable(errors: Errors, name: string, path: string): boolean {
  const count = errors.length
  checkQualifiedName(errors, path, name)
  if (errors.length === count && isNativeResource(name) && name !== 'storage')
    errors.push(fieldErrors.notSupported(path, name, ['storage']))
  return errors.length === count
}

function isBelow(a: string | number, b: string | number): boolean {
  try {
    return compareQuantity(a, b) < 0
  } catch {
    return false // Not a quantity, which `validate` has said.
  }
}
