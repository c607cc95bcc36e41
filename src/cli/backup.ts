import { readFileSync } from 'node:fs'
import { fileFault } from '../platform/file-fault.ts'
import { CliError } from './cli-error.ts'
import { defaultDataDir } from './data-dir.ts'
import type { Machine } from './machine.ts'
import { clientOf } from './own-cluster.ts'

type BackupFlags = { readonly dataDir: string; readonly store?: string; readonly passphraseFile?: string }

/** `keelson backup FILE`: the objects as of one revision and the cluster's keys, while everything runs on. */
export async function backup(machine: Machine, file: string, flags: BackupFlags): Promise<void> {
  const { dataDir, store } = flags
  const passphrase = passphraseOf(flags)
  const { entries, bytes } = await machine.backup({ file, dataDir, store, passphrase, client: () => clientOf(dataDir) })
  machine.console.say(`${entries} objects and the cluster's keys are in ${file} (${Math.ceil(bytes / 1024)} KiB)`)
  if (passphrase === undefined)
    machine.console.say('the file opens the whole cluster to whoever reads it: keep it as you keep the keys, or give --passphrase-file')
}

/** `keelson restore FILE`: brings a backup back into a data directory, or into an etcd. */
export async function restore(machine: Machine, file: string, flags: BackupFlags & { readonly force?: boolean }): Promise<void> {
  const { dataDir, store, force = false } = flags
  const { entries, revision } = await machine.restore({ file, dataDir, store, passphrase: passphraseOf(flags), force })
  machine.console.say(`${entries} objects are restored; the store goes on at resource version ${revision}`)
  machine.console.say(`next: \`keelson up${dataDir === defaultDataDir() ? '' : ` --data-dir ${dataDir}`}\``)
}

/** The file's first line, or the environment's KEELSON_PASSPHRASE. A command line can be read by every user of the machine. */
function passphraseOf({ passphraseFile }: BackupFlags): string | undefined {
  const text = passphraseFile === undefined ? process.env.KEELSON_PASSPHRASE : firstLine(passphraseFile)
  if (text === '') throw new CliError('the passphrase is empty', { nextStep: 'write it into the first line of the file', exitCode: 2 })
  return text
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]!
  } catch (error) {
    throw new CliError(`cannot read ${file}`, { nextStep: fileFault(error), exitCode: 2, cause: error })
  }
}
