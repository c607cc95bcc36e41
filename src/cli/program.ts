import { resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { clientFromKubeconfig, KubeconfigError, kubeconfigPaths } from '../client/kubeconfig.ts'
import { connectionErrorText } from '../machinery/connection-error.ts'
import { StatusError } from '../machinery/status-error.ts'
import { accessFlags } from './access-flags.ts'
import { apiServerFlags, controllerFlags } from './controller-flags.ts'
import { CliError } from './cli-error.ts'
import { backup, restore } from './backup.ts'
import { keysStatus, rotateKeys } from './keys.ts'
import type { RuntimeName } from './cluster-state.ts'
import { defaultDataDir, resolveDataDir } from './data-dir.ts'
import { completionScript, flagsOfHelp } from './completion.ts'
import { down } from './down.ts'
import { parseDurationSeconds } from './duration.ts'
import { explain } from './explain.ts'
import { logs } from './logs.ts'
import { nodeFlags } from './node-flags.ts'
import { foregroundRoles, type Machine, type NetworkChoice, type PlacementFiles } from './machine.ts'
import { clientOf, joinUrl } from './own-cluster.ts'
import { parsePodTarget } from './pod-of.ts'
import { plan } from './plan.ts'
import { rebalance } from './rebalance.ts'
import { readInput } from './read-input.ts'
import { type RunVerb, runAction } from './run-action.ts'
import { runForeground } from './foreground.ts'
import { status } from './status.ts'
import { parseTarget } from './target.ts'
import { createServerToken, createToken } from './token.ts'
import { up } from './up.ts'
import { keelsonVersion, kubernetesVersion } from '../base/version.ts'

const defaultPort = 6443
const upTimeoutMs = 120_000

/** The whole command line but `server`, `agent` and `scheduler`, which the entry handles itself. */
export function createProgram(machine: Machine): Command {
  const program = new Command('keelson')
  program
    .description('A container platform whose face is the Kubernetes API.')
    .version(versionText(), '--version')
    .showHelpAfterError('(keelson --help lists the commands)')
    .addHelpText(
      'after',
      '\n`keelson COMMAND --help` lists the options of a command. docs/tutorial.md goes from nothing to a running application.',
    )
    .exitOverride()
  addUp(program, machine)
  addDown(program, machine)
  program
    .command('status')
    .description('show the processes, the nodes and what is requested of them')
    .addOption(dataDirOption())
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action((o: { dataDir: string; output: 'text' | 'json' }) => status(machine, o))
  addToken(program, machine)
  addKeys(program, machine)
  program
    .command('migrate')
    .description('copy the objects of a stopped cluster into another store')
    .requiredOption('--from <store>', 'where they are: sqlite:DATA-DIR or etcd://host:port,host:port')
    .requiredOption('--to <store>', 'where they shall be; never used before')
    .action(async (o: { from: string; to: string }) => {
      const { entries, revision } = await machine.migrate(o)
      machine.console.say(`${entries} objects copied; the store begins at resource version ${revision}`)
    })
  addBackup(program, machine)
  addRunActions(program, machine)
  addExplain(program, machine)
  addPlan(program, machine)
  addRebalance(program, machine)
  addSimulate(program, machine)
  addLogs(program, machine)
  // Listed for the help only: the entry runs these itself.
  program
    .command('server')
    .description('run the control plane in the foreground (for systemd); see keelson server --help')
    .allowUnknownOption()
    .helpOption(false)
  program
    .command('agent')
    .description('run a node agent in the foreground (for systemd); see keelson agent --help')
    .allowUnknownOption()
    .helpOption(false)
  program
    .command('scheduler')
    .description('run schedulers that share a cluster in the foreground; see keelson scheduler --help')
    .allowUnknownOption()
    .helpOption(false)
  program
    .command('version')
    .description('print the versions')
    .action(() => machine.console.out(versionText()))
  program
    .command('completion')
    .description('print a completion script')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      const roles = new Map(await Promise.all(foregroundRoles.map(async (role) => [role as string, await machine.roleHelp(role)] as const)))
      const facts = program.commands.map((c) => ({
        name: c.name(),
        description: c.description(),
        options: [
          ...[c, ...c.commands].flatMap((one) => one.options.map((o) => o.long ?? o.flags)),
          ...flagsOfHelp(roles.get(c.name()) ?? ''),
        ],
        subcommands: c.commands.map((one) => one.name()),
      }))
      machine.console.out(completionScript(shell, facts))
    })
  for (const command of program.commands) namesItsHelp(command)
  return program
}

