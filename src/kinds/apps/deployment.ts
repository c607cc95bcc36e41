import { defineKind } from '../define-kind.ts'
import type { Deployment } from '../generated/types/apps-v1.ts'
import { runActionSubresources } from '../keelson/run-action.ts'

export const deployments = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  extraSubresources: runActionSubresources,
})
