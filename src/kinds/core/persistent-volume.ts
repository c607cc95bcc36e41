import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { quantityMilli } from '../../machinery/quantity.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import {
  checkNoBacksteps,
  checkOptionalEnum,
  checkOptionalName,
  checkQuantity,
  checkRequired,
  type Errors,
  notPositive,
} from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { PersistentVolume, PersistentVolumeSpec } from '../generated/types/core-v1.ts'
import { specDiff } from '../spec-diff.ts'
import { accessModesText, validateAccessModes } from './access-modes.ts'
import { validateNodeSelector } from './pod-template/validate-placement.ts'
import { nodeTermWarnings } from '../node-label-warnings.ts'
import { storageClassAnnotationWarnings } from './storage-class-annotation.ts'

/** Where the bytes are: exactly one of these, each with the text fields that it must have. */
const sources = {
  awsElasticBlockStore: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  azureFile: ['secretName', 'shareName'],
  cephfs: [],
  cinder: ['volumeID'],
  csi: ['driver', 'volumeHandle'],
  fc: [],
  flexVolume: ['driver'],
  flocker: [],
  gcePersistentDisk: ['pdName'],
  glusterfs: ['endpoints', 'path'],
  hostPath: ['path'],
  iscsi: ['targetPortal', 'iqn'],
  local: ['path'],
  nfs: ['server', 'path'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  quobyte: ['registry', 'volume'],
  rbd: ['image'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  storageos: [],
  vsphereVolume: ['volumePath'],
} as const satisfies { readonly [field in keyof PersistentVolumeSpec]?: readonly string[] }

type SourceName = keyof typeof sources
const sourceNames = Object.keys(sources) as SourceName[]

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
    if (spec.iscsi) spec.iscsi.iscsiInterface ||= 'default'
  },
  prepareForCreate: (volume, { now }) => {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: now }
  },
  prepareForUpdate: (volume, old) => {
    if (old.status) volume.status = old.status
    else delete volume.status
  },
  validate: validateVolume,
  validateUpdate: ({ spec }, { spec: old }) => {
    if (!spec || !old) return []
    const errors: FieldError[] = []
    const [after, before] = [sourcesOf(spec), sourcesOf(old)]
    if (!deepEqual(after, before))
      errors.push(
        fieldErrors.forbidden(
          'spec.persistentvolumesource',
          `spec.persistentvolumesource is immutable after creation\n${specDiff(before, after)}`,
        ),
      )
    errors.push(...immutableField(spec.volumeMode, old.volumeMode, 'spec.volumeMode'))
    if (old.nodeAffinity) errors.push(...immutableField(spec.nodeAffinity, old.nodeAffinity, 'spec.nodeAffinity'))
    return errors
  },
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

function validateVolume({ spec }: PersistentVolume): FieldError[] {
  const errors: FieldError[] = []
  if (!spec?.accessModes?.length) errors.push(fieldErrors.required('spec.accessModes'))
  else validateAccessModes(errors, spec.accessModes, 'spec.accessModes')
  validateCapacity(errors, spec?.capacity)
  if (!spec) return [...errors, fieldErrors.required('spec', 'must specify a volume type')]
  validateSources(errors, spec)
  checkOptionalEnum(errors, 'spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain'])
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle')
    errors.push(fieldErrors.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
  if (spec.nodeAffinity) {
    if (spec.nodeAffinity.required) validateNodeSelector(errors, spec.nodeAffinity.required, 'spec.nodeAffinity.required')
    else errors.push(fieldErrors.required('spec.nodeAffinity.required', 'must specify required node constraints'))
  } else if (spec.local) {
    errors.push(fieldErrors.required('spec.nodeAffinity', 'Local volume requires node affinity'))
  }
  checkOptionalName(errors, 'spec.storageClassName', spec.storageClassName, dns1123Subdomain)
  if (spec.volumeAttributesClassName !== undefined) {
    if (spec.volumeAttributesClassName === '')
      errors.push(fieldErrors.required('spec.volumeAttributesClassName', 'an empty string is disallowed'))
    else checkOptionalName(errors, 'spec.volumeAttributesClassName', spec.volumeAttributesClassName, dns1123Subdomain)
    if (!spec.csi) errors.push(fieldErrors.required('spec.csi', 'has to be specified when using volumeAttributesClassName'))
  }
  checkOptionalEnum(errors, 'spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem'])
  return errors
}

function validateCapacity(errors: Errors, capacity: Readonly<Record<string, string | number>> | undefined): void {
  const names = Object.keys(capacity ?? {})
  if (names.length === 0) {
    errors.push(fieldErrors.required('spec.capacity'))
    return
  }
  if (names.length !== 1 || names[0] !== 'storage') errors.push(fieldErrors.notSupported('spec.capacity', capacity, ['storage']))
  for (const name of names) {
    const path = `spec.capacity[${name}]`
    if (checkQuantity(errors, path, capacity![name]!) && quantityMilli(capacity![name]!) <= 0)
      errors.push(fieldErrors.invalid(path, String(capacity![name]), notPositive))
  }
}

function validateSources(errors: Errors, spec: PersistentVolumeSpec): void {
  const given = sourceNames.filter((name) => spec[name] !== undefined)
  if (given.length === 0) errors.push(fieldErrors.required('spec', 'must specify a volume type'))
  given.forEach((name, i) => {
    if (i > 0) {
      errors.push(fieldErrors.forbidden(`spec.${name}`, 'may not specify more than 1 volume type'))
      return
    }
    const source = spec[name] as Record<string, unknown>
    for (const field of sources[name]) checkRequired(errors, `spec.${name}.${field}`, source[field])
    if ((name === 'hostPath' || name === 'local') && typeof source.path === 'string')
      checkNoBacksteps(errors, `spec.${name}.path`, source.path)
    if (name === 'nfs' && typeof source.path === 'string' && source.path !== '' && !source.path.startsWith('/'))
      errors.push(fieldErrors.invalid('spec.nfs.path', source.path, 'must be an absolute path'))
  })
}

function sourcesOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  return Object.fromEntries(sourceNames.filter((name) => spec[name] !== undefined).map((name) => [name, spec[name]]))
}

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
