import type { Client } from '../client/contract.ts'
import { services } from '../kinds/core/service.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import { ensureObject } from './ensure-object.ts'

/**
 * The Service that names the cluster's DNS, so that clients find its address where they look for it. Every node answers on that
 * address itself, so it has no endpoints.
 */
export async function ensureDnsService(client: Client, { dnsAddress }: ClusterNetwork): Promise<void> {
  await ensureObject(client, services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'KeelsonDNS' },
    },
    spec: {
      clusterIP: dnsAddress,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      ],
    },
  }).catch((error: unknown) => {
    // Another server of this store was first, and has the address.
    if (!isStatus(error, 'Invalid')) throw error
  })
}
