import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultDataDir } from '../../src/cli/data-dir.ts'
import type { OciImage } from '../../src/node/containerd/oci-image.ts'
import { writeRegistryHosts } from '../../src/node/containerd/registry-hosts.ts'
import { startRegistry, type TestRegistry } from './registry.ts'

/** The name that the examples' manifests use; a `hosts.toml` says where it really is. */
export const registryName = 'registry.keelson.test'

export type ServeOptions = { readonly listen: string; readonly port: number; readonly dataDir: string }

/** Serves images from a registry on this machine and tells the cluster of `dataDir` where to find them. */
export async function serveImages(
  options: ServeOptions,
  images: readonly { readonly repository: string; readonly tag: string; readonly image: OciImage }[],
): Promise<TestRegistry> {
  const registry = await startRegistry({ listen: options.listen, port: options.port })
  for (const { repository, tag, image } of images) registry.add(repository, tag, image)
  writeRegistryHosts(join(options.dataDir, 'registries.d'), registryName, registry.url)
  return registry
}

/** What `npm run …:images -- [--listen ADDRESS] [--port N] [--data-dir DIR]` runs: it serves until it is interrupted. */
export async function serveFromCommandLine(serve: (options: ServeOptions) => Promise<TestRegistry>): Promise<void> {
  const { values } = parseArgs({
    options: {
      listen: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'data-dir': { type: 'string', default: defaultDataDir() },
    },
  })
  const registry = await serve({ listen: values.listen, port: Number(values.port), dataDir: values['data-dir'] })
  console.log(`${registryName} is served at ${registry.url}`)
}
