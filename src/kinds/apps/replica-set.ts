import { defineKind } from '../define-kind.ts'
import type { ReplicaSet } from '../generated/types/apps-v1.ts'

export const replicaSets = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  shortNames: ['rs'],
  categories: ['all'],
})
