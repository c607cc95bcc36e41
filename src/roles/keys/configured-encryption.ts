/** `--encryption-provider-config`: the file, its reloading, and what it takes to bring the store in line with it. */
import { readFileSync } from 'node:fs'
import type { ConfiguredSource } from '../../apiserver/encryption/config/configured-source.ts'
import { type EncryptionSource, reencrypt } from '../../apiserver/encryption/encryption.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { CliError } from '../../cli/cli-error.ts'
import { watchFile } from '../../platform/file-watch.ts'
import type { Store } from '../../store/contract.ts'
import type { AccessFlagValues } from '../options/access-options.ts'
import type { EncryptionFile } from '../server-store.ts'

const flag = 'encryption-provider-config'

/** Throws CliError (exit code 2). */
export function encryptionFileOf(flags: AccessFlagValues): EncryptionFile | undefined {
  const [path, reload] = [flags[flag], flags[`${flag}-automatic-reload`]]
  if (reload !== undefined && reload !== 'true' && reload !== 'false') throw unusable('it is true or false', `${flag}-automatic-reload`)
  if (typeof path === 'string') return { path, reloads: reload === 'true' }
  if (reload === 'true') throw unusable(`it needs --${flag}`, `${flag}-automatic-reload`)
  return undefined
}

function unusable(why: string, name = flag, cause?: unknown): CliError {
  return new CliError(`cannot use --${name}: ${why}`, { nextStep: 'docs/access.md tells what it takes', exitCode: 2, cause })
}

export type ConfiguredEncryption = {
  readonly source: ConfiguredSource
  /** Writes anew what another provider or key wrote than the first, now and after every change of the file. Ends with the signal. */
  rewrite(inner: Store, signal: AbortSignal): Promise<void>
  close(): void
}

type Parts = { readonly clock: Clock; readonly random: Random; readonly log: Log }

const retryMs = 10_000

/** Throws CliError (exit code 2) for a file that cannot be used. */
export async function openConfigured(
  { path, reloads }: EncryptionFile,
  builtIn: EncryptionSource,
  parts: Parts,
): Promise<ConfiguredEncryption> {
  const { clock, log } = parts
  const { openConfiguredSource } = await import('../../apiserver/encryption/config/configured-source.ts')
  const source = await (async () => openConfiguredSource(readFileSync(path, 'utf8'), builtIn, parts))().catch((error: unknown) => {
    throw unusable((error as Error).message, flag, error)
  })
  let changed = Promise.withResolvers<void>()
  /** One after another: the file may change while a key service is asked. */
  let loading: Promise<void> = Promise.resolve()
  const reload = async () => {
    try {
      await source.load(readFileSync(path, 'utf8'))
      log.info({ path }, 'the encryption configuration was read anew')
      changed.resolve()
    } catch (error) {
      log.error({ path, error: (error as Error).message }, 'the changed encryption configuration cannot be used; the one before stays')
    }
  }
  const stop = reloads
    ? watchFile(
        path,
        () => {
          loading = loading.then(reload)
        },
        parts,
      )
    : () => {}
  return {
    source,
    rewrite: async (inner, signal) => {
      const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      while (!signal.aborted) {
        const next = changed
        try {
          const values = await reencrypt(inner, source)
          if (values) log.info({ values }, 'what is encrypted at rest was written anew as the configuration says')
          if (values === undefined) continue
        } catch (error) {
          if (signal.aborted) return
          log.warn({ error: String(error) }, 'what is encrypted at rest cannot be written anew; trying again')
          await sleep(clock, retryMs, signal).catch(() => {})
          continue
        }
        await Promise.race([next.promise, ended])
        if (changed === next) changed = Promise.withResolvers<void>()
      }
    },
    close: () => {
      stop()
      source.close()
    },
  }
}
