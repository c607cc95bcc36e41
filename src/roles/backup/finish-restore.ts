/** The end of a restore: exchanging the folders of a data directory, which whoever looks at it next brings to its end. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../../cli/cli-error.ts'
import { writeSecretFile } from '../../platform/pki/cluster-pki.ts'
import { readTextFile } from '../../platform/text-file.ts'
import { serverFile, serverFileText } from '../server-bundle.ts'

/** Where a restore makes all ready. */
export const stagingOf = (dataDir: string) => join(dataDir, 'restoring')
const markOf = (dataDir: string) => join(dataDir, 'restore.json')
/** What is exchanged as a whole. */
export const folders = ['pki', 'store'] as const

/** From here on the restore has happened. `store`: the URL of the etcd that it went to. */
export function markRestored(dataDir: string, store: string | undefined): void {
  writeSecretFile(markOf(dataDir), `${JSON.stringify({ version: 1, store })}\n`)
  syncFolder(dataDir)
}

/**
 * Ends a restore that was cut short after it had happened; nothing otherwise. Throws CliError when one was cut short before that, and
 * there is no cluster from before to go on with.
 */
export function finishRestore(dataDir: string, options: { readonly demandsCluster?: boolean } = {}): void {
  const staging = stagingOf(dataDir)
  if (!existsSync(markOf(dataDir))) {
    if (options.demandsCluster && existsSync(staging) && !existsSync(join(dataDir, 'pki/ca.key')))
      throw new CliError(`a restore into ${dataDir} was cut short`, {
        nextStep: `run \`keelson restore\` again, or remove ${staging} to begin with an empty cluster`,
      })
    return
  }
  const { store } = JSON.parse(readTextFile(markOf(dataDir)) ?? '{}') as { store?: string }
  if (existsSync(staging)) {
    for (const folder of folders) exchange(dataDir, staging, folder)
    // What belongs to the cluster from before.
    for (const name of ['admin.kubeconfig', 'server.json', 'cluster.json']) rmSync(join(dataDir, name), { force: true })
  }
  if (store !== undefined) writeSecretFile(serverFile(dataDir), serverFileText(store))
  syncFolder(dataDir)
  rmSync(staging, { recursive: true, force: true })
  rmSync(markOf(dataDir))
}

/** The new folder in the place of the old one, which goes to the staging folder; may be done again at any point. */
function exchange(dataDir: string, staging: string, folder: string): void {
  const [present, old, fresh] = [join(dataDir, folder), join(staging, `old-${folder}`), join(staging, folder)]
  if (!existsSync(fresh)) return
  if (existsSync(present) && !existsSync(old)) renameSync(present, old)
  renameSync(fresh, present)
}

export function syncFolder(dir: string): void {
  const folder = openSync(dir, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
