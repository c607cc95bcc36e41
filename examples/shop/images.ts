// Builds the shop's image from Debian packages, Node and the services beside this file, and serves it from a registry on this machine:
//   npm run shop:images -- [--listen 127.0.0.1] [--port 0] [--data-dir /var/lib/keelson]
// It runs until it is interrupted; what has been pulled by then stays on the nodes.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { defaultDataDir } from '../../src/cli/cluster-state.ts'
import type { OciImage } from '../../src/node/containerd/oci-image.ts'
import { writeRegistryHosts } from '../../src/node/containerd/registry-hosts.ts'
import { nodeImage } from '../../scripts/images/node.ts'
import { startRegistry, type TestRegistry } from '../../scripts/images/registry.ts'

/** The name that the manifests use; a `hosts.toml` says where it really is. */
export const registryName = 'registry.keelson.test'

/** One image holds all three services; the version is what they report about themselves. */
export function shopImage(version: string): OciImage {
  const folder = fileURLToPath(new URL('./services', import.meta.url))
  const files = readdirSync(folder).map((name) => ({
    type: 'file' as const,
    path: `shop/${name}`,
    mode: 0o644,
    content: readFileSync(join(folder, name)),
  }))
  return nodeImage({
    files: [{ type: 'directory', path: 'shop', mode: 0o755 }, { type: 'directory', path: 'data', mode: 0o777 }, ...files],
    cmd: ['/shop/front.ts'],
    env: [`SHOP_VERSION=${version}`],
  })
}

/** Serves versions 1 and 2 and tells the cluster of `dataDir` where to find them. */
export async function serveShop(options: { listen: string; port: number; dataDir: string }): Promise<TestRegistry> {
  const registry = await startRegistry({ listen: options.listen, port: options.port })
  for (const version of ['1', '2']) registry.add('shop', version, shopImage(version))
  writeRegistryHosts(join(options.dataDir, 'registries.d'), registryName, registry.url)
  return registry
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      listen: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'data-dir': { type: 'string', default: defaultDataDir() },
    },
  })
  const registry = await serveShop({ listen: values.listen, port: Number(values.port), dataDir: values['data-dir'] })
  console.log(`${registryName} is served at ${registry.url}`)
}
