import type { Informer } from '../client/informer-contract.ts'
import type { Namespace, Service } from '../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../kinds/generated/types/discovery-v1.ts'
import type { ClusterView } from './zone.ts'

/** The server's view over the shared informers: indexes only, no copies. */
export function clusterView(informers: {
  services: Informer<Service>
  slices: Informer<EndpointSlice>
  namespaces: Informer<Namespace>
}): ClusterView {
  const { services, slices, namespaces } = informers
  services.addIndex('cluster-ip', (s) => (s.spec?.clusterIPs ?? []).filter((a) => a !== 'None'))
  slices.addIndex('dns-service', (s) => {
    const owner = s.metadata.labels?.['kubernetes.io/service-name']
    return owner && s.addressType === 'IPv4' ? [`${s.metadata.namespace}/${owner}`] : []
  })
  slices.addIndex('dns-address', (s) => (s.addressType === 'IPv4' ? (s.endpoints ?? []).flatMap((e) => e.addresses) : []))
  return {
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    slices: (namespace, service) => slices.byIndex('dns-service', `${namespace}/${service}`),
    hasNamespace: (name) => namespaces.get(name) !== undefined,
    serviceByAddress: (address) => services.byIndex('cluster-ip', address)[0],
    slicesByAddress: (address) => slices.byIndex('dns-address', address),
  }
}
