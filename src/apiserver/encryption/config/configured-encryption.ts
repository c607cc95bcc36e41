import type { StoreKey } from '../../../store/contract.ts'
import { configuredMark, startsWith, type ValueEncryption } from '../encryption.ts'
import { groupResourceOf, type Provider, type ResourceEncryption } from './configuration.ts'
import type { ValueProvider } from './providers.ts'

const builtInMark = Buffer.from('keelson:enc:')

/**
 * The encryption that a configuration asks for. Which providers a value has is said by the resource in its key: the rule that names the
 * resource, else the one for its group, else the one for everything. The first provider writes; the one reads whose mark a value begins
 * with. `builtIn` reads what the server's own keys wrote, so that a configuration can be brought in at any time, and goes on to write
 * what no rule is for.
 */
export function configuredEncryption(
  configuration: readonly ResourceEncryption[],
  { builtIn, create }: { readonly builtIn: () => ValueEncryption; readonly create: (provider: Provider) => ValueProvider },
): ValueEncryption {
  const rules = new Map<string, ValueProvider[]>()
  for (const { resources, providers } of configuration) {
    const made = providers.map(create)
    for (const name of resources)
      rules.set(ruleName(groupResourceOf(name)), [...(rules.get(ruleName(groupResourceOf(name))) ?? []), ...made])
  }
  const byFolder = new Map<string, readonly ValueProvider[] | undefined>()
  const providersOf = (key: StoreKey): readonly ValueProvider[] | undefined => {
    const folder = folderOf(key)
    if (folder === undefined) return undefined
    if (!byFolder.has(folder)) byFolder.set(folder, chosen(rules, folder))
    return byFolder.get(folder)
  }
  return {
    covers: (key) => providersOf(key) !== undefined || builtIn().covers(key),
    encrypt: (key, value) => (providersOf(key)?.[0] ?? builtIn()).encrypt(key, value),
    decrypt: (key, stored) => {
      const providers = providersOf(key)
      if (!providers || startsWith(stored, builtInMark)) return builtIn().decrypt(key, stored)
      const reader = readerOf(providers, stored)
      if (!reader) throw new Error(`the value of ${key} cannot be read: no matching prefix found`)
      return reader.decrypt(key, stored)
    },
    isStale: (key, stored) => {
      const providers = providersOf(key)
      if (!providers) return builtIn().isStale(key, stored)
      const writer = providers[0]!
      return readerOf(providers, stored) !== writer || writer.isStale(stored)
    },
  }
}

/** An encrypted value is read by the provider of its mark, before identity, which reads all that is plain. */
function readerOf(providers: readonly ValueProvider[], stored: Uint8Array): ValueProvider | undefined {
  const isMarked = startsWith(stored, configuredMark) || startsWith(stored, builtInMark)
  return providers.find(({ mark }) => (mark.byteLength === 0 ? !isMarked : startsWith(stored, mark)))
}

const ruleName = ({ group, resource }: { readonly group: string; readonly resource: string }) => `${resource}.${group}`

/** `GROUP/RESOURCE` of a key below /registry; undefined for what is no object. */
function folderOf(key: StoreKey): string | undefined {
  if (!key.startsWith('/registry/')) return undefined
  const resource = key.indexOf('/', 10)
  const end = key.indexOf('/', resource + 1)
  return resource < 0 || end < 0 ? undefined : key.slice(10, end)
}

function chosen(rules: ReadonlyMap<string, readonly ValueProvider[]>, folder: string): readonly ValueProvider[] | undefined {
  const [stored = '', resource = ''] = folder.split('/')
  const group = stored === 'core' ? '' : stored
  return rules.get(`${resource}.${group}`) ?? rules.get(`*.${group}`) ?? rules.get('*.*')
}
