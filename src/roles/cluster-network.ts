import { CliError } from '../cli/cli-error.ts'
import type { NetworkChoice } from '../cli/machine.ts'
import { type AddressRange, formatAddress, inRange, parseRange } from '../machinery/ip-address.ts'
import { dns1123Subdomain } from '../machinery/names.ts'

/** The address plan of a cluster. Clients rely by convention on the first service address (the API) and on the tenth (DNS). */
export type ClusterNetwork = {
  /** Of which each node gets 256 addresses for its pods. */
  readonly podCidr: string
  readonly serviceCidr: string
  /** The `kubernetes` service. */
  readonly apiServiceAddress: string
  readonly dnsAddress: string
  readonly domain: string
}

export const defaultClusterNetwork: ClusterNetwork = clusterNetworkOf({})

/** Throws CliError (exit code 2) for ranges that no cluster can have. */
export function clusterNetworkOf({
  podCidr = '10.244.0.0/16',
  serviceCidr = '10.96.0.0/12',
  domain = 'cluster.local',
}: NetworkChoice): ClusterNetwork {
  const pods = rangeOf('--cluster-cidr', podCidr, { longest: 23, why: 'each node takes a /24 of it' })
  const services = rangeOf('--service-cluster-ip-range', serviceCidr, { longest: 28, why: 'its tenth address is that of the DNS' })
  if (inRange(pods, services.address) || inRange(services, pods.address))
    throw misuse(
      `--cluster-cidr ${podCidr} and --service-cluster-ip-range ${serviceCidr} overlap`,
      'give ranges that have no address in common',
    )
  if (dns1123Subdomain(domain).length > 0) throw misuse(`--cluster-domain ${domain}`, 'give a DNS name like cluster.local')
  const serviceAddress = (n: bigint) => formatAddress({ family: 4, bits: services.address.bits + n })
  return { podCidr, serviceCidr, apiServiceAddress: serviceAddress(1n), dnsAddress: serviceAddress(10n), domain }
}

function rangeOf(flag: string, text: string, { longest, why }: { longest: number; why: string }): AddressRange {
  const range = parseRange(text)
  if (typeof range === 'string' || range.address.family !== 4) throw misuse(`${flag} ${text}`, 'give an IPv4 range like 10.244.0.0/16')
  const { address, prefix } = range
  if (prefix < 8 || prefix > longest) throw misuse(`${flag} ${text}`, `its prefix must be from 8 to ${longest}: ${why}`)
  const first = (address.bits >> BigInt(32 - prefix)) << BigInt(32 - prefix)
  if (first !== address.bits) throw misuse(`${flag} ${text}`, `the range begins at ${formatAddress({ family: 4, bits: first })}/${prefix}`)
  return range
}

const misuse = (cause: string, nextStep: string) => new CliError(cause, { nextStep, exitCode: 2 })

/** Names and addresses that the API server's certificate carries. */
export function apiServerHosts(network: ClusterNetwork, listenHost: string, machineAddresses: readonly string[]): string[] {
  const { domain, apiServiceAddress } = network
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${domain}`, 'localhost']
  const listen = listenHost === '0.0.0.0' || listenHost === '::' ? [] : [listenHost]
  return [...new Set([...names, '127.0.0.1', '::1', apiServiceAddress, ...machineAddresses, ...listen])]
}
