/** What a node's pod network is made of. */
export type PodNetworkConfig = {
  /** The node's share of the cluster's pod range, e.g. 10.244.3.0/24. */
  readonly podCidr: string
  /** Bridge that the pods of this node hang on. */
  readonly bridge: string
  /** Bytes; what the way between nodes carries, e.g. 1450 below a VXLAN on 1500. */
  readonly mtu: number
  /** Where host-local keeps which address is taken. */
  readonly addressDirectory: string
}

export const bridgeName = 'keelson0'
export const cniConfigFile = '10-keelson.conflist'

/**
 * The CNI configuration list: a bridge with the first address of the range as gateway, addresses by host-local. Host ports are
 * host-ports.ts. Masquerade is not the plugin's (`ipMasq: false`): guard rules of the node do it once for all pods.
 * Source: CNI specification 1.0.0 and the reference plugins' documentation.
 */
export function cniConfig(network: PodNetworkConfig): string {
  const list = {
    cniVersion: '1.0.0',
    name: 'keelson',
    plugins: [
      {
        type: 'bridge',
        bridge: network.bridge,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        mtu: network.mtu,
        ipam: {
          type: 'host-local',
          dataDir: network.addressDirectory,
          ranges: [[{ subnet: network.podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  }
  return `${JSON.stringify(list, null, 2)}\n`
}