/** What was written wrongly is told with the command whose help lists what there is. */
function namesItsHelp(command: Command, path = 'keelson'): void {
  const own = `${path} ${command.name()}`
  command.showHelpAfterError(`(${own} --help lists ${command.commands.length > 0 ? 'the commands' : 'the options'})`)
  for (const sub of command.commands) namesItsHelp(sub, own)
}

/** Runs the program and gives the exit code: 0 done, 1 failed, 2 called wrongly, 3 not running. */
export async function runProgram(machine: Machine, argv: readonly string[]): Promise<number> {
  try {
    await createProgram(machine).parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof CliError) {
      machine.console.say(`error: ${error.message}`)
      return error.exitCode
    }
    if (error instanceof StatusError && error.cause instanceof Error && error.code === 503) {
      const nextStep = '`keelson status` says whether the one of this machine runs, `keelson up` brings it up'
      machine.console.say(`error: the API server cannot be reached (${connectionErrorText(error.cause)}): ${nextStep}`)
      return 3
    }
    if (error instanceof StatusError) {
      machine.console.say(`error from server${error.reason === '' ? '' : ` (${error.reason})`}: ${error.message}${nextStepOf(error)}`)
      return error.code === 503 ? 3 : 1
    }
    throw error
  }
}

/** What to do about what the server answered, where the answer does not say it. */
function nextStepOf({ reason, code, status: { details } }: StatusError): string {
  if (reason === 'NotFound' && details?.kind) return `: kubectl get ${details.kind} -A shows what there is`
  if (reason === 'Forbidden') return ': kubectl auth can-i --list shows what you may do'
  if (reason === 'Unauthorized') return ': the kubeconfig is for another cluster, or too old; keelson up writes it anew'
  return code === 503 ? ': keelson status shows what runs' : ''
}

