/** Events, by the core version and by events.k8s.io. */
import { type Case, create, creations, namespaced, read, replace, updates } from '../upstream-case.ts'

const old = namespaced('v1', 'events')
const time = '2026-01-02T03:04:05.000006Z'
const about = { kind: 'Pod', namespace: '$ns', name: 'p', uid: 'u', apiVersion: 'v1' }
const plain = { metadata: { name: 'e' }, involvedObject: about, reason: 'R', message: 'm', type: 'Normal' }
const newer = { ...plain, eventTime: time, reportingComponent: 'example.com/c', reportingInstance: 'i', action: 'A' }

const ofCore: Case[] = [
  ...creations(old, plain, {
    'an event': {},
    'an event about nothing': { involvedObject: null },
    'an event about an object of the cluster': { involvedObject: { namespace: null } },
    'an event about an object elsewhere': { involvedObject: { namespace: 'default' } },
    'an event without type, reason and message': { type: null, reason: null, message: null },
    'an unknown type of event': { type: 'Odd' },
    'counts and times': {
      count: 3,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:01Z',
      source: { component: 'c', host: 'h' },
    },
    'a message too long of an old event': { message: 'm'.repeat(1025) },
    'a name with capitals of an event': { metadata: { name: 'A_b' } },
  }),
  ...creations(old, newer, {
    'a newer event': {},
    'a newer event about the cluster': { involvedObject: { namespace: null } },
    'a newer event about an object elsewhere': { involvedObject: { namespace: 'default' } },
    'a newer event of nobody': { reportingComponent: null, reportingInstance: null, action: null, reason: null },
    'a newer event of a bad name': { reportingComponent: 'a b/c' },
    'a newer event that says too much': {
      reportingInstance: 'i'.repeat(129),
      action: 'a'.repeat(129),
      reason: 'r'.repeat(129),
      message: 'm'.repeat(1025),
    },
    'a series of one': { series: { count: 1 } },
    'a series': { series: { count: 2, lastObservedTime: time } },
    'an event with old fields': { count: 1, firstTimestamp: '2026-01-01T00:00:00Z', type: 'Odd' },
  }),
  ...updates(old, newer, {
    'another reason': { reason: 'S' },
    'a series of one later': { series: { count: 1 } },
    'no action later': { action: null },
  }),
  { name: 'an event put where there was none', steps: [replace(`${old}/e`, plain)] },
]

const events = namespaced('events.k8s.io/v1', 'events')
const event = {
  metadata: { name: 'e' },
  regarding: about,
  eventTime: time,
  reason: 'R',
  note: 'n',
  type: 'Normal',
  action: 'A',
  reportingController: 'example.com/c',
  reportingInstance: 'i',
}

const ofEvents: Case[] = [
  ...creations(events, event, {
    'an event of the newer version': {},
    'no time': { eventTime: null },
    'no type': { type: null },
    'an unknown type': { type: 'Odd' },
    'nobody reports': { reportingController: null, reportingInstance: null },
    'a bad controller': { reportingController: 'a b' },
    'no action and reason': { action: null, reason: null },
    'too long': { action: 'a'.repeat(129), reason: 'r'.repeat(129), note: 'n'.repeat(1025), reportingInstance: 'i'.repeat(129) },
    'old fields': {
      deprecatedCount: 1,
      deprecatedFirstTimestamp: '2026-01-01T00:00:00Z',
      deprecatedLastTimestamp: '2026-01-01T00:00:00Z',
      deprecatedSource: { component: 'c' },
    },
    'a series of one event': { series: { count: 1, lastObservedTime: time } },
    'a series without time': { series: { count: 2 } },
    'a series of events': { series: { count: 2, lastObservedTime: time } },
    'about an object of the cluster': { regarding: { namespace: null } },
    'about an object elsewhere': { regarding: { namespace: 'default' } },
    'about two objects': { related: { kind: 'Node', name: 'n' } },
    'a name with capitals': { metadata: { name: 'A_b' } },
    'many things wrong with an event': {
      eventTime: null,
      type: 'X',
      series: { count: 0 },
      deprecatedCount: 2,
      regarding: { namespace: 'default' },
    },
  }),
  ...updates(events, event, {
    'a series later': { series: { count: 2, lastObservedTime: time } },
    'a bad series later': { series: { count: 1 } },
    'a label': { metadata: { labels: { a: 'b' } } },
    'another time': { eventTime: '2026-01-02T03:04:06.000006Z' },
    'everything else': {
      reason: 'S',
      note: 'o',
      type: 'Warning',
      action: 'B',
      reportingController: 'example.com/d',
      reportingInstance: 'j',
    },
    'another object': { regarding: { name: 'q' } },
    'a related object': { related: { kind: 'Node', name: 'n' } },
    'old fields later': { deprecatedCount: 1 },
  }),
  {
    name: 'one event in both versions',
    given: [create(events, { ...event, series: { count: 2, lastObservedTime: time }, related: { kind: 'Node', name: 'n' } })],
    steps: [read(`${old}/e`), read(`${events}/e`)],
  },
  {
    name: 'an old event in the newer version',
    given: [
      create(old, {
        ...plain,
        count: 2,
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:01Z',
        source: { component: 'c', host: 'h' },
      }),
    ],
    steps: [read(`${events}/e`), { method: 'PATCH', path: `${events}/e`, body: { metadata: { labels: { a: 'b' } } } }],
  },
]

export const withNulls = true
export const cases: readonly Case[] = [...ofCore, ...ofEvents]
