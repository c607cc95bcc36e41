import { readlinkSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

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
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return absolute
  }
  const target = danglingTarget(absolute)
  return target ? resolveDataDir(target) : join(resolveDataDir(dirname(absolute)), basename(absolute))
}

function danglingTarget(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path))
  } catch {
    return undefined
  }
}
