import { defineKind } from '../define-kind.ts'
import type { ControllerRevision } from '../generated/types/apps-v1.ts'

export const controllerRevisions = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
})
