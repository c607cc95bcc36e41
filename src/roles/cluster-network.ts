import { CliError } from '../cli/cli-error.ts'
import type { NetworkChoice } from '../cli/machine.ts'
import { type AddressRange, formatAddress, inRange, parseRange } from '../machinery/ip-address.ts'
import { dns1123Subdomain } from '../machinery/names.ts'

/** The address plan of a cluster. Clients rely by convention on the first service address (the API) and on the tenth (DNS). */
export type ClusterNetwork = {
  /** Of which each node gets 256 addresses for its pods. One range, or one of each family with a comma between; so the services'. */
  readonly podCidr: string
  readonly serviceCidr: string
  /** The `kubernetes` service. */
  readonly apiServiceAddress: string
  readonly dnsAddress: string
  readonly domain: string
}

type Limits = Readonly<Record<4 | 6, { readonly shortest: number; readonly longest: number; readonly why: string }>>

const podLimits: Limits = {
  4: { shortest: 8, longest: 23, why: 'each node takes a /24 of it' },
  6: { shortest: 48, longest: 63, why: 'each node takes a /64 of it' },
}
const serviceLimits: Limits = {
  4: { shortest: 8, longest: 28, why: 'its tenth address is that of the DNS' },
  6: { shortest: 64, longest: 124, why: 'its tenth address is that of the DNS' },
}

export const defaultClusterNetwork: ClusterNetwork = clusterNetworkOf({})

/** Throws CliError (exit code 2) for ranges that no cluster can have. */
export function clusterNetworkOf({
  podCidr = '10.244.0.0/16',
  serviceCidr = '10.96.0.0/12',
  domain = 'cluster.local',
}: NetworkChoice): ClusterNetwork {
  const pods = rangesOf('--cluster-cidr', podCidr, podLimits)
  const services = rangesOf('--service-cluster-ip-range', serviceCidr, serviceLimits)
  if (pods.length !== services.length || pods.some(({ address }, i) => address.family !== services[i]!.address.family))
    throw misuse(
      `--cluster-cidr ${podCidr} and --service-cluster-ip-range ${serviceCidr} differ in families`,
      'give both the same families',
    )
  if (pods.some((range, i) => inRange(range, services[i]!.address) || inRange(services[i]!, range.address)))
    throw misuse(
      `--cluster-cidr ${podCidr} and --service-cluster-ip-range ${serviceCidr} overlap`,
      'give ranges that have no address in common',
    )
  if (dns1123Subdomain(domain).length > 0) throw misuse(`--cluster-domain ${domain}`, 'give a DNS name like cluster.local')
  const { family, bits } = services[0]!.address
  const serviceAddress = (n: bigint) => formatAddress({ family, bits: bits + n })
  return { podCidr, serviceCidr, apiServiceAddress: serviceAddress(1n), dnsAddress: serviceAddress(10n), domain }
}

function rangesOf(flag: string, text: string, limits: Limits): readonly AddressRange[] {
  const ranges = text.split(',').map((one) => rangeOf(flag, one, limits))
  const [first, second] = ranges.map(({ address }) => address.family)
  if (ranges.length > 2 || first === second) throw misuse(`${flag} ${text}`, 'give one range, or one of each family')
  if (first === 6 && second === undefined) throw misuse(`${flag} ${text}`, 'give an IPv4 range too, like 10.244.0.0/16')
  return ranges
}

function rangeOf(flag: string, text: string, limits: Limits): AddressRange {
  const range = parseRange(text)
  if (typeof range === 'string') throw misuse(`${flag} ${text}`, 'give an IPv4 range like 10.244.0.0/16')
  const { address, prefix } = range
  const { shortest, longest, why } = limits[address.family]
  if (prefix < shortest || prefix > longest) throw misuse(`${flag} ${text}`, `its prefix must be from ${shortest} to ${longest}: ${why}`)
  const free = BigInt((address.family === 4 ? 32 : 128) - prefix)
  const first = (address.bits >> free) << free
  if (first !== address.bits)
    throw misuse(`${flag} ${text}`, `the range begins at ${formatAddress({ family: address.family, bits: first })}/${prefix}`)
  return range
}

/** The network of machines' pods, which have addresses of IPv4 alone. Throws CliError for a cluster of two families. */
export function ofOneFamily<T extends { readonly serviceCidr: string }>(network: T): T {
  if (!network.serviceCidr.includes(',')) return network
  throw misuse(
    `--service-cluster-ip-range ${network.serviceCidr}`,
    'addresses of both families are for simulated nodes alone: give one IPv4 range, or --runtime fake',
  )
}

const misuse = (cause: string, nextStep: string) => new CliError(cause, { nextStep, exitCode: 2 })

/** Names and addresses that the API server's certificate carries. */
export function apiServerHosts(network: ClusterNetwork, listenHost: string, machineAddresses: readonly string[]): string[] {
  const { domain, apiServiceAddress } = network
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${domain}`, 'localhost']
  const listen = listenHost === '0.0.0.0' || listenHost === '::' ? [] : [listenHost]
  return [...new Set([...names, '127.0.0.1', '::1', apiServiceAddress, ...machineAddresses, ...listen])]
}
