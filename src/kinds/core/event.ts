import { defineKind } from '../define-kind.ts'
import type { Event } from '../generated/types/core-v1.ts'

export const events = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  shortNames: ['ev'],
})
