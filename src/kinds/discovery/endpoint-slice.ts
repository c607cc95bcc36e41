import { defineKind } from '../define-kind.ts'
import type { EndpointSlice } from '../generated/types/discovery-v1.ts'

export const endpointSlices = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
})
