import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { checkQualifiedName, checkRequired, type Errors } from '../checks.ts'
import type { Event } from '../generated/types/core-v1.ts'

const noteBytesMax = 1024
const reasonBytesMax = 128
const isUnset = (time: string | null | undefined) => time === undefined || time === null

/**
 * What holds of every event: it stays in the namespace of what it is about, and one with a time of its own, as newer clients send them, says
 * who reports what. `controllerField` is the served version's name of the reporter.
 */
export function validateEvent(event: Event, controllerField: 'reportingComponent' | 'reportingController'): FieldError[] {
  const errors: FieldError[] = []
  const involved = event.involvedObject?.namespace ?? ''
  const own = event.metadata.namespace ?? ''
  const isNew = !isUnset(event.eventTime)
  // The events of objects without a namespace live in `default`; newer clients may put them beside the control plane, and others anywhere.
  const isCommon = own === '' || own === 'default' || (isNew && own === 'kube-system')
  if (involved === '' ? !isCommon : !isNew && involved !== own)
    errors.push(fieldErrors.invalid('involvedObject.namespace', involved, 'does not match event.namespace'))
  if (isNew) validateReport(errors, event, controllerField)
  for (const message of own === '' ? [] : dns1123Subdomain(own)) errors.push(fieldErrors.invalid('namespace', own, message))
  return errors
}

function validateReport(errors: Errors, event: Event, controllerField: string): void {
  checkRequired(errors, controllerField, event.reportingComponent)
  checkQualifiedName(errors, controllerField, event.reportingComponent)
  for (const field of ['reportingInstance', 'action', 'reason'] as const)
    if (checkRequired(errors, field, event[field]) && Buffer.byteLength(event[field]!) > reasonBytesMax)
      errors.push(fieldErrors.invalid(field, '', `can have at most ${reasonBytesMax} characters`))
  if (Buffer.byteLength(event.message ?? '') > noteBytesMax)
    errors.push(fieldErrors.invalid('message', '', `can have at most ${noteBytesMax} characters`))
}

/** What the newer version asks of its own events when they are made: no field of the old way is filled. */
export function validateNewEvent(event: Event): FieldError[] {
  const errors = validateSeries(event)
  if (isUnset(event.eventTime)) errors.push(fieldErrors.required('eventTime'))
  if (event.type !== 'Normal' && event.type !== 'Warning')
    errors.push(fieldErrors.invalid('type', '', `has invalid value: ${event.type ?? ''}`))
  const isFilled = {
    firstTimestamp: !isUnset(event.firstTimestamp),
    lastTimestamp: !isUnset(event.lastTimestamp),
    count: (event.count ?? 0) !== 0,
    source: Boolean(event.source?.component || event.source?.host),
  }
  for (const [field, filled] of Object.entries(isFilled)) if (filled) errors.push(fieldErrors.invalid(field, '', 'needs to be unset'))
  return errors
}

export function validateSeries({ series }: Event): FieldError[] {
  if (!series) return []
  const errors: FieldError[] = []
  if ((series.count ?? 0) < 2) errors.push(fieldErrors.invalid('series.count', '', 'should be at least 2'))
  if (isUnset(series.lastObservedTime)) errors.push(fieldErrors.required('series.lastObservedTime'))
  return errors
}
