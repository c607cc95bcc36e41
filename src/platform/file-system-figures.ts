import { readFileSync, statfsSync, statSync } from 'node:fs'

export type FileSystemFigures = {
  /** `/dev/vda1`, or `major:minor` of what is no block device. */
  readonly device: string
  readonly capacityBytes: number
  /** To who has no special rights. */
  readonly availableBytes: number
  readonly usedBytes: number
  readonly inodes: number
  readonly inodesFree: number
}

/** The file system that `path` lies on; undefined when it cannot be asked. */
export function fileSystemFigures(path: string): FileSystemFigures | undefined {
  try {
    const { bsize, blocks, bavail, bfree, files, ffree } = statfsSync(path)
    const { dev } = statSync(path)
    return {
      device: blockDeviceName(`${majorOf(dev)}:${minorOf(dev)}`),
      capacityBytes: bsize * blocks,
      availableBytes: bsize * bavail,
      usedBytes: bsize * (blocks - bfree),
      inodes: files,
      inodesFree: ffree,
    }
  } catch {
    return undefined
  }
}

/** The name of a block device of `major:minor`; that itself when there is none. */
export function blockDeviceName(device: string): string {
  try {
    const name = /^DEVNAME=(.+)$/m.exec(readFileSync(`/sys/dev/block/${device}/uevent`, 'utf8'))?.[1]
    return name === undefined ? device : `/dev/${name}`
  } catch {
    return device
  }
}

/** The C library's split of a device number, for those below 2³². */
const majorOf = (dev: number) => (dev >>> 8) & 0xfff
const minorOf = (dev: number) => (dev & 0xff) | ((dev >>> 12) & 0xfff00)
