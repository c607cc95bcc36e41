import { defineKind } from '../define-kind.ts'
import type { CustomResourceDefinition } from '../generated/types/apiextensions-v1.ts'

export const customResourceDefinitions = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
})
