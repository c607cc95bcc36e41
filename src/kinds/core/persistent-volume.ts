import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { checkOptionalEnum, checkOptionalName, checkQuantity, type Errors, notPositive } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, keepAllButStatus } from '../define-kind.ts'
import type { PersistentVolume, PersistentVolumeSpec, Volume } from '../generated/types/core-v1.ts'
import { internalDiff, internalForm, sortedFields } from '../internal-form.ts'
import { nodeTermWarnings } from '../node-label-warnings.ts'
import { accessModesText, validateAccessModes } from './access-modes.ts'
import { validateVolumeSources } from './persistent-volume-sources.ts'
import { applyDiskDefaults } from './pod-template/defaults.ts'
import { validateNodeSelector } from './pod-template/validate-placement.ts'
import { storageClassAnnotationWarnings } from './storage-class-annotation.ts'
import { isPlacedAlike } from './volume-node-affinity.ts'

export const persistentVolumes = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  shortNames: ['pv'],
  applyDefaults: (volume) => {
    volume.status ??= {}
    volume.status.phase ??= 'Pending'
    const { spec } = volume
    if (!spec) return
    spec.persistentVolumeReclaimPolicy ??= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    canonicalizeQuantities(spec.capacity)
    if (spec.hostPath) spec.hostPath.type ??= ''
    applyDiskDefaults(spec as Pick<Volume, 'iscsi' | 'rbd' | 'azureDisk' | 'scaleIO'>)
  },
  prepareForCreate: (volume, { now }) => {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: now }
  },
  prepareForUpdate: (volume, old) => {
    if (old.status) volume.status = old.status
    else delete volume.status
  },
  validate: validateVolume,
  prepareForStatusUpdate: (volume, old, { now }) => {
    keepAllButStatus(volume, old)
    const status = (volume.status ??= {})
    const [time, before] = [status.lastPhaseTransitionTime, old.status?.lastPhaseTransitionTime]
    if (status.phase === old.status?.phase) {
      if (time === undefined && before !== undefined) status.lastPhaseTransitionTime = before
    } else if (time === undefined || time === before) status.lastPhaseTransitionTime = now
  },
  validateUpdate: validateVolumeUpdate,
  warnings: volumeWarnings,
  columns: [
    nameColumn,
    column.string('Capacity', ({ spec }) => String(spec?.capacity?.storage ?? '0')),
    column.string('Access Modes', ({ spec }) => accessModesText(spec?.accessModes)),
    column.string('Reclaim Policy', ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ''),
    column.string('Status', ({ metadata, status }) => (metadata?.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))),
    column.string('Claim', ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '')),
    column.string(
      'StorageClass',
      ({ metadata, spec }) => metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '',
    ),
    column.string('VolumeAttributesClass', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'),
    column.string('Reason', ({ status }) => status?.reason ?? ''),
    ageColumn,
    column.wide('VolumeMode', ({ spec }) => spec?.volumeMode ?? '<unset>'),
  ],
})

function validateVolume({ metadata, spec = {} }: PersistentVolume): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.accessModes?.length) errors.push(fieldErrors.required('spec.accessModes'))
  else validateAccessModes(errors, spec.accessModes, 'spec.accessModes')
  validateCapacity(errors, spec.capacity)
  checkOptionalEnum(errors, 'spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain'])
  if (spec.nodeAffinity) {
    if (spec.nodeAffinity.required) validateNodeSelector(errors, spec.nodeAffinity.required, 'spec.nodeAffinity.required')
    else errors.push(fieldErrors.required('spec.nodeAffinity.required', 'must specify required node constraints'))
  }
  validateVolumeSources(errors, spec, 'spec', metadata.name ?? '')
  if (spec.persistentVolumeReclaimPolicy === 'Recycle' && isRoot(spec.hostPath?.path ?? ''))
    errors.push(fieldErrors.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
  checkOptionalName(errors, 'spec.storageClassName', spec.storageClassName, dns1123Subdomain)
  checkOptionalEnum(errors, 'spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem'])
  if (spec.volumeAttributesClassName !== undefined) {
    if (spec.volumeAttributesClassName === '')
      errors.push(fieldErrors.required('spec.volumeAttributesClassName', 'an empty string is disallowed'))
    else checkOptionalName(errors, 'spec.volumeAttributesClassName', spec.volumeAttributesClassName, dns1123Subdomain)
    if (!spec.csi) errors.push(fieldErrors.required('spec.csi', 'has to be specified when using volumeAttributesClassName'))
  }
  if (Object.hasOwn(metadata.annotations ?? {}, mountOptions) && !mountable.some((source) => spec[source]))
    errors.push(fieldErrors.forbidden(`metadata.annotations.${mountOptions}`, 'may not specify mount options for this volume type'))
  return errors
}

