import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { arch } from 'node:os'
import { dirname } from 'node:path'
import { type OciImage, ociImage } from '../../src/node/containerd/oci-image.ts'
import type { TarEntry } from '../../src/node/containerd/tar.ts'
import { busyboxFiles } from './busybox.ts'

/**
 * The Node that this runs on, with the shared libraries of this Debian that it needs, over busybox: enough for a service in
 * TypeScript. `files` is the application, the layer on top. Layers are not compressed: they go to a registry on this machine.
 */
export function nodeImage(options: {
  readonly files: readonly TarEntry[]
  readonly cmd: readonly string[]
  readonly env?: readonly string[]
  readonly user?: string
}): OciImage {
  return ociImage({
    architecture: arch() === 'arm64' ? 'arm64' : 'amd64',
    layers: [nodeLayer(), options.files],
    compression: 'none',
    config: {
      Entrypoint: ['/usr/bin/node'],
      Cmd: options.cmd,
      Env: ['PATH=/bin:/usr/bin', 'NODE_ENV=production', ...(options.env ?? [])],
      ...(options.user ? { User: options.user } : {}),
    },
  })
}

let layer: readonly TarEntry[] | undefined

/** Read once a run: it is the same for every image. */
function nodeLayer(): readonly TarEntry[] {
  layer ??= [
    ...busyboxFiles(),
    { type: 'file', path: 'usr/bin/node', mode: 0o755, content: readFileSync(realpathSync(process.execPath)) },
    ...librariesOf(process.execPath),
  ]
  return layer
}

/** Every library under the path that the loader looks for it at, its folders included. */
function librariesOf(program: string): TarEntry[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' })
  const paths = [...listed.matchAll(/(\/\S+)\s+\(0x/g)].map((match) => match[1]!)
  const folders = new Set(paths.flatMap((path) => ancestorsOf(path)))
  return [
    ...[...folders].sort().map((path): TarEntry => ({ type: 'directory', path: path.slice(1), mode: 0o755 })),
    ...paths.map((path): TarEntry => ({ type: 'file', path: path.slice(1), mode: 0o755, content: readFileSync(realpathSync(path)) })),
  ]
}

function ancestorsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' ? [] : [...ancestorsOf(parent), parent]
}
