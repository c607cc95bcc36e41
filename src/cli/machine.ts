import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import type { Console } from './console.ts'

/**
 * What the command line needs of the machine beyond the API: given by the composition root, because the command line itself is
 * a client only.
 */
export type Machine = {
  readonly clock: Clock
  readonly random: Random
  readonly console: Console
  /** The command that runs this program again: Node, its flags and the entry file. */
  readonly self: readonly string[]
  /** What `keelson ROLE --help` prints of a role that runs in the foreground. */
  roleHelp(role: ForegroundRole): Promise<string>
  /** Makes network namespaces for real nodes on this one machine; what is there already is kept. */
  createNodes(dataDir: string, names: readonly string[], network: NetworkChoice): Promise<readonly NodePlace[]>
  /** The hash that agents check the server's CA by. */
  caHash(dataDir: string): Promise<string>
  /** Plays placements through on what the cluster is now; `document` is the whole of it, `text` for people. */
  planPlacement(client: Client, request: PlacementRequest): Promise<{ readonly text: string; readonly document: object }>
  /** Which pods should move; `isExecuted`: evicts them. Throws CliError. */
  rebalance(client: Client, request: RebalanceRequest): Promise<{ readonly text: string; readonly document: object }>
  /** Plays a scenario (its YAML) through in a cluster of its own; `document` is the whole report, `text` for people. Throws CliError. */
  simulate(scenario: {
    readonly file: string
    readonly yaml: string
    readonly seed: number | undefined
  }): Promise<{ readonly text: string; readonly document: object }>
  /** Copies a cluster's objects from one store into another. Throws CliError. */
  migrate(options: { from: string; to: string }): Promise<{ readonly entries: number; readonly revision: number }>
  /** Everything that it takes to bring the cluster back, in one file. Throws CliError, StatusError. */
  backup(options: BackupRequest & { readonly client: () => Client }): Promise<{ readonly entries: number; readonly bytes: number }>
  /** Throws CliError; what was there is then as it was. */
  restore(options: BackupRequest & { readonly force: boolean }): Promise<{ readonly entries: number; readonly revision: number }>
  /** Ends every container of the data directory's nodes and takes all their network, mounts and cgroups away. Idempotent. */
  teardown(options: { dataDir: string; nodeNames: readonly string[] }): Promise<void>
}

/** The roles that the program's entry runs by itself. */
export const foregroundRoles = ['server', 'agent', 'scheduler'] as const
export type ForegroundRole = (typeof foregroundRoles)[number]

/** The addresses of a cluster, as far as they are chosen: when it is made, and never again. */
export type NetworkChoice = { readonly podCidr?: string; readonly serviceCidr?: string; readonly domain?: string }

export type BackupRequest = {
  readonly file: string
  readonly dataDir: string
  /** An etcd; absent: what the data directory remembers, for a restore SQLite. */
  readonly store: string | undefined
  readonly passphrase: string | undefined
}

/** Of the scheduler and the rebalancer whose decisions are played through. */
export type PlacementFiles = {
  readonly scheduler: { readonly configFile: string | undefined; readonly pluginFiles: readonly string[] }
  readonly rebalanceConfig: string | undefined
}

export type RebalanceRequest = PlacementFiles & {
  readonly isExecuted: boolean
  /** Empty: those of the configuration. */
  readonly strategies: readonly string[]
  readonly movesMax: number | undefined
  /** Percent. */
  readonly gainMin: number | undefined
}

export type PlacementRequest = PlacementFiles & {
  readonly manifests: readonly { readonly file: string; readonly text: string }[]
  /** Of objects that name none. */
  readonly namespace: string
  /** As given to `--nodes-add`. */
  readonly nodesAdd: readonly string[]
  readonly drained: readonly string[]
  readonly without: readonly string[]
  /** Whether to tell what the rebalancer would move after it. */
  readonly rebalances: boolean
}

/** Where one of several nodes on a machine lives. */
export type NodePlace = {
  readonly nodeName: string
  readonly address: string
  /** The machine's own address as the node sees it. */
  readonly gateway: string
  /** What to put before a command so that it runs in the node's network namespace. */
  readonly enter: readonly string[]
}
