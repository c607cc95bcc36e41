import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { controllerOf, parseApiVersion } from '../../machinery/object.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkNonNegative } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { ControllerRevision } from '../generated/types/apps-v1.ts'

export const controllerRevisions = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  validate: ({ revision }) => {
    const errors: FieldError[] = []
    checkNonNegative(errors, 'revision', revision)
    return errors
  },
  validateCreate: ({ data }) => {
    if (data === undefined || data === null) return [fieldErrors.required('data', 'data is mandatory')]
    return typeof data === 'object' && !Array.isArray(data) ? [] : [fieldErrors.required('data', 'data must be a valid JSON object')]
  },
  validateUpdate: (revision, old) => immutableField(revision.data, old.data, 'data'),
  columns: [
    nameColumn,
    column.string('Controller', (revision) => {
      const owner = controllerOf({ metadata: revision.metadata ?? {} })
      if (!owner) return '<none>'
      const { group } = parseApiVersion(owner.apiVersion)
      return `${owner.kind.toLowerCase()}${group ? `.${group}` : ''}/${owner.name}`
    }),
    column.string('Revision', ({ revision }) => revision ?? 0),
    ageColumn,
  ],
})
