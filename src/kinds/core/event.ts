import { pathSegmentName } from '../../machinery/names.ts'
import { column } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { Event } from '../generated/types/core-v1.ts'
import { age } from '../human-duration.ts'
import type { Column } from '../kind.ts'
import { validateEvent } from './event-validation.ts'

export const events = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  shortNames: ['ev'],
  // Metadata of the old clients' events was never judged beyond what is every kind's.
  validateName: pathSegmentName,
  judgesMetadata: 'never',
  validate: (event) => validateEvent(event, 'reportingComponent'),
  columns: eventColumns((event: Event) => event),
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject?.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject?.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject?.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject?.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || reportingComponent || '',
    type: ({ type }) => type ?? '',
  },
  allowCreateOnUpdate: true,
})

/** Columns of both versions; `toCore` gives the core form. The name comes last. */
export function eventColumns<T extends { metadata?: Event['metadata'] }>(toCore: (event: T) => Event): readonly Column<T>[] {
  return [
    column.string('Last Seen', (event, nowMs) => lastSeen(toCore(event), nowMs)),
    column.string('Type', (event) => toCore(event).type ?? ''),
    column.string('Reason', (event) => toCore(event).reason ?? ''),
    column.string('Object', (event) => {
      const { kind = '', name } = toCore(event).involvedObject ?? {}
      return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
    }),
    column.wide('Subobject', (event) => toCore(event).involvedObject?.fieldPath ?? ''),
    column.wide('Source', (event) => sourceText(toCore(event))),
    column.string('Message', (event) => (toCore(event).message ?? '').trim()),
    column.wide('First Seen', (event, nowMs) => firstSeen(toCore(event), nowMs)),
    column.wide('Count', (event) => {
      const { series, count } = toCore(event)
      return series ? (series.count ?? 0) : count || 1
    }),
    { name: 'Name', type: 'string', format: 'name', priority: 1, cell: (event) => event.metadata?.name ?? '' },
  ]
}

function firstSeen({ firstTimestamp, eventTime }: Event, nowMs: number): string {
  return age(firstTimestamp || eventTime, nowMs)
}

function lastSeen(event: Event, nowMs: number): string {
  if (event.series) return age(event.series.lastObservedTime, nowMs)
  return event.lastTimestamp ? age(event.lastTimestamp, nowMs) : firstSeen(event, nowMs)
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || ''
  const host = source?.host || reportingInstance
  return host ? `${component}, ${host}` : component
}
