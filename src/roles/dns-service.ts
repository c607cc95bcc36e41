import type { Client } from '../client/contract.ts'
import { services } from '../kinds/core/service.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { ClusterNetwork } from './cluster-network.ts'

/**
 * The Service that names the cluster's DNS, so that clients find its address where they look for it. Every node answers on that
 * address itself, so it has no endpoints.
 */
export async function ensureDnsService(client: Client, { dnsAddress }: ClusterNetwork): Promise<void> {
  const resource = client.resource(services, 'kube-system')
  try {
    await resource.get('kube-dns')
    return
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
  try {
    await resource.create({
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
    })
  } catch (error) {
    // Another server of this store was first.
    if (!isStatus(error, 'AlreadyExists') && !isStatus(error, 'Invalid')) throw error
  }
}
