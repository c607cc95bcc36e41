import { validateInlineVolume } from './inline-volume.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { checkOptionalName, type Errors } from '../checks.ts'
import { checkCsiDriverName } from './csi-driver-name.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain, inclusiveRange } from '../../machinery/names.ts'

import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { VolumeAttachment } from '../generated/types/storage-v1.ts'

export const volumeAttachments = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  prepareForCreate: (attachment) => {
    attachment.status = { attached: false }
  },
  prepareForUpdate: (attachment, old) => copyField(attachment, old, 'status'),
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ spec, status }) => {
    const errors: FieldError[] = []
    checkCsiDriverName(errors, 'spec.attacher', spec?.attacher)
    validateSource(errors, spec?.source ?? {}, 'spec.source')
    const nodeName = spec?.nodeName ?? ''
    for (const message of dns1123Subdomain(nodeName)) errors.push(fieldErrors.invalid('spec.nodeName', nodeName, message))
    validateStatus(errors, status)
    checkOptionalName(errors, 'spec.source.persistentVolumeName', spec?.source?.persistentVolumeName, dns1123Subdomain)
    return errors
  },
  validateUpdate: ({ spec }, { spec: old }) =>
    deepEqual(spec, old) ? [] : [fieldErrors.invalid('spec', specValue(spec), 'field is immutable')],
  validateStatusUpdate: ({ status }) => {
    const errors: FieldError[] = []
    validateStatus(errors, status)
    return errors
  },
  columns: [
    nameColumn,
    { ...column.string<VolumeAttachment>('Attacher', ({ spec }) => spec?.attacher ?? ''), format: 'name' },
    column.string('PV', ({ spec }) => spec?.source?.persistentVolumeName ?? ''),
    column.string('Node', ({ spec }) => spec?.nodeName ?? ''),
    column.boolean('Attached', ({ status }) => status?.attached ?? false),
    ageColumn,
  ],
  allowUnconditionalUpdate: false,
})

type Source = VolumeAttachment['spec']['source']

function validateSource(errors: Errors, { persistentVolumeName, inlineVolumeSpec }: Source, path: string): void {
  const rule = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (persistentVolumeName === undefined && !inlineVolumeSpec) errors.push(fieldErrors.required(path, rule))
  else if (persistentVolumeName !== undefined && inlineVolumeSpec) errors.push(fieldErrors.forbidden(path, rule))
  else if (persistentVolumeName === '')
    errors.push(fieldErrors.required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName'))
  else if (inlineVolumeSpec) validateInlineVolume(errors, inlineVolumeSpec, `${path}.inlineVolumeSpec`)
}

function validateStatus(errors: Errors, status: VolumeAttachment['status']): void {
  const { attachmentMetadata = {}, attachError, detachError } = status ?? {}
  const bytes = Object.entries(attachmentMetadata).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  if (bytes > metadataBytesMax) errors.push(fieldErrors.tooLong('status.attachmentMetadata', '', metadataBytesMax))
  for (const [field, error] of Object.entries({ attachError, detachError })) {
    if (!error) continue
    // Upstream names another bound than the one that it keeps.
    if (Buffer.byteLength(error.message ?? '') > messageBytesMax)
      errors.push(fieldErrors.tooLong(`status.${field}.message`, '', metadataBytesMax))
    if (error.errorCode !== undefined && error.errorCode < 0)
      errors.push(fieldErrors.invalid(`status.${field}.errorCode`, error.errorCode, inclusiveRange(0, 2 ** 31 - 1)))
  }
}

const metadataBytesMax = 256 * 1024
const messageBytesMax = 1024

/** As upstream writes it into its message. */
const specValue = (spec: VolumeAttachment['spec'] | undefined) => ({
  Attacher: spec?.attacher ?? '',
  Source: { PersistentVolumeName: spec?.source?.persistentVolumeName ?? null, InlineVolumeSpec: spec?.source?.inlineVolumeSpec ?? null },
  NodeName: spec?.nodeName ?? '',
})