function addUp(program: Command, machine: Machine): void {
  const isRoot = process.getuid?.() === 0
  const command = program
    .command('up')
    .description('bring up a cluster and wait until its nodes are Ready')
    .addOption(dataDirOption())
    .option(
      '--listen <host:port>',
      `where the API listens (default: every address with containerd, loopback with fake; port ${defaultPort})`,
    )
    .option('--store <url>', 'an etcd that keeps the objects: etcd://host:port,host:port (default: SQLite in the data directory)')
    .option('--join <url>', 'be one more server of the cluster that a server at this URL serves')
    .option('--token <token>', 'with --join: from `keelson token create --server`, or in the environment as KEELSON_TOKEN')
    .option('--ca-hash <hash>', 'with --join: the hash of its authority, or in the environment as KEELSON_CA_HASH')
    .option('--nodes <count>', 'how many nodes', positiveInteger, 1)
    .addOption(new Option('--runtime <name>', 'what runs the containers').choices(['containerd', 'fake']).default('containerd'))
    .option('--kubeconfig <file>', "write the kubeconfig there instead of merging it into the user's")
    .option('--no-merge', "leave the user's kubeconfig alone")
    .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration: profiles, weights, extenders')
    .option('--scheduler-plugin <file...>', 'TypeScript modules that export scheduler plugins')
    .option('--schedulers <n>', 'this many schedulers share the cluster')
    .addOption(new Option('--rebalance <mode>', 'report or move pods that are in the wrong place').choices(['report', 'move']))
    .option('--rebalance-config <file>', 'a RebalancerConfiguration: what moves, how often and how much')
    .option('--fake-node <settings>', 'with --runtime fake, how its nodes are: cpu=8,memory=32Gi,start=2s,fail-start=0.05,…')
    .option(
      '--cluster-cidr <range>',
      "the pods' addresses, a /24 a node (default: 10.244.0.0/16); with --runtime fake IPv6 too: A,B; chosen at the first start",
    )
    .option('--service-cluster-ip-range <range>', "the services' addresses (default: 10.96.0.0/12)")
    .option('--cluster-domain <name>', "the zone of the cluster's DNS (default: cluster.local)")
    .option('--reset-flags', 'forget the flags of before; without it each keeps its value until another is given')
    .option('--foreground', 'stay in the foreground and bring the cluster down at the end')
    .option('--timeout <duration>', 'how long to wait for the nodes', durationMs, upTimeoutMs)
    .action(
      async (
        o: {
          dataDir: string
          listen?: string
          store?: string
          join?: string
          token?: string
          caHash?: string
          nodes: number
          runtime: RuntimeName
          kubeconfig?: string
          merge: boolean
          schedulerConfig?: string
          schedulerPlugin?: readonly string[]
          schedulers?: string
          rebalance?: string
          rebalanceConfig?: string
          fakeNode?: string
          clusterCidr?: string
          serviceClusterIpRange?: string
          clusterDomain?: string
          resetFlags?: boolean
          foreground?: boolean
          timeout: number
        },
        command: Command,
      ) => {
        if (o.runtime === 'containerd' && !isRoot)
          throw new CliError('real containers need root', {
            nextStep: 'run it as root, or use --runtime fake: a whole cluster with simulated nodes',
          })
        const given = new Set(
          (['runtime', 'nodes', 'listen', 'store'] as const).filter((name) => command.getOptionValueSource(name) === 'cli'),
        )
        const listen = normalizeListen(o.listen ?? `${o.runtime === 'fake' ? '127.0.0.1' : '0.0.0.0'}:${defaultPort}`)
        const server = [
          ...(o.schedulerConfig === undefined ? [] : ['--scheduler-config', resolve(o.schedulerConfig)]),
          ...(o.schedulers === undefined ? [] : ['--schedulers', o.schedulers]),
          ...(o.rebalance === undefined ? [] : ['--rebalance', o.rebalance]),
          ...(o.rebalanceConfig === undefined ? [] : ['--rebalance-config', resolve(o.rebalanceConfig)]),
          ...(o.fakeNode === undefined ? [] : ['--fake-node', o.fakeNode]),
          ...(o.clusterCidr === undefined ? [] : ['--cluster-cidr', o.clusterCidr]),
          ...(o.serviceClusterIpRange === undefined ? [] : ['--service-cluster-ip-range', o.serviceClusterIpRange]),
          ...(o.clusterDomain === undefined ? [] : ['--cluster-domain', o.clusterDomain]),
          ...(o.schedulerPlugin ?? []).flatMap((file) => ['--scheduler-plugin', resolve(file)]),
          ...passedArguments(command),
        ]
        const request = {
          ...o,
          listen,
          given,
          kubeconfig: o.kubeconfig,
          timeoutMs: o.timeout,
          flags: { server, node: nodeArguments(command) },
          resetsFlags: o.resetFlags ?? false,
          joinFlags: [...(o.join === undefined ? [] : ['--join', o.join]), ...(o.caHash === undefined ? [] : ['--ca-hash', o.caHash])],
          token: o.token,
          network: networkOf(o),
        }
        await up(machine, request)
        if (o.foreground) await runForeground(machine, request)
      },
    )
  for (const { name, argument, help } of nodeFlags) command.option(`--${name} <${argument.toLowerCase()}>`, help)
  for (const { name, argument, help, isRepeated } of passedFlags)
    command.option(`--${name} <${argument.toLowerCase()}${isRepeated ? '...' : ''}>`, help)
}

/** What was chosen of the cluster's network. */
function networkOf(o: { clusterCidr?: string; serviceClusterIpRange?: string; clusterDomain?: string }): NetworkChoice {
  return {
    ...(o.clusterCidr === undefined ? {} : { podCidr: o.clusterCidr }),
    ...(o.serviceClusterIpRange === undefined ? {} : { serviceCidr: o.serviceClusterIpRange }),
    ...(o.clusterDomain === undefined ? {} : { domain: o.clusterDomain }),
  }
}

/** The flags on nodes that were given. */
function nodeArguments(command: Command): string[] {
  const given = command.opts<Readonly<Record<string, string | undefined>>>()
  return nodeFlags.flatMap(({ name }) => {
    const value = given[optionKey(name)]
    return value === undefined ? [] : [`--${name}`, value]
  })
}

