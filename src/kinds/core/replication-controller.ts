import { defineKind } from '../define-kind.ts'
import type { ReplicationController } from '../generated/types/core-v1.ts'

export const replicationControllers = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  shortNames: ['rc'],
  categories: ['all'],
})
