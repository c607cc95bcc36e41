import { defineKind } from '../define-kind.ts'
import type { Pod } from '../generated/types/core-v1.ts'
import { runActionSubresources } from '../keelson/run-action.ts'

export const pods = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  shortNames: ['po'],
  categories: ['all'],
  extraSubresources: [
    ...runActionSubresources,
    { name: 'explain', group: 'keelson.dev', version: 'v1', kind: 'Explanation', verbs: ['get'] },
  ],
})
