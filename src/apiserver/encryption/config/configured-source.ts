import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { Random } from '../../../base/random.ts'
import { type EncryptionSource, startsWith, type ValueEncryption } from '../encryption.ts'
import type { HealthCheck } from '../../http/server-paths.ts'
import { type Provider, parseEncryptionConfiguration } from './configuration.ts'
import { configuredEncryption } from './configured-encryption.ts'
import type { KmsProvider } from './kms-provider.ts'
import { createProvider, type ValueProvider } from './providers.ts'

/** The encryption of the newest configuration that could be used, with the server's own keys behind it. */
export type ConfiguredSource = EncryptionSource & {
  /** Brings in another configuration, whole or not at all. Throws an Error that says what is wrong; the one before stays. */
  load(text: string): Promise<void>
  /** One for all key services, as upstream's. */
  readonly readyCheck: HealthCheck
  close(): void
}

type Parts = { readonly clock: Clock; readonly random: Random; readonly log: Log }

/** Throws an Error for a configuration that cannot be used. */
export async function openConfiguredSource(text: string, builtIn: EncryptionSource, parts: Parts): Promise<ConfiguredSource> {
  let services = new Map<string, KmsProvider>()
  let encryption: ValueEncryption | undefined
  const load = async (given: string) => {
    const configuration = parseEncryptionConfiguration(given)
    const fresh = await openServices(
      configuration.flatMap(({ providers }) => providers),
      parts,
    )
    const create = (provider: Provider): ValueProvider => (provider.type === 'kms' ? fresh.get(provider.name)! : createProvider(provider))
    encryption = configuredEncryption(configuration, { builtIn: () => builtIn.encryption, create })
    for (const service of services.values()) service.close()
    services = fresh
  }
  await load(text)
  return {
    get encryption() {
      return encryption!
    },
    get guard() {
      return builtIn.guard
    },
    refresh: async (stored) => {
      const service = stored && [...services.values()].find(({ mark }) => startsWith(stored, mark))
      await (service ? service.learn(stored) : builtIn.refresh(stored))
    },
    load,
    readyCheck: { name: 'kms-providers', isHealthy: () => [...services.values()].every((service) => service.isHealthy) },
    close: () => {
      for (const service of services.values()) service.close()
    },
  }
}

async function openServices(providers: readonly Provider[], parts: Parts): Promise<Map<string, KmsProvider>> {
  const opened = new Map<string, KmsProvider>()
  try {
    for (const provider of providers) {
      if (provider.type !== 'kms') continue
      const { openKmsProvider } = await import('./kms-provider.ts')
      opened.set(provider.name, await openKmsProvider(provider, parts))
    }
    return opened
  } catch (error) {
    for (const service of opened.values()) service.close()
    throw error
  }
}
