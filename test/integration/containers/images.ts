import { arch } from 'node:os'
import { type OciImage, ociImage } from '../../../src/node/containerd/oci-image.ts'

/** Not to run, but to be looked into. */
export function twoLayers(): OciImage {
  const file = (path: string, content: string) => ({ type: 'file' as const, path, mode: 0o644, content: Buffer.from(content) })
  const directory = { type: 'directory' as const, path: 'dir', mode: 0o755 }
  return ociImage({
    architecture: arch() === 'arm64' ? 'arm64' : 'amd64',
    layers: [[directory, file('dir/text', 'first layer\n')], [file('dir/other', 'second layer\n')]],
    config: {},
  })
}
