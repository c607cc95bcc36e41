import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, statfsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { CliError } from './cli-error.ts'

/** $KEELSON_DATA_DIR; or /var/lib/keelson for root, else $XDG_STATE_HOME/keelson or ~/.local/state/keelson. */
export function defaultDataDir(env: NodeJS.ProcessEnv = process.env, uid = process.getuid?.() ?? 0): string {
  if (env.KEELSON_DATA_DIR) return resolveDataDir(env.KEELSON_DATA_DIR)
  if (uid === 0) return resolveDataDir('/var/lib/keelson')
  return resolveDataDir(join(env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'keelson'))
}

/**
 * The absolute path without links, of a directory that need not be there yet. The kernel tells mounts by such paths only: below a link
 * no mount would be found, and what is mounted there would be deleted with the cluster.
 */
export function resolveDataDir(path: string): string {
  // It would be the present folder, which an empty variable does not mean.
  if (path === '')
    throw new CliError('the data directory has an empty name', { nextStep: 'name one, or leave --data-dir out', exitCode: 2 })
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return absolute
  }
  const target = danglingTarget(absolute)
  return target ? resolveDataDir(target) : join(resolveDataDir(dirname(absolute)), basename(absolute))
}

/** Names what was in the directory before the cluster, and stays when that is deleted. */
const foreignFile = 'not-ours.json'
/** What a cluster, or one that is restored or joins, has in its data directory from its first moments on. */
const marks = [foreignFile, 'pki', 'store', 'admin.kubeconfig', 'cluster.json', 'command.lock', 'restoring', 'joining']
/** Where registries are is said before the cluster is made, and belongs to it. */
const comesBefore = 'registries.d'

/** Notes what lies in the directory that is no cluster's yet: `down --delete` leaves it alone. */
export function noteForeignEntries(dataDir: string): void {
  const found = existsSync(dataDir) ? readdirSync(dataDir) : []
  if (marks.some((mark) => found.includes(mark))) return
  const foreign = found.filter((entry) => entry !== comesBefore)
  if (foreign.length > 0) writeFileSync(join(dataDir, foreignFile), JSON.stringify(foreign))
}

/** The names of what was in the directory before the cluster. */
export function foreignEntries(dataDir: string): readonly string[] {
  const file = join(dataDir, foreignFile)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : []
}

function danglingTarget(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path))
  } catch {
    return undefined
  }
}

/** Of /proc, as `man 2 statfs` numbers it. */
const procFileSystem = 0x9fa0

/** Makes the directory, and what is above it, where it is not there; its owner alone may read it. Throws CliError where that cannot be. */
export function makeDataDir(dataDir: string): void {
  try {
    // There Node's `recursive` would try for ever: to make a directory is answered with ENOENT, as if the one above it were missing.
    if (statfsSync(nearestThere(resolve(dataDir))).type === procFileSystem)
      throw new Error('/proc keeps no files; choose another directory')
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CliError(`cannot write into ${dataDir}`, { nextStep: (error as Error).message, cause: error })
  }
}

function nearestThere(path: string): string {
  return existsSync(path) ? path : nearestThere(dirname(path))
}
