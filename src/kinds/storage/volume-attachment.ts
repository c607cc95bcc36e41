import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkRequired, checkRequiredName } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { VolumeAttachment } from '../generated/types/storage-v1.ts'
import { csiDriverName } from './csi-driver-name.ts'

export const volumeAttachments = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  prepareForCreate: (attachment) => {
    attachment.status = { attached: false }
  },
  prepareForUpdate: (attachment, old) => copyField(attachment, old, 'status'),
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    if (checkRequired(errors, 'spec.attacher', spec?.attacher))
      for (const message of csiDriverName(spec.attacher)) errors.push(fieldErrors.invalid('spec.attacher', spec.attacher, message))
    checkRequiredName(errors, 'spec.nodeName', spec?.nodeName, dns1123Subdomain)
    const { persistentVolumeName, inlineVolumeSpec } = spec?.source ?? {}
    if (!persistentVolumeName && !inlineVolumeSpec)
      errors.push(fieldErrors.required('spec.source', 'must specify one of inlineVolumeSpec and persistentVolumeName'))
    if (persistentVolumeName && inlineVolumeSpec)
      errors.push(fieldErrors.forbidden('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'))
    return errors
  },
  validateUpdate: (attachment, old) => immutableField(attachment.spec, old.spec, 'spec'),
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
