import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkRequired } from '../checks.ts'
import { eventColumns, validateEventNamespace } from '../core/event.ts'
import { defineKind } from '../define-kind.ts'
import type { Event as CoreEvent } from '../generated/types/core-v1.ts'
import type { Event } from '../generated/types/events-v1.ts'

const noteBytesMax = 1024
const reasonBytesMax = 128

/** The newer face of core events: the same stored objects under other field names. */
export const events = defineKind<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  shortNames: ['ev'],
  storedAs: { group: '', version: 'v1', toStored: toCoreEvent, fromStored: (object) => fromCoreEvent(object as CoreEvent) },
  validate: (event) => validateEventNamespace(toCoreEvent(event)),
  validateCreate: validateNewEvent,
  validateUpdate: (event, old) =>
    // Only the series and the deprecated counters move.
    (
      ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason', 'regarding', 'related', 'note', 'type'] as const
    ).flatMap((field) => immutableField(event[field], old[field], field)),
  columns: eventColumns(toCoreEvent),
  selectableFields: {
    'regarding.kind': ({ regarding }) => regarding?.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding?.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding?.name ?? '',
    'regarding.uid': ({ regarding }) => regarding?.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding?.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding?.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
  allowCreateOnUpdate: true,
})

/** events.k8s.io name → core name, where they differ. */
const coreNames: Readonly<Record<string, string>> = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
}
const newNames = Object.fromEntries(Object.entries(coreNames).map(([a, b]) => [b, a]))

export function toCoreEvent(event: Event): CoreEvent {
  const core = renamed(event, coreNames) as CoreEvent & KubeObject
  core.involvedObject ??= {}
  return { ...core, kind: 'Event', apiVersion: 'v1' }
}

export function fromCoreEvent(event: CoreEvent): Event {
  return { ...(renamed(event, newNames) as Event), kind: 'Event', apiVersion: 'events.k8s.io/v1' }
}

function renamed(from: object, names: Readonly<Record<string, string>>): unknown {
  return Object.fromEntries(Object.entries(from).map(([field, value]) => [names[field] ?? field, value]))
}

function validateNewEvent(event: Event): FieldError[] {
  const errors: FieldError[] = []
  checkRequired(errors, 'eventTime', event.eventTime)
  if (event.type !== 'Normal' && event.type !== 'Warning')
    errors.push(fieldErrors.invalid('type', event.type ?? '', `has invalid value: ${event.type ?? ''}`))
  if (!event.reportingController) errors.push(fieldErrors.required('reportingController'))
  else
    for (const message of qualifiedName(event.reportingController))
      errors.push(fieldErrors.invalid('reportingController', event.reportingController, message))
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    const value = event[field]
    if (!checkRequired(errors, field, value)) continue
    if (Buffer.byteLength(value!) > reasonBytesMax)
      errors.push(fieldErrors.invalid(field, '', `can have at most ${reasonBytesMax} characters`))
  }
  if (Buffer.byteLength(event.note ?? '') > noteBytesMax)
    errors.push(fieldErrors.invalid('message', '', `can have at most ${noteBytesMax} characters`))
  if (event.series && event.series.count < 2) errors.push(fieldErrors.invalid('series.count', event.series.count, 'should be at least 2'))
  return errors
}
