import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import { immutable as immutableMessage } from '../checks.ts'
import { eventColumns } from '../core/event.ts'
import { validateEvent, validateNewEvent, validateSeries } from '../core/event-validation.ts'
import { defineKind } from '../define-kind.ts'
import type { Event as CoreEvent, ObjectReference } from '../generated/types/core-v1.ts'
import type { Event } from '../generated/types/events-v1.ts'

/** By the core names, under which upstream reports most of them too. */
const immutable = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
] as const satisfies readonly (keyof CoreEvent)[]
const reportedNames: Readonly<Partial<Record<(typeof immutable)[number], string>>> = { reportingComponent: 'reportingController' }

/** The newer face of core events: the same stored objects under other field names. */
export const events = defineKind<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  shortNames: ['ev'],
  storedAs: { group: '', version: 'v1', toStored: toCoreEvent, fromStored: (object) => fromCoreEvent(object as CoreEvent) },
  validate: (event) => validateEvent(toCoreEvent(event), 'reportingController'),
  validateCreate: (event) => validateNewEvent(toCoreEvent(event)),
  validateUpdate: (event, oldEvent) => {
    const [core, old] = [toCoreEvent(event), toCoreEvent(oldEvent)]
    // Only the series moves.
    const fixed = immutable.flatMap((field) =>
      deepEqual(core[field] ?? undefined, old[field] ?? undefined)
        ? []
        : [fieldErrors.invalid(reportedNames[field] ?? field, shown(field, core), immutableMessage)],
    )
    return deepEqual(core.series, old.series) ? fixed : [...validateSeries(core), ...fixed]
  },
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

/** As upstream's messages write it: references with all that they could say. */
function shown(field: (typeof immutable)[number], event: CoreEvent): unknown {
  const value = event[field]
  if (field !== 'involvedObject' && field !== 'related') return value
  const { kind, namespace, name, uid, apiVersion, resourceVersion, fieldPath } = (value ?? {}) as ObjectReference
  const reference = { Kind: kind, Namespace: namespace, Name: name, UID: uid, APIVersion: apiVersion }
  const all = { ...reference, ResourceVersion: resourceVersion, FieldPath: fieldPath }
  return value && Object.fromEntries(Object.entries(all).map(([key, text]) => [key, text ?? '']))
}

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
  const { reportingController, reportingInstance, ...newer } = renamed(event, newNames) as Event
  return {
    ...newer,
    // The older version writes them empty, too.
    ...(reportingController ? { reportingController } : {}),
    ...(reportingInstance ? { reportingInstance } : {}),
    kind: 'Event',
    apiVersion: 'events.k8s.io/v1',
  }
}

function renamed(from: object, names: Readonly<Record<string, string>>): unknown {
  return Object.fromEntries(Object.entries(from).map(([field, value]) => [names[field] ?? field, value]))
}