/** Where the parsed options have a flag. */
const optionKey = (flag: string) => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** Those that go to the server as they are. */
const passedFlags = [...apiServerFlags, ...controllerFlags, ...accessFlags]

/** The flags of these that were given. */
function passedArguments(command: Command): string[] {
  const given = command.opts<Readonly<Record<string, string | readonly string[] | undefined>>>()
  return passedFlags.flatMap(({ name, isFile }) => {
    const value = given[optionKey(name)]
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value
    return values.flatMap((one) => [`--${name}`, isFile && one !== '-' ? resolve(one) : one])
  })
}

function addDown(program: Command, machine: Machine): void {
  program
    .command('down')
    .description('end the cluster with all its containers; its data stays')
    .addOption(dataDirOption())
    .option('--delete', 'delete the data too')
    .action((o: { dataDir: string; delete?: boolean }) => down(machine, { dataDir: o.dataDir, isDelete: o.delete ?? false }))
}

function addToken(program: Command, machine: Machine): void {
  const token = program.command('token').description('let more machines join')
  token
    .command('create')
    .description('make a token and print the command that joins an agent with it')
    .addOption(dataDirOption())
    .option('--server', 'for one more server in place of an agent; the store must be an etcd')
    .option('--ttl <duration>', 'how long it is valid (default: 24h, for a server 1h)', durationMs)
    .option('-q, --quiet', 'print the token only')
    .action(async (o: { dataDir: string; server?: boolean; ttl?: number; quiet?: boolean }) => {
      const client = clientOf(o.dataDir)
      const server = await joinUrl(o.dataDir, client)
      const ttlMs = o.ttl ?? (o.server ? 3600_000 : 24 * 3600_000)
      await (o.server ? createServerToken : createToken)(
        { ...machine, client },
        { ttlSeconds: ttlMs / 1000, server, caHash: await machine.caHash(o.dataDir), quiet: o.quiet ?? false },
      )
    })
}

function addKeys(program: Command, machine: Machine): void {
  const keys = program.command('keys').description("the cluster's keys of encryption at rest and of service accounts' tokens")
  keys
    .command('rotate')
    .description('make a new key, which all servers of the running cluster use from now on')
    .argument('<which>', 'encryption or service-accounts')
    .addOption(dataDirOption())
    .option('--drop-old', 'service-accounts only: forget the old keys; tokens that they signed are refused from now on')
    .action((which: string, o: { dataDir: string; dropOld?: boolean }) => rotateKeys(keyContext(machine, o.dataDir), { which, ...o }))
  keys
    .command('status')
    .description('say which keys there are')
    .addOption(dataDirOption())
    .action((o: { dataDir: string }) => keysStatus(keyContext(machine, o.dataDir)))
}

const keyContext = (machine: Machine, dataDir: string) => ({ ...machine, client: () => clientOf(dataDir) })

function addBackup(program: Command, machine: Machine): void {
  const common = (command: Command) =>
    command
      .argument('<file>', 'the backup')
      .addOption(dataDirOption())
      .option('--passphrase-file <file>', 'the passphrase of the backup, in its first line; or in the environment as KEELSON_PASSPHRASE')
  common(program.command('backup').description("write the objects and the cluster's keys into one file, while everything runs on"))
    .option('--store <url>', 'the etcd, where the data directory does not remember it')
    .action((file: string, o: { dataDir: string; store?: string; passphraseFile?: string }) => backup(machine, file, o))
  common(program.command('restore').description('bring a backup back, here or on another machine'))
    .option('--store <url>', 'an etcd to restore into (default: SQLite in the data directory)')
    .option('--force', 'replace the cluster that is there')
    .action((file: string, o: { dataDir: string; store?: string; passphraseFile?: string; force?: boolean }) => restore(machine, file, o))
}

type ClientOptions = { kubeconfig?: string; context?: string; namespace?: string; dataDir: string }

function clientOptions(command: Command): Command {
  return command
    .option('-n, --namespace <name>', 'the namespace (default: that of the kubeconfig context)')
    .option('--kubeconfig <file>', 'the kubeconfig to use')
    .option('--context <name>', 'the context to use')
}

