import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { dns1123Label, dns1123Subdomain } from '../../machinery/names.ts'
import { compareQuantity, quantityMilli } from '../../machinery/quantity.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { type Errors, checkOptionalEnum, checkOptionalName, checkQuantity, checkRequired, notPositive } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/types/core-v1.ts'
import { specDiff } from '../spec-diff.ts'
import { accessModesText, validateAccessModes } from './access-modes.ts'
import { claimWarnings } from './pod-template/pod-warnings.ts'
import { storageClassAnnotationWarnings } from './storage-class-annotation.ts'

export const persistentVolumeClaims = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  shortNames: ['pvc'],
  applyDefaults: applyClaimDefaults,
  prepareForCreate: (claim) => {
    claim.status = { phase: 'Pending' }
    const { spec } = claim
    if (spec) dropForeignSources(spec)
    if (spec?.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource }
    else if (spec?.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
      const { apiGroup, kind, name } = spec.dataSourceRef
      spec.dataSource = { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name }
    }
  },
  prepareForUpdate: (claim, old) => {
    if (old.status) claim.status = old.status
    else delete claim.status
  },
  validate: ({ spec }) => validateClaimSpec(spec ?? {}, 'spec'),
  validateUpdate: validateClaimUpdate,
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

/** Sources in other namespaces are off by default; in the older field any but claims and snapshots was always dropped without a word. */
function dropForeignSources(spec: PersistentVolumeClaimSpec): void {
  if (spec.dataSourceRef?.namespace) delete spec.dataSourceRef
  if (!spec.dataSource || spec.dataSourceRef) return
  const { apiGroup = '', kind } = spec.dataSource
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

type DataSource = { readonly apiGroup?: string; readonly kind?: string; readonly name?: string; readonly namespace?: string }

function isSameSource(a: DataSource, b: DataSource): boolean {
  return (a.apiGroup ?? '') === (b.apiGroup ?? '') && a.kind === b.kind && a.name === b.name
}

/** The volume's name once, the class once where there was none, a bound claim's size; nothing else. */
function validateClaimUpdate({ spec, status }: PersistentVolumeClaim, { spec: old }: PersistentVolumeClaim): FieldError[] {
  if (!spec || !old || deepEqual(spec, old)) return []
  const errors: FieldError[] = []
  const munged = { ...spec } as Record<string, unknown>
  if (!old.volumeName) munged.volumeName = old.volumeName
  if (old.storageClassName === undefined && status?.phase !== 'Bound') munged.storageClassName = undefined
  if (status?.phase === 'Bound') {
    munged.resources = withStorageOf(spec.resources, old.resources)
    munged.volumeAttributesClassName = old.volumeAttributesClassName
  }
  if (!deepEqual(munged, old))
    errors.push(
      fieldErrors.forbidden(
        'spec',
        `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${specDiff(old, munged)}`,
      ),
    )
  const before = old.resources?.requests?.storage
  const after = spec.resources?.requests?.storage
  const granted = status?.capacity?.storage
  const isShrunk = before !== undefined && after !== undefined && isBelow(after, before)
  if (isShrunk && (granted === undefined || isBelow(after, granted)))
    errors.push(fieldErrors.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
  return errors
}

function withStorageOf(resources: PersistentVolumeClaimSpec['resources'], old: PersistentVolumeClaimSpec['resources']): unknown {
  if (!resources?.requests || old?.requests?.storage === undefined) return resources
  return { ...resources, requests: { ...resources.requests, storage: old.requests.storage } }
}

function isBelow(a: string | number, b: string | number): boolean {
  try {
    return compareQuantity(a, b) < 0
  } catch {
    return false // Not a quantity, which `validate` has said.
  }
}
