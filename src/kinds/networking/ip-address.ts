import { defineKind } from '../define-kind.ts'
import type { IPAddress } from '../generated/types/networking-v1.ts'

export const ipAddresses = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  shortNames: ['ip'],
})
