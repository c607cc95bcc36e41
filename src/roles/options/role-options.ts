import { networkInterfaces } from 'node:os'
import { parseArgs } from 'node:util'
import { admissionPluginNames } from '../../apiserver/admission/plugin-names.ts'
import { accessFlags } from '../../cli/access-flags.ts'
import { apiServerFlags, controllerFlags } from '../../cli/controller-flags.ts'
import { nodeFlags } from '../../cli/node-flags.ts'
import { CliError } from '../../cli/cli-error.ts'
import { defaultDataDir, resolveDataDir } from '../../cli/data-dir.ts'
import type { NetworkChoice } from '../../cli/machine.ts'
import { dns1123Label } from '../../machinery/names.ts'
import { clusterNetworkOf } from '../cluster-network.ts'
import type { AccessFlagValues } from './access-options.ts'
import { parseStoreLocation, type StoreLocation } from '../store-location.ts'
import type { LogLevel } from '../../platform/pino-log.ts'
import { type FakeNodeOptions, parseFakeNode } from './fake-node-options.ts'
import { type NodeSettings, parseNodeSettings } from '../node/node-settings.ts'
import { serverFlagGroups } from './server-flags.ts'
import type { SchedulerFiles } from './scheduler-options.ts'

export type ServerOptions = {
  readonly dataDir: string
  /** Absent: what the server that was joined said, else SQLite in the data directory. */
  readonly store: StoreLocation | undefined
  /** The cluster to join, once. */
  readonly join: { readonly server: string; readonly token: string | undefined; readonly caHash: string | undefined } | undefined
  readonly listen: { readonly host: string; readonly port: number }
  /** containerd: this machine is a node too. fake: `nodes` simulated nodes. none: control plane only. */
  readonly runtime: 'containerd' | 'fake' | 'none'
  readonly nodes: number
  /** How the simulated ones are. */
  readonly fakeNode: FakeNodeOptions
  readonly nodeName: string | undefined
  readonly nodeAddress: string | undefined
  readonly runtimeEndpoint: string | undefined
  readonly registriesDir: string | undefined
  readonly settings: NodeSettings
  readonly logLevel: LogLevel
  readonly scheduler: SchedulerFiles
  /** How many schedulers of this server share the cluster; absent: one scheduler, elected among the servers. */
  readonly schedulers: number | undefined
  /** Whether pods in the wrong place are reported, or moved; absent: neither. */
  readonly rebalance: 'Report' | 'Move' | undefined
  /** A RebalancerConfiguration in YAML or JSON. */
  readonly rebalanceConfig: string | undefined
  /** Names of admission plugins beyond the defaults, and of those to leave out. */
  readonly admission: { readonly enabled: readonly string[]; readonly disabled: readonly string[] }
  readonly access: AccessFlagValues
  /** Of a new cluster. */
  readonly network: NetworkChoice
}

export type AgentOptions = {
  readonly server: string
  readonly token: string | undefined
  readonly caHash: string | undefined
  readonly dataDir: string
  readonly nodeName: string | undefined
  readonly nodeAddress: string | undefined
  readonly runtimeEndpoint: string | undefined
  readonly registriesDir: string | undefined
  readonly settings: NodeSettings
  readonly logLevel: LogLevel
}

