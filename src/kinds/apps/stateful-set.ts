import { defineKind } from '../define-kind.ts'
import type { StatefulSet } from '../generated/types/apps-v1.ts'

export const statefulSets = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  shortNames: ['sts'],
  categories: ['all'],
})
