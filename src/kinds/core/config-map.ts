import { defineKind } from '../define-kind.ts'
import type { ConfigMap } from '../generated/types/core-v1.ts'

export const configMaps = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  shortNames: ['cm'],
})
