import { defineKind } from '../define-kind.ts'
import type { DeviceClass } from '../generated/types/resource-v1.ts'

export const deviceClasses = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
})
