// Builds the shop's image from Debian packages, Node and the services beside this file, and serves it from a registry on this machine:
//   npm run shop:images -- [--listen 127.0.0.1] [--port 0] [--data-dir DIR]
// It runs until it is interrupted; what has been pulled by then stays on the nodes.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OciImage } from '../../src/node/containerd/oci-image.ts'
import { nodeImage } from '../../scripts/images/node.ts'
import type { TestRegistry } from '../../scripts/images/registry.ts'
import { serveFromCommandLine, serveImages, type ServeOptions } from '../../scripts/images/serve-images.ts'

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
export function serveShop(options: ServeOptions): Promise<TestRegistry> {
  return serveImages(
    options,
    ['1', '2'].map((version) => ({ repository: 'shop', tag: version, image: shopImage(version) })),
  )
}

if (import.meta.main) await serveFromCommandLine(serveShop)
