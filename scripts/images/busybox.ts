import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { arch } from 'node:os'
import { type OciImage, ociImage } from '../../src/node/containerd/oci-image.ts'
import type { TarEntry } from '../../src/node/containerd/tar.ts'

const directory = (path: string, mode = 0o755): TarEntry => ({ type: 'directory', path, mode })
const file = (path: string, content: string | Uint8Array, mode = 0o644): TarEntry => ({
  type: 'file',
  path,
  mode,
  content: typeof content === 'string' ? Buffer.from(content) : content,
})

/** The files of a small Linux: busybox with a link for each of its programs, users, and the folders that programs expect. */
export function busyboxFiles(): TarEntry[] {
  const path = ['/bin/busybox', '/usr/bin/busybox'].find((candidate) => existsSync(candidate))
  if (!path) throw new Error('busybox is missing: apt-get install busybox-static')
  const applets = execFileSync(path, ['--list'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((name) => name !== 'busybox')
  return [
    ...['bin', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'usr', 'usr/bin', 'var'].map((name) => directory(name)),
    directory('tmp', 0o1777),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'),
    file('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    file('bin/busybox', readFileSync(path), 0o755),
    ...applets.map((name): TarEntry => ({ type: 'symlink', path: `bin/${name}`, mode: 0o777, target: 'busybox' })),
  ]
}

/** Debian's busybox-static as an image of one layer (1 MB). */
export function busyboxImage(
  extra: {
    readonly files?: readonly TarEntry[]
    readonly entrypoint?: readonly string[]
    readonly cmd?: readonly string[]
    readonly user?: string
  } = {},
): OciImage {
  return ociImage({
    architecture: arch() === 'arm64' ? 'arm64' : 'amd64',
    layers: [busyboxFiles(), ...(extra.files ? [extra.files] : [])],
    config: {
      ...(extra.entrypoint ? { Entrypoint: extra.entrypoint } : {}),
      Cmd: extra.cmd ?? ['/bin/sh'],
      Env: ['PATH=/bin:/usr/bin'],
      ...(extra.user ? { User: extra.user } : {}),
    },
  })
}