/** The user's kubeconfig as kubectl finds it. */
function connect(o: ClientOptions): { client: ReturnType<typeof clientFromKubeconfig>['client']; namespace: string } {
  try {
    const paths = kubeconfigPaths(o.kubeconfig)
    const { client, namespace } = clientFromKubeconfig({ paths, ...(o.context ? { context: o.context } : {}) })
    return { client, namespace: o.namespace ?? namespace ?? 'default' }
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error
    const nextStep = `\`keelson up\` brings up a cluster and writes its context; --kubeconfig names another file`
    throw new CliError(error.message, { nextStep, cause: error })
  }
}

function addRunActions(program: Command, machine: Machine): void {
  const texts: Record<RunVerb, string> = {
    start: 'start a stopped pod or workload again, where it was',
    stop: 'end the containers of a pod or workload and keep its place, address and volumes',
    restart: 'restart a pod in its place, or roll a workload',
    pause: 'freeze the containers of a pod or workload',
    resume: 'let a paused pod or workload go on',
  }
  for (const verb of Object.keys(texts) as RunVerb[]) {
    const command = program.command(verb).description(texts[verb]).argument('<target>', 'pod/NAME, deployment/NAME or a bare name')
    if (verb === 'stop' || verb === 'restart')
      command.option('--grace-period <seconds>', 'how long the containers may take to end', nonNegativeInteger)
    clientOptions(command).action((text: string, o: ClientOptions & { gracePeriod?: number }) => {
      // Misuse is told before anything is asked of a cluster.
      const target = parseTarget(text)
      return runAction({ ...connect(o), console: machine.console }, verb, {
        target,
        ...(o.gracePeriod === undefined ? {} : { gracePeriodSeconds: o.gracePeriod }),
      })
    })
  }
}

const podHelp = 'pod/NAME or NAME; or one of the pods of deployment/NAME and other workloads'

function addExplain(program: Command, machine: Machine): void {
  clientOptions(program.command('explain').description('say why a pod is where it is, or why it is nowhere').argument('<pod>', podHelp))
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action((text: string, o: ClientOptions & { output: 'text' | 'json' }) => {
      const pod = parsePodTarget(text)
      return explain({ ...connect(o), console: machine.console }, { pod, output: o.output })
    })
}

type PlanFlags = {
  filename: string[]
  nodesAdd: string[]
  drain: string[]
  without: string[]
  rebalance?: boolean
  output: 'text' | 'json'
}
type SchedulerOptions = { schedulerConfig?: string; schedulerPlugin?: string[]; rebalanceConfig?: string }

/** Whose filters and scores a plan takes. */
function schedulerOptions(command: Command): Command {
  return command
    .option('--scheduler-config <file>', 'the KubeSchedulerConfiguration of the cluster (default: the default profile alone)')
    .option('--scheduler-plugin <file...>', 'TypeScript modules that export scheduler plugins')
}

const placementFiles = ({ schedulerConfig, schedulerPlugin, rebalanceConfig }: SchedulerOptions): PlacementFiles => ({
  scheduler: { configFile: schedulerConfig, pluginFiles: schedulerPlugin ?? [] },
  rebalanceConfig,
})

function addPlan(program: Command, machine: Machine): void {
  const several = (value: string, before: readonly string[]) => [...before, value]
  const names = (value: string, before: readonly string[]) => [...before, ...value.split(',').map((name) => name.trim())]
  schedulerOptions(
    clientOptions(program.command('plan').description('tell where manifests would land, what they would push out and what would not fit')),
  )
    .option('-f, --filename <file>', 'manifests, - for standard input; may be given several times', several, [])
    .option('--nodes-add <count[:key=value,…]>', 'as if there were more nodes, like 2:like=node-1,cpu=8', several, [])
    .option('--drain <node,…>', 'as if the nodes were drained; may be given several times', names, [])
    .option('--without <node,…>', 'as if the nodes were gone; may be given several times', names, [])
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .option('--rebalance', 'tell too which pods the rebalancer would move then')
    .addOption(new Option('--rebalance-config <file>', 'the same by this RebalancerConfiguration').implies({ rebalance: true }))
    .action((o: ClientOptions & SchedulerOptions & PlanFlags) =>
      plan(machine, () => connect(o), {
        ...{ files: o.filename, nodesAdd: o.nodesAdd, drained: o.drain, without: o.without, output: o.output },
        rebalances: o.rebalance === true,
        ...placementFiles(o),
      }),
    )
}

