import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import { checkRequired } from '../checks.ts'
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
  // The events of objects without a namespace live in `default`; newer clients may put them beside the control plane.
  const isCommon = own === '' || own === 'default' || (isNew && own === 'kube-system')
  if (involved === '' ? !isCommon : involved !== own)
    errors.push(fieldErrors.invalid('involvedObject.namespace', involved, 'does not match event.namespace'))
  if (!isNew) return errors
  if (checkRequired(errors, controllerField, event.reportingComponent))
    for (const message of qualifiedName(event.reportingComponent!))
      errors.push(fieldErrors.invalid(controllerField, event.reportingComponent, message))
  for (const field of ['reportingInstance', 'action', 'reason'] as const)
    if (checkRequired(errors, field, event[field]) && Buffer.byteLength(event[field]!) > reasonBytesMax)
      errors.push(fieldErrors.invalid(field, '', `can have at most ${reasonBytesMax} characters`))
  if (Buffer.byteLength(event.message ?? '') > noteBytesMax)
    errors.push(fieldErrors.invalid('message', '', `can have at most ${noteBytesMax} characters`))
  return errors
}

/** What the newer version asks of its own events when they are made: no field of the old way is filled. */
export function validateNewEvent(event: Event): FieldError[] {
  const errors: FieldError[] = []
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
  return [...errors, ...validateSeries(event)]
}

export function validateSeries({ series }: Event): FieldError[] {
  if (!series) return []
  const errors: FieldError[] = []
  if ((series.count ?? 0) < 2) errors.push(fieldErrors.invalid('series.count', '', 'should be at least 2'))
  if (isUnset(series.lastObservedTime)) errors.push(fieldErrors.required('series.lastObservedTime'))
  return errors
}
