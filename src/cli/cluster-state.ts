import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from './cli-error.ts'

/** What `up` remembers about the cluster of a data directory, for `status`, `down` and the next `up`. */
export type ClusterState = {
  readonly version: 1
  readonly runtime: RuntimeName
  readonly nodes: number
  readonly listen: string
  readonly store?: string | undefined
  /** What the server and the nodes are started with besides; absent in what an older version wrote. */
  readonly flags?: UpFlags
  readonly server: Daemon
  readonly agents: readonly (Daemon & { readonly nodeName: string })[]
}

/** Arguments in pairs: `--name`, value. */
export type UpFlags = { readonly server: readonly string[]; readonly node: readonly string[] }

export type RuntimeName = 'containerd' | 'fake'

/** A background process; `startTicks` (field 22 of /proc/PID/stat) tells it from a later process with the same id. */
export type Daemon = {
  readonly pid: number
  readonly startTicks: string
  readonly logFile: string
  /** Where in the log its own lines begin, in bytes; absent in what an older version wrote. */
  readonly logStart?: number
}

const stateFile = (dataDir: string) => join(dataDir, 'cluster.json')

export function readClusterState(dataDir: string): ClusterState | undefined {
  let text: string
  try {
    text = readFileSync(stateFile(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CliError(`cannot read ${stateFile(dataDir)}`, { nextStep: (error as Error).message, cause: error })
  }
  try {
    return JSON.parse(text) as ClusterState
  } catch (error) {
    throw new CliError(`${stateFile(dataDir)} is not valid JSON`, {
      nextStep: 'remove that file; the cluster itself is untouched by it',
      cause: error,
    })
  }
}

export function writeClusterState(dataDir: string, state: ClusterState): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const staging = `${stateFile(dataDir)}.new`
  writeFileSync(staging, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(staging, stateFile(dataDir))
}
