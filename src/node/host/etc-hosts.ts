import type { HostAlias } from '../../kinds/generated/types/core-v1.ts'

/** The pod's /etc/hosts. https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/ Pure. */
export function podHostsFile(options: {
  readonly podIps: readonly string[]
  readonly hostname: string
  /** The pod's domain when it has a subdomain; empty: none. */
  readonly domain: string
  readonly aliases: readonly HostAlias[]
}): string {
  const { podIps, hostname, domain, aliases } = options
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIps.map((ip) => (domain ? `${ip}\t${hostname}.${domain}\t${hostname}` : `${ip}\t${hostname}`)),
  ]
  return `${lines.join('\n')}\n${aliasLines(aliases)}`
}

/** /etc/hosts of a pod in the host's network: the host's own, and the pod's aliases. Pure. */
export function hostNetworkHostsFile(hostFile: string, aliases: readonly HostAlias[]): string {
  return `# Kubernetes-managed hosts file (host network).\n${hostFile}${hostFile.endsWith('\n') ? '' : '\n'}${aliasLines(aliases)}`
}

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return ''
  const lines = aliases.map(({ ip, hostnames = [] }) => [ip, ...hostnames].join('\t'))
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`
}
