import { canonicalOf, familyOf } from '../addresses.ts'
import type { Service } from '../generated/types/core-v1.ts'
import type { IPAddress } from '../generated/types/networking-v1.ts'

/** Holds a range for services while an address of it is in use. */
export const serviceCidrFinalizer = 'networking.k8s.io/service-cidr-finalizer'

/** Labels of the IPAddress objects that stand for what services hold; those of other managers are left alone. */
export const serviceAddressLabels = {
  family: 'ipaddress.kubernetes.io/ip-family',
  managedBy: 'ipaddress.kubernetes.io/managed-by',
  manager: 'ipallocator.k8s.io',
} as const

/** The addresses that a service holds, as the objects that say so are named. */
export function heldAddresses({ spec }: Service): string[] {
  const all = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : [])
  return all.flatMap((address) => canonicalOf(address) ?? [])
}

/** The object that says that a service holds an address, which is in canonical form. */
export function serviceAddress(address: string, service: { readonly namespace: string; readonly name: string }): IPAddress {
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: address,
      labels: { [serviceAddressLabels.family]: familyOf(address)!, [serviceAddressLabels.managedBy]: serviceAddressLabels.manager },
    },
    spec: { parentRef: { resource: 'services', ...service } },
  }
}

export function isServiceAddress({ metadata }: IPAddress): boolean {
  return metadata.labels?.[serviceAddressLabels.managedBy] === serviceAddressLabels.manager
}
