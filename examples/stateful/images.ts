// Builds the store image from Debian packages, Node and the service beside this file, and serves it from a registry on this machine:
//   node examples/stateful/images.ts [--listen 127.0.0.1] [--port 0] [--data-dir /var/lib/keelson]
// It runs until it is interrupted; what has been pulled by then stays on the nodes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nodeImage } from '../../scripts/images/node.ts'
import { startRegistry, type TestRegistry } from '../../scripts/images/registry.ts'
import { writeRegistryHosts } from '../../src/node/containerd/registry-hosts.ts'

/** The name that the manifests use; a `hosts.toml` says where it really is. */
const registryName = 'registry.keelson.test'

/** Serves the image and tells the cluster of `dataDir` where to find it. */
export async function serveStore(options: { listen: string; port: number; dataDir: string }): Promise<TestRegistry> {
  const registry = await startRegistry({ listen: options.listen, port: options.port })
  const content = readFileSync(fileURLToPath(new URL('./service/store.ts', import.meta.url)))
  const folders = ['app', 'data'].map((path) => ({ type: 'directory' as const, path, mode: 0o777 }))
  const files = [...folders, { type: 'file' as const, path: 'app/store.ts', mode: 0o644, content }]
  registry.add('store', '1', nodeImage({ files, cmd: ['/app/store.ts'] }))
  writeRegistryHosts(join(options.dataDir, 'registries.d'), registryName, registry.url)
  return registry
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      listen: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'data-dir': { type: 'string', default: '/var/lib/keelson' },
    },
  })
  const registry = await serveStore({ listen: values.listen, port: Number(values.port), dataDir: values['data-dir'] })
  console.log(`${registryName} is served at ${registry.url}`)
}
