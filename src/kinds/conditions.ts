import { fieldErrors } from '../machinery/field-error.ts'
import { conditionReason } from '../machinery/names.ts'
import { checkQualifiedName, type Errors } from './checks.ts'
import type { Condition } from './generated/types/meta-v1.ts'

const reasonBytesMax = 1024
const messageBytesMax = 32 * 1024
const statuses = ['False', 'True', 'Unknown']

/** The conditions of a status as newer kinds have them: one of each type, all fields well formed. */
export function validateConditions(errors: Errors, conditions: readonly Condition[] | undefined, path: string): void {
  const types = new Set<string>()
  conditions?.forEach((condition, i) => {
    const { type = '' } = condition as Partial<Condition>
    if (types.has(type)) errors.push(fieldErrors.duplicate(`${path}[${i}].type`, type))
    types.add(type)
    validateCondition(errors, condition, `${path}[${i}]`)
  })
}

function validateCondition(errors: Errors, condition: Partial<Condition>, path: string): void {
  const { type, status = '', observedGeneration = 0, lastTransitionTime, reason = '', message = '' } = condition
  checkQualifiedName(errors, `${path}.type`, type)
  if (!statuses.includes(status)) errors.push(fieldErrors.notSupported(`${path}.status`, status, statuses))
  if (observedGeneration < 0)
    errors.push(fieldErrors.invalid(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'))
  if (!lastTransitionTime) errors.push(fieldErrors.required(`${path}.lastTransitionTime`))
  if (reason === '') errors.push(fieldErrors.required(`${path}.reason`))
  else for (const why of conditionReason(reason)) errors.push(fieldErrors.invalid(`${path}.reason`, reason, why))
  if (Buffer.byteLength(reason) > reasonBytesMax) errors.push(fieldErrors.tooLong(`${path}.reason`, '', reasonBytesMax))
  if (Buffer.byteLength(message) > messageBytesMax) errors.push(fieldErrors.tooLong(`${path}.message`, '', messageBytesMax))
}
