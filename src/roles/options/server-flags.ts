/** Every flag of `keelson server`, in groups: what it takes, its help and its page in docs/reference are made from here. */
import { accessFlags } from '../../cli/access-flags.ts'
import { defaultDataDir } from '../../cli/data-dir.ts'
import { apiServerFlags, controllerFlags } from '../../cli/controller-flags.ts'
import { nodeFlags } from '../../cli/node-flags.ts'

export type ServerFlag = {
  readonly name: string
  readonly argument: string
  readonly help: string
  readonly isRepeated?: boolean
  readonly byDefault?: string
}
export type ServerFlagGroup = { readonly title: string; readonly page: string; readonly flags: readonly ServerFlag[] }

/** `home`: where the data is when nothing is said. */
export const serverFlagGroups = (home: string = defaultDataDir()): readonly ServerFlagGroup[] => [
  {
    title: 'The server',
    page: 'high-availability.md',
    flags: [
      { name: 'data-dir', argument: 'DIR', help: `where it keeps its data (default ${home})` },
      {
        name: 'store',
        argument: 'URL',
        help: 'an etcd that several servers may share: etcd://HOST:PORT,HOST:PORT[?cacert=FILE&cert=FILE&key=FILE] (default: SQLite in the data directory)',
      },
      {
        name: 'join',
        argument: 'URL',
        help: 'be one more server of the cluster that a server at this URL serves; its store must be an etcd',
      },
      {
        name: 'token',
        argument: 'TOKEN',
        help: 'from `keelson token create --server`; or in the environment as KEELSON_TOKEN. Needed once',
      },
      {
        name: 'ca-hash',
        argument: 'HASH',
        help: "the hash of the cluster's authority, as `keelson token create` prints it; or KEELSON_CA_HASH",
      },
      { name: 'listen', argument: 'HOST:PORT', help: 'where the API listens (default 0.0.0.0:6443)', byDefault: '0.0.0.0:6443' },
      { name: 'log-level', argument: 'LEVEL', help: 'debug, info, warn, error or silent (default info)', byDefault: 'info' },
    ],
  },
  {
    title: "The cluster's network",
    page: 'nodes.md',
    flags: [
      {
        name: 'cluster-cidr',
        argument: 'RANGE',
        help: "the pods' addresses, of which each node takes a part (default 10.244.0.0/16), or of both families: A,B; a cluster's network is chosen at its first start",
      },
      {
        name: 'service-cluster-ip-range',
        argument: 'RANGE',
        help: "the services' addresses (default 10.96.0.0/12); of both families: A,B",
      },
      { name: 'cluster-domain', argument: 'NAME', help: "the zone of the cluster's DNS (default cluster.local)" },
    ],
  },
  {
    title: 'Its nodes',
    page: 'nodes.md',
    flags: [
      {
        name: 'runtime',
        argument: 'NAME',
        help: 'containerd: this machine is a node too (default for root); fake: simulated nodes; none: no node',
      },
      { name: 'nodes', argument: 'N', help: 'how many simulated nodes (default 1)', byDefault: '1' },
      {
        name: 'fake-node',
        argument: 'SETTINGS',
        help: 'how they are: cpu=8,memory=32Gi,pods=200,start=2s,pull=10s,fail-start=0.05,use-cpu=50m,use-memory=64Mi',
      },
      { name: 'node-name', argument: 'NAME', help: "this node's name (default: the host name)" },
      { name: 'node-ip', argument: 'ADDRESS', help: "this node's address (default: that of the interface with the default route)" },
      { name: 'runtime-endpoint', argument: 'SOCK', help: 'use the containerd at this socket instead of one of its own' },
      {
        name: 'registries-dir',
        argument: 'DIR',
        help: "containerd's certs.d: a hosts.toml a registry (default registries.d in the data directory)",
      },
      ...nodeFlags,
    ],
  },
  {
    title: 'Scheduling',
    page: 'scheduling.md',
    flags: [
      { name: 'scheduler-config', argument: 'FILE', help: 'a KubeSchedulerConfiguration: profiles, weights, extenders' },
      {
        name: 'scheduler-plugin',
        argument: 'FILE',
        isRepeated: true,
        help: 'a TypeScript module that exports scheduler plugins; may be given several times',
      },
      {
        name: 'schedulers',
        argument: 'N',
        help: 'run N schedulers here that share the cluster with those of other servers and of `keelson scheduler`, 0 to 16 (default: one scheduler, elected among the servers)',
      },
      {
        name: 'rebalance',
        argument: 'MODE',
        help: 'report: say as events which pods should move to other nodes; move: evict them (default: neither)',
      },
      {
        name: 'rebalance-config',
        argument: 'FILE',
        help: 'a RebalancerConfiguration: what it looks for, how often, how much moves (it reports unless it is told to move)',
      },
    ],
  },
  {
    title: 'Admission',
    page: 'admission.md',
    flags: [
      {
        name: 'enable-admission-plugins',
        argument: 'NAMES',
        isRepeated: true,
        help: 'admission plugins to run that are off by default, with commas between them',
      },
      { name: 'disable-admission-plugins', argument: 'NAMES', isRepeated: true, help: 'admission plugins to leave out' },
    ],
  },
  { title: 'The API server', page: 'api.md', flags: apiServerFlags },
  { title: 'Controllers', page: 'reference/server.md', flags: controllerFlags },
  { title: 'Who may do what', page: 'access.md', flags: accessFlags },
]

const nameWidth = 24
const lineMax = 140

export function serverHelp(): string {
  const groups = serverFlagGroups().map(({ title, page, flags }) => `${title} (docs/${page}):\n\n${flags.map(helpOf).join('')}`)
  return `Usage: keelson server [options]\n\nThe control plane in the foreground, for systemd.\n\n${groups.join('\n')}`
}

/** Beside the name where there is room, else below it. */
function helpOf({ name, argument, help }: ServerFlag): string {
  const flag = `--${name} ${argument} `
  const isShort = flag.length <= nameWidth
  const lines = wrapped(help, lineMax - nameWidth - 2)
  const first = isShort ? `  ${flag.padEnd(nameWidth)}${lines.shift()}\n` : `  ${flag.trimEnd()}\n`
  return first + lines.map((line) => `${' '.repeat(nameWidth + 2)}${line}\n`).join('')
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** The page docs/reference/server.md from its first heading of a group on. */
export function serverReference(): string {
  const row = ({ name, argument, help }: ServerFlag) =>
    `| \`--${name} ${argument}\` | ${help.replaceAll('|', '\\|').replaceAll('*', '\\*')} |\n`
  return serverFlagGroups('/var/lib/keelson')
    .map(({ title, page, flags }) => {
      const more = page.startsWith('reference/') ? '' : `More in [${page}](../${page}).\n\n`
      return `## ${title}\n\n${more}| flag | |\n|---|---|\n${flags.map(row).join('')}`
    })
    .join('\n')
}
