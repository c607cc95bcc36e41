import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, qualifiedName } from '../../machinery/names.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind } from '../define-kind.ts'
import type { Namespace } from '../generated/types/core-v1.ts'

const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])
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
  // What is stored was judged when it came, and an update cannot reach it.
  validate: ({ spec }, old) => (old ? [] : validateFinalizers(spec?.finalizers, () => 'spec.finalizers')),
  validateStatusUpdate: ({ metadata, status }) => {
    if (!metadata.deletionTimestamp && status?.phase !== 'Active')
      return [fieldErrors.invalid('status.Phase', status?.phase ?? '', "may only be 'Active' if `deletionTimestamp` is empty")]
    if (metadata.deletionTimestamp && status?.phase !== 'Terminating')
      return [fieldErrors.invalid('status.Phase', status?.phase ?? '', "may only be 'Terminating' if `deletionTimestamp` is not empty")]
    return []
  },
  subresourceUpdates: {
    finalize: {
      prepare: (namespace, old) => copyField(namespace, old, 'status'),
      validate: ({ spec }) => validateFinalizers(spec?.finalizers, (i) => `spec.finalizers[${i}]`),
    },
  },
  columns: [nameColumn, column.string('Status', ({ status }) => status?.phase ?? ''), ageColumn],
  selectableFields: {
    name: ({ metadata }) => metadata.name ?? '',
    'status.phase': ({ status }) => status?.phase ?? '',
  },
})

function validateFinalizers(finalizers: readonly string[] | undefined, pathOf: (i: number) => string): FieldError[] {
  return (finalizers ?? []).flatMap((finalizer, i) => {
    const messages = qualifiedName(finalizer)
    if (!finalizer.includes('/') && !standardFinalizers.has(finalizer))
      messages.push('name is neither a standard finalizer name nor is it fully qualified')
    return messages.map((message) => fieldErrors.invalid(pathOf(i), finalizer, message))
  })
}
