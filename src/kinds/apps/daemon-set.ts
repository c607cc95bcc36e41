import { defineKind } from '../define-kind.ts'
import type { DaemonSet } from '../generated/types/apps-v1.ts'

export const daemonSets = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  shortNames: ['ds'],
  categories: ['all'],
})
