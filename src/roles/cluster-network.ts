/** The address plan of a cluster. Clients rely by convention on the first service address (the API) and on the tenth (DNS). */
export const clusterNetwork = {
  podCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/12',
  /** The `kubernetes` service. */
  apiServiceAddress: '10.96.0.1',
  dnsAddress: '10.96.0.10',
  domain: 'cluster.local',
} as const

/** Names and addresses that the API server's certificate carries. */
export function apiServerHosts(listenHost: string, machineAddresses: readonly string[]): string[] {
  const { domain, apiServiceAddress } = clusterNetwork
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${domain}`, 'localhost']
  const listen = listenHost === '0.0.0.0' || listenHost === '::' ? [] : [listenHost]
  return [...new Set([...names, '127.0.0.1', '::1', apiServiceAddress, ...machineAddresses, ...listen])]
}
