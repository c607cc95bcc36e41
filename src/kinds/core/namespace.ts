import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, qualifiedName } from '../../machinery/names.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind, keepOld } from '../define-kind.ts'
import type { Namespace } from '../generated/types/core-v1.ts'

/** The label by which selectors find one namespace. */
const nameLabel = 'kubernetes.io/metadata.name'

export const namespaces = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  shortNames: ['ns'],
  validateName: dns1123Label,
  applyDefaults: ({ metadata }) => {
    if (metadata.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name }
  },
  prepareForCreate: (namespace) => {
    namespace.status = { phase: 'Active' }
    const finalizers = namespace.spec?.finalizers ?? []
    // The content is emptied before the namespace goes; the namespace controller lifts this one when it is.
    namespace.spec = { finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] }
    if (namespace.metadata.name) namespace.metadata.labels = { ...namespace.metadata.labels, [nameLabel]: namespace.metadata.name }
  },
  prepareForUpdate: (namespace, old) => {
    copyField(namespace, old, 'status')
    if (old.spec) namespace.spec = { ...namespace.spec, finalizers: old.spec.finalizers ?? [] }
  },
  validate: ({ spec }) => validateFinalizers(spec?.finalizers),
  validateStatusUpdate: ({ metadata, status }) => {
    if (!metadata.deletionTimestamp && status?.phase !== 'Active')
      return [fieldErrors.invalid('status.phase', status?.phase ?? '', "may only be 'Active' if `deletionTimestamp` is empty")]
    if (metadata.deletionTimestamp && status?.phase !== 'Terminating')
      return [fieldErrors.invalid('status.phase', status?.phase ?? '', "may only be 'Terminating' if `deletionTimestamp` is not empty")]
    return []
  },
  subresourceUpdates: {
    finalize: {
      prepare: (namespace, old) => {
        const spec = namespace.spec
        keepOld(namespace, old)
        if (!deepEqual(spec, old.spec)) namespace.spec = spec ?? {}
      },
      validate: ({ spec }) => validateFinalizers(spec?.finalizers),
    },
  },
  columns: [nameColumn, column.string('Status', ({ status }) => status?.phase ?? ''), ageColumn],
  selectableFields: {
    name: ({ metadata }) => metadata.name ?? '',
    'status.phase': ({ status }) => status?.phase ?? '',
  },
})

function validateFinalizers(finalizers: readonly string[] | undefined): FieldError[] {
  return (finalizers ?? []).flatMap((finalizer) => {
    const messages = qualifiedName(finalizer)
    if (messages.length === 0 && !finalizer.includes('/') && finalizer !== 'kubernetes')
      messages.push('name is neither a standard finalizer name nor is it fully qualified')
    return messages.map((message) => fieldErrors.invalid('spec.finalizers', finalizer, message))
  })
}
