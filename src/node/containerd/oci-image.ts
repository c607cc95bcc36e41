import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type TarEntry, tar } from './tar.ts'

export type ImageArchitecture = 'amd64' | 'arm64'

export type OciImageSpec = {
  readonly architecture: ImageArchitecture
  /** Bottom first. Each becomes one layer. */
  readonly layers: readonly (readonly TarEntry[])[]
  /** Default gzip. `none` for what never leaves the machine: big layers pack and unpack several times faster. */
  readonly compression?: 'gzip' | 'none'
  readonly config: {
    readonly Entrypoint?: readonly string[]
    readonly Cmd?: readonly string[]
    readonly Env?: readonly string[]
    readonly WorkingDir?: string
    readonly User?: string
    readonly StopSignal?: string
    readonly ExposedPorts?: Readonly<Record<string, object>>
    readonly Labels?: Readonly<Record<string, string>>
  }
}

export type Blob = { readonly mediaType: string; readonly digest: string; readonly content: Buffer }

/** An image as its content-addressed parts. Reproducible: the same spec gives the same digests on any machine. */
export type OciImage = { readonly manifest: Blob; readonly config: Blob; readonly layers: readonly Blob[] }

const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  gzipLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  plainLayer: 'application/vnd.oci.image.layer.v1.tar',
  index: 'application/vnd.oci.image.index.v1+json',
} as const

/** Builds the image. Source: the OCI image specification 1.0. */
export function ociImage(spec: OciImageSpec): OciImage {
  const archives = spec.layers.map((entries) => tar(entries))
  // The gzip header has no time and always the same system byte, so that layers are reproducible.
  const layers = archives.map((archive) => {
    if (spec.compression === 'none') return blob(mediaTypes.plainLayer, archive)
    const compressed = gzipSync(archive, { level: 6 })
    compressed[9] = 255
    return blob(mediaTypes.gzipLayer, compressed)
  })
  const config = jsonBlob(mediaTypes.config, {
    architecture: spec.architecture,
    os: 'linux',
    config: spec.config,
    rootfs: { type: 'layers', diff_ids: archives.map(digestOf) },
    history: archives.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'keelson' })),
  })
  const manifest = jsonBlob(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptor(config),
    layers: layers.map(descriptor),
  })
  return { manifest, config, layers }
}

/** One tar that `ctr images import` takes: an OCI image layout whose images get the given full names. */
export function ociLayoutTar(images: readonly { readonly name: string; readonly image: OciImage }[]): Buffer {
  const blobs = new Map<string, Buffer>()
  for (const { image } of images) {
    for (const { digest, content } of [image.manifest, image.config, ...image.layers]) blobs.set(digest, content)
  }
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.map(({ name, image }) => ({
      ...descriptor(image.manifest),
      annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1) },
    })),
  }
  const file = (path: string, content: Uint8Array): TarEntry => ({ type: 'file', path, mode: 0o644, content })
  return tar([
    file('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')),
    file('index.json', Buffer.from(JSON.stringify(index))),
    ...[...blobs].map(([digest, content]) => file(`blobs/${digest.replace(':', '/')}`, content)),
  ])
}

export function digestOf(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

function descriptor({ mediaType, digest, content }: Blob): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest, size: content.length }
}

function blob(mediaType: string, content: Buffer): Blob {
  return { mediaType, digest: digestOf(content), content }
}

function jsonBlob(mediaType: string, value: object): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)))
}
