import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkRequired } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { Binding } from '../generated/types/core-v1.ts'

/** The scheduler's answer: posting one puts a pod on a node. */
export const bindings = defineKind<Binding>({
  group: '',
  version: 'v1',
  kind: 'Binding',
  persisted: false,
  validate: ({ target }) => {
    const errors: FieldError[] = []
    if (target?.kind && target.kind !== 'Node') errors.push(fieldErrors.notSupported('target.kind', target.kind, ['Node', '<empty>']))
    checkRequired(errors, 'target.name', target?.name)
    return errors
  },
})