function addRebalance(program: Command, machine: Machine): void {
  const several = (value: string, before: readonly string[]) => [...before, value]
  type Options = { strategy: string[]; movesMax?: string; gainMin?: string; execute?: boolean; output: 'text' | 'json' }
  schedulerOptions(
    clientOptions(program.command('rebalance').description('tell which pods should move to other nodes, why, and what that gains')),
  )
    .option('--dry-run', 'only tell; so it is without --execute')
    .addOption(new Option('--execute', 'evict the pods that should move').conflicts('dryRun'))
    .option('--strategy <name>', 'Violations, Duplicates or LowNodeUtilization; may be given several times', several, [])
    .option('--rebalance-config <file>', 'a RebalancerConfiguration; the other flags go before what it says')
    .option('--moves-max <count>', 'moves in one run (20)')
    .option('--gain-min <percent>', 'what a move must gain (10)')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action((o: ClientOptions & SchedulerOptions & Options) =>
      rebalance(machine, connect(o).client, {
        isExecuted: o.execute === true,
        strategies: o.strategy,
        movesMax: o.movesMax === undefined ? undefined : Number(o.movesMax),
        gainMin: o.gainMin === undefined ? undefined : Number(o.gainMin),
        ...placementFiles(o),
        output: o.output,
      }),
    )
}

function addSimulate(program: Command, machine: Machine): void {
  program
    .command('simulate')
    .description('play a scenario through in a simulated cluster and report use, waiting, evictions and cost')
    .requiredOption('-f, --filename <file>', 'the scenario, - for standard input')
    .option('--seed <number>', 'in place of the seed of the scenario', nonNegativeInteger)
    .addOption(new Option('-o, --output <format>', 'output format; json holds the samples too').choices(['text', 'json']).default('text'))
    .action(async (o: { filename: string; seed?: number; output: 'text' | 'json' }) => {
      const scenario = { file: o.filename, yaml: readInput(o.filename), seed: o.seed }
      const { text, document } = await machine.simulate(scenario)
      machine.console.out(o.output === 'text' ? text : JSON.stringify(document, null, 2))
    })
}

function addLogs(program: Command, { console }: Machine): void {
  clientOptions(program.command('logs').description("print a pod's log").argument('<pod>', podHelp))
    .option('-c, --container <name>', 'which container')
    .option('-f, --follow', 'go on printing')
    .option('-p, --previous', 'the log of the run before')
    .option('--timestamps', 'with the time of each line')
    .option('--tail <lines>', 'only the last lines', nonNegativeInteger)
    .option('--since <duration>', 'only what is younger', durationMs)
    .action((text: string, o: ClientOptions & LogFlags) => {
      const pod = parsePodTarget(text)
      const { container, follow, previous, timestamps, tail: tailLines, since } = o
      const chosen = {
        container,
        follow,
        previous,
        timestamps,
        tailLines,
        sinceSeconds: since === undefined ? undefined : Math.ceil(since / 1000),
      }
      const options = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined))
      return logs({ ...connect(o), console, write: (chunk) => void process.stdout.write(chunk) }, { pod, ...options })
    })
}

type LogFlags = { container?: string; follow?: boolean; previous?: boolean; timestamps?: boolean; tail?: number; since?: number }

function dataDirOption(): Option {
  return new Option('--data-dir <dir>', 'where the cluster keeps its data').argParser(resolveDataDir).default(defaultDataDir())
}

function versionText(): string {
  return `keelson ${keelsonVersion}\nkubernetes API ${kubernetesVersion}`
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}

function nonNegativeInteger(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function durationMs(text: string): number {
  try {
    return parseDurationSeconds(text) * 1000
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

/** `HOST:PORT`, `:PORT` or `HOST` → `HOST:PORT`. */
function normalizeListen(text: string): string {
  const m = /^(\[[0-9a-fA-F:]+\]|[^:\s]*)(?::(\d{1,5}))?$/.exec(text)
  if (!m || Number(m[2] ?? 1) > 65_535)
    throw new CliError(`"${text}" is not HOST:PORT`, { nextStep: `write it like 127.0.0.1:${defaultPort}`, exitCode: 2 })
  return `${m[1] || '0.0.0.0'}:${m[2] ?? defaultPort}`
}