export type StandaloneSchedulerOptions = {
  /** Absent: as kubectl finds it. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  /** Stable over restarts where given. */
  readonly name: string | undefined
  readonly count: number
  /** Where `/metrics` is served; absent: nowhere. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | undefined
  readonly scheduler: SchedulerFiles
  readonly logLevel: LogLevel
}

const shared = {
  'data-dir': { type: 'string' },
  'node-name': { type: 'string' },
  'node-ip': { type: 'string' },
  'runtime-endpoint': { type: 'string' },
  'registries-dir': { type: 'string' },
  ...Object.fromEntries(nodeFlags.map(({ name }) => [name, { type: 'string' as const }])),
  'log-level': { type: 'string', default: 'info' },
  help: { type: 'boolean', short: 'h' },
} as const

const joining = { join: { type: 'string' }, token: { type: 'string' }, 'ca-hash': { type: 'string' } } as const

const nodeHelp = nodeFlags.map(({ name, argument, help }) => `  ${`--${name} ${argument} `.padEnd(24)}${help}\n`).join('')

export const agentHelp = `Usage: keelson agent --server URL [options]

A node agent in the foreground, for systemd.

  --server URL            the API server
  --token TOKEN           from \`keelson token create\`; or in the environment as KEELSON_TOKEN. Needed once: the agent keeps its certificate
  --ca-hash HASH          the hash of the server's authority, as \`keelson token create\` prints it; or KEELSON_CA_HASH
  --data-dir DIR          where it keeps its data (default ${defaultDataDir()})
  --node-name NAME        this node's name (default: the host name)
  --node-ip ADDRESS       this node's address (default: that of the interface with the default route)
  --runtime-endpoint SOCK use the containerd at this socket instead of one of its own
  --registries-dir DIR    containerd's certs.d: a hosts.toml a registry (default registries.d in the data directory)
${nodeHelp}  --log-level LEVEL       debug, info, warn, error or silent (default info)
`

export const schedulerHelp = `Usage: keelson scheduler [options]

Schedulers in a process of their own, in the foreground. They share the cluster with those of servers that run with --schedulers.

  --kubeconfig FILE       how to reach the cluster (default: as kubectl finds it)
  --context NAME          a context of it
  --name NAME             who it is to the others; unique, and the same after a restart (default: host name and a random word)
  --count N               how many schedulers, 1 to 16 (default 1)
  --scheduler-config FILE a KubeSchedulerConfiguration: profiles, weights, extenders
  --scheduler-plugin FILE a TypeScript module that exports scheduler plugins; may be given several times
  --metrics-address A     serve /metrics and /healthz at this HOST:PORT, over HTTP, to whoever asks (default: nowhere)
  --log-level LEVEL       debug, info, warn, error or silent (default info)
`

/** Undefined when help was asked for. Throws CliError (exit code 2) for what it does not understand. */
export function parseServerOptions(
  argv: readonly string[],
  isRoot: boolean,
  env: Readonly<Record<string, string | undefined>>,
): ServerOptions | undefined {
  const values = parse(argv, {
    ...Object.fromEntries(
      serverFlagGroups()
        .flatMap(({ flags }) => flags)
        .map(({ name, isRepeated, byDefault }) => [
          name,
          {
            type: 'string' as const,
            ...(isRepeated ? { multiple: true } : {}),
            ...(byDefault === undefined ? {} : { default: byDefault }),
          },
        ]),
    ),
    help: shared.help,
  })
  if (values.help) return undefined
  const runtime = text(values.runtime) ?? (isRoot ? 'containerd' : 'fake')
  if (runtime !== 'containerd' && runtime !== 'fake' && runtime !== 'none')
    throw misuse(`--runtime ${runtime}`, 'name containerd, fake or none')
  return {
    dataDir: dataDirOf(values),
    store: text(values.store) === undefined ? undefined : parseStoreLocation(text(values.store)!),
    join: text(values.join) === undefined ? undefined : joinOf('join', text(values.join), values, env),
    listen: parseListen('--listen', text(values.listen) ?? ''),
    runtime,
    nodes: parseCount(text(values.nodes) ?? '1'),
    fakeNode: parseFakeNode(text(values['fake-node'])),
    schedulers: text(values.schedulers) === undefined ? undefined : parseSchedulers('--schedulers', text(values.schedulers)!),
    rebalance: parseRebalance(text(values.rebalance)),
    rebalanceConfig: text(values['rebalance-config']),
    scheduler: { configFile: text(values['scheduler-config']), pluginFiles: texts(values['scheduler-plugin']) },
    admission: { enabled: pluginNames(values['enable-admission-plugins']), disabled: pluginNames(values['disable-admission-plugins']) },
    access: Object.fromEntries(
      [...apiServerFlags, ...controllerFlags, ...accessFlags].map(({ name }) => [
        name,
        values[name] as string | readonly string[] | undefined,
      ]),
    ),
    network: parseNetwork(values),
    ...nodeOptions(values),
  }
}

function dataDirOf(values: Values): string {
  const given = text(values['data-dir'])
  return given === undefined ? defaultDataDir() : resolveDataDir(given)
}

/** Throws CliError for what no cluster can have. */
function parseNetwork(values: Values): NetworkChoice {
  const given = {
    podCidr: text(values['cluster-cidr']),
    serviceCidr: text(values['service-cluster-ip-range']),
    domain: text(values['cluster-domain']),
  }
  const choice: NetworkChoice = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  clusterNetworkOf(choice)
  return choice
}

function parseRebalance(mode: string | undefined): ServerOptions['rebalance'] {
  if (mode === undefined) return undefined
  if (mode === 'report') return 'Report'
  if (mode === 'move') return 'Move'
  throw misuse(`--rebalance ${mode}`, 'give report or move')
}

export function parseAgentOptions(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): AgentOptions | undefined {
  const values = parse(argv, { ...shared, server: { type: 'string' }, token: joining.token, 'ca-hash': joining['ca-hash'] })
  if (values.help) return undefined
  return {
    ...joinOf('server', text(values.server), values, env),
    dataDir: dataDirOf(values),
    ...nodeOptions(values),
  }
}

function joinOf(
  flag: 'join' | 'server',
  server: string | undefined,
  values: Values,
  env: Readonly<Record<string, string | undefined>>,
): { server: string; token: string | undefined; caHash: string | undefined } {
  if (!server) throw new CliError('the API server is not named', { nextStep: `give it as --${flag} https://HOST:PORT`, exitCode: 2 })
  if (!/^https:\/\/[^/]+\/?$/.test(server)) throw misuse(`--${flag} ${server}`, 'give the API server as https://HOST:PORT')
  return {
    server: server.replace(/\/$/, ''),
    token: text(values.token) ?? env.KEELSON_TOKEN,
    caHash: text(values['ca-hash']) ?? env.KEELSON_CA_HASH,
  }
}

export function parseSchedulerOptions(argv: readonly string[]): StandaloneSchedulerOptions | undefined {
  const values = parse(argv, {
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    name: { type: 'string' },
    count: { type: 'string', default: '1' },
    'metrics-address': { type: 'string' },
    'scheduler-config': { type: 'string' },
    'scheduler-plugin': { type: 'string', multiple: true },
    'log-level': { type: 'string', default: 'info' },
    help: { type: 'boolean', short: 'h' },
  })
  if (values.help) return undefined
  const metricsAddress = text(values['metrics-address'])
  const count = parseSchedulers('--count', text(values.count) ?? '')
  if (count === 0) throw misuse('--count 0', 'give a whole number from 1 to 16')
  const name = text(values.name)
  if (name !== undefined && (dns1123Label(name).length > 0 || name.length > 40))
    throw misuse(`--name ${name}`, 'use at most 40 lower-case letters, digits and dashes')
  return {
    kubeconfig: text(values.kubeconfig),
    context: text(values.context),
    name,
    count,
    metricsAddress: metricsAddress === undefined ? undefined : parseListen('--metrics-address', metricsAddress),
    scheduler: { configFile: text(values['scheduler-config']), pluginFiles: texts(values['scheduler-plugin']) },
    logLevel: parseLogLevel(values),
  }
}

type Value = string | boolean | readonly string[] | undefined
type Values = Readonly<Record<string, Value>>

function nodeOptions(
  values: Values,
): Pick<ServerOptions, 'nodeName' | 'nodeAddress' | 'runtimeEndpoint' | 'registriesDir' | 'settings' | 'logLevel'> {
  return {
    nodeName: text(values['node-name']),
    nodeAddress: text(values['node-ip']),
    runtimeEndpoint: text(values['runtime-endpoint']),
    registriesDir: text(values['registries-dir']),
    settings: parseNodeSettings(Object.fromEntries(nodeFlags.map(({ name }) => [name, text(values[name])]))),
    logLevel: parseLogLevel(values),
  }
}

function parseLogLevel(values: Values): LogLevel {
  const logLevel = text(values['log-level']) ?? 'info'
  if (!['debug', 'info', 'warn', 'error', 'silent'].includes(logLevel))
    throw misuse(`--log-level ${logLevel}`, 'name debug, info, warn, error or silent')
  return logLevel as LogLevel
}

function parse(
  argv: readonly string[],
  options: Record<string, { type: 'string' | 'boolean'; short?: string; default?: string; multiple?: boolean }>,
): Values {
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values as Values
  } catch (error) {
    throw misuse((error as Error).message.split('. ')[0] ?? '', '--help lists the options')
  }
}

