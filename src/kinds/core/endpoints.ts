import { defineKind } from '../define-kind.ts'
import type { Endpoints } from '../generated/types/core-v1.ts'

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  shortNames: ['ep'],
})