/** `/`, also said in another way. */
const isRoot = (path: string) => path.startsWith('/') && path.split('/').every((part) => part === '' || part === '.')

function validateCapacity(errors: Errors, capacity: Readonly<Record<string, string | number>> | undefined): void {
  const names = Object.keys(capacity ?? {})
  if (names.length === 0) errors.push(fieldErrors.required('spec.capacity'))
  if (names.length !== 1 || names[0] !== 'storage')
    errors.push(fieldErrors.notSupported('spec.capacity', capacity ? sortedFields(capacity) : null, ['storage']))
  for (const name of names) {
    const path = `spec.capacity[${name}]`
    const amount = capacity![name]!
    if (!checkQuantity(errors, path, amount)) continue
    if (quantityValue(amount) < 0) errors.push(fieldErrors.invalid(path, quantityValue(amount), 'must be a valid resource quantity'))
    if (quantityMilli(amount) <= 0) errors.push(fieldErrors.invalid(path, String(amount), notPositive))
  }
}

/** All is judged twice: upstream names what is wrong with the new one as often among its causes. */
function validateVolumeUpdate(volume: PersistentVolume, { spec: old = {} }: PersistentVolume): FieldError[] {
  const { spec = {} } = volume
  const errors = validateVolume(volume)
  const [after, before] = [internalForm('PersistentVolumeSource', spec), internalForm('PersistentVolumeSource', old)]
  if (spec.csi?.controllerExpandSecretRef && old.csi && !old.csi.controllerExpandSecretRef)
    after.CSI = internalForm('CSIPersistentVolumeSource', { ...spec.csi, controllerExpandSecretRef: undefined })
  if (!deepEqual(after, before))
    errors.push(
      fieldErrors.forbidden(
        'spec.persistentvolumesource',
        `spec.persistentvolumesource is immutable after creation\n${internalDiff(before, after)}`,
      ),
    )
  errors.push(...immutableField(spec.volumeMode, old.volumeMode, 'volumeMode'))
  if (old.nodeAffinity && !isPlacedAlike(spec.nodeAffinity, old.nodeAffinity)) {
    const shown = spec.nodeAffinity ? internalForm('VolumeNodeAffinity', spec.nodeAffinity) : null
    errors.push(fieldErrors.invalid('nodeAffinity', shown, 'field is immutable, except for updating from beta label to GA'))
  }
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
    errors.push(fieldErrors.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'))
  return errors
}

/** Sources that options for mounting may be annotated for. */
const mountable = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'nfs',
  'rbd',
  'quobyte',
  'iscsi',
  'cinder',
  'cephfs',
  'azureFile',
  'vsphereVolume',
  'azureDisk',
  'photonPersistentDisk',
] as const satisfies readonly (keyof PersistentVolumeSpec)[]
const mountOptions = 'volume.beta.kubernetes.io/mount-options'
const deprecatedSources: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

function volumeWarnings({ metadata, spec = {} }: PersistentVolume): string[] {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
  return [
    ...storageClassAnnotationWarnings(metadata),
    ...(Object.hasOwn(metadata.annotations ?? {}, mountOptions)
      ? [`metadata.annotations[${mountOptions}]: deprecated since v1.31; use "mountOptions" attribute instead`]
      : []),
    ...(spec.persistentVolumeReclaimPolicy === 'Recycle'
      ? [
          'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
        ]
      : []),
    ...terms.flatMap((term, i) => nodeTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`)),
    ...Object.keys(spec).flatMap((source) =>
      Object.hasOwn(deprecatedSources, source)
        ? [`spec.${source === 'storageos' ? 'storageOS' : source}: ${deprecatedSources[source]}`]
        : [],
    ),
  ]
}