const text = (value: Value) => (typeof value === 'string' ? value : undefined)
const texts = (value: Value) => (Array.isArray(value) ? (value as readonly string[]) : [])
/** As upstream's flags take them: a list with commas, and the flag may be repeated. */
function pluginNames(value: Value): readonly string[] {
  const names = texts(value).flatMap((list) => list.split(',').map((name) => name.trim()))
  const unknown = names.find((name) => !admissionPluginNames.includes(name))
  if (unknown !== undefined) throw misuse(`admission plugin ${unknown}`, `name some of ${admissionPluginNames.join(', ')}`)
  return names
}

const misuse = (cause: string, nextStep: string) => new CliError(`cannot use ${cause}`, { nextStep, exitCode: 2 })

function parseListen(flag: string, listen: string): ServerOptions['listen'] {
  const m = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(listen)
  if (!m || Number(m[2]) > 65_535) throw misuse(`${flag} ${listen}`, 'write it like 127.0.0.1:6443')
  return { host: m[1]!.replace(/^\[|\]$/g, ''), port: Number(m[2]) }
}

function parseCount(count: string): number {
  if (!/^[1-9]\d{0,4}$/.test(count)) throw misuse(`--nodes ${count}`, 'give a whole number above 0')
  return Number(count)
}

function parseSchedulers(flag: string, count: string): number {
  if (!/^\d{1,2}$/.test(count) || Number(count) > 16) throw misuse(`${flag} ${count}`, 'give a whole number from 0 to 16')
  return Number(count)
}

/** This machine's first global IPv4 address that is not a bridge of containers; loopback when there is none. */
export function machineAddress(): string {
  return globalAddresses().find(({ name }) => !/^(keelson|ks[0-9a-f]{4}-|kn|cni|veth|docker|br-|vxlan)/.test(name))?.address ?? '127.0.0.1'
}

/** Every IPv4 address by which this machine can be reached. */
export function machineAddresses(): string[] {
  return globalAddresses().map(({ address }) => address)
}

function globalAddresses(): { readonly name: string; readonly address: string }[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).filter((a) => a.family === 'IPv4' && !a.internal).map(({ address }) => ({ name, address })),
  )
}
