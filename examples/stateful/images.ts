// Builds the store image from Debian packages, Node and the program beside this file, and serves it from a registry on this machine:
//   npm run store:images -- [--listen 127.0.0.1] [--port 0] [--data-dir DIR]
// It runs until it is interrupted; what has been pulled by then stays on the nodes.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nodeImage } from '../../scripts/images/node.ts'
import type { TestRegistry } from '../../scripts/images/registry.ts'
import { serveFromCommandLine, serveImages, type ServeOptions } from '../../scripts/images/serve-images.ts'

/** Serves the image and tells the cluster of `dataDir` where to find it. */
export function serveStore(options: ServeOptions): Promise<TestRegistry> {
  const content = readFileSync(fileURLToPath(new URL('./service/store.ts', import.meta.url)))
  const folders = ['app', 'data'].map((path) => ({ type: 'directory' as const, path, mode: 0o777 }))
  const files = [...folders, { type: 'file' as const, path: 'app/store.ts', mode: 0o644, content }]
  return serveImages(options, [{ repository: 'store', tag: '1', image: nodeImage({ files, cmd: ['/app/store.ts'] }) }])
}

if (import.meta.main) await serveFromCommandLine(serveStore)
