import { defineKind } from '../define-kind.ts'
import type { Event } from '../generated/types/events-v1.ts'

export const events = defineKind<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  shortNames: ['ev'],
})
