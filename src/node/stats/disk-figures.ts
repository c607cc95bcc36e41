/**
 * What pods take of the disk. Counting files is work, so it is done when somebody asks, at most once a minute, and less often where it
 * takes long; who asks meanwhile gets the last count.
 */
import { realpathSync, statSync } from 'node:fs'
import { dirname, sep } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { diskUsage, inodeUsage } from '../../platform/disk-usage.ts'
import { fileSystemFigures } from '../../platform/file-system-figures.ts'

/** Where things of one pod lie. */
export type PodDiskPaths = {
  readonly volumes: readonly VolumePath[]
  /** By container. */
  readonly logs: ReadonlyMap<string, string>
}

export type VolumePath = {
  readonly name: string
  readonly path: string
  readonly claim: { readonly name: string; readonly namespace: string } | undefined
  /** On the node's own disk, and not kept beyond the pod. */
  readonly isEphemeral: boolean
}

export type FsUse = {
  readonly atMs: number
  readonly capacityBytes: number
  readonly availableBytes: number
  readonly usedBytes: number
  readonly inodes: number
  readonly inodesFree: number
  readonly inodesUsed: number
}

export type VolumeUse = Omit<VolumePath, 'path'> & { readonly use: FsUse }

export type PodDisk = { readonly volumes: readonly VolumeUse[]; readonly logs: ReadonlyMap<string, FsUse> }

export type DiskFiguresOptions = {
  readonly clock: Clock
  readonly pods: () => readonly Pod[]
  readonly paths: (pod: Pod) => Promise<PodDiskPaths>
  /** Below it everything is the node's own and may be counted; of what lies elsewhere only its whole file system is told. */
  readonly directories: readonly string[]
}

const periodMs = 60_000
/** Counting takes at most this part of the time. */
const shareMax = 1 / 20
const waitMs = 5_000

export class DiskFigures {
  readonly #options: DiskFiguresOptions
  #last: ReadonlyMap<string, PodDisk> = new Map()
  #nextMs = 0
  #counting: Promise<void> | undefined

  constructor(options: DiskFiguresOptions) {
    this.#options = options
  }

  /** By the pod's uid. A pod that has started since the last count is not in it. */
  async read(): Promise<ReadonlyMap<string, PodDisk>> {
    const { clock } = this.#options
    if (clock.monotonicMs() < this.#nextMs) return this.#last
    this.#counting ??= this.#count().finally(() => (this.#counting = undefined))
    let cancel = () => {}
    const patience = new Promise<void>((resolve) => (cancel = clock.schedule(waitMs, resolve)))
    await Promise.race([this.#counting, patience])
    cancel()
    return this.#last
  }

  async #count(): Promise<void> {
    const { clock, pods, paths } = this.#options
    const startedMs = clock.monotonicMs()
    try {
      const found = await Promise.all(pods().map(async (pod) => [pod.metadata.uid ?? '', await paths(pod)] as const))
      this.#last = await this.#measure(found)
    } catch {
      // What could not be counted keeps its last figures until the next time.
    }
    const endedMs = clock.monotonicMs()
    this.#nextMs = endedMs + Math.max(periodMs, (endedMs - startedMs) / shareMax)
  }

  async #measure(pods: readonly (readonly [string, PodDiskPaths])[]): Promise<ReadonlyMap<string, PodDisk>> {
    const places = new Map<string, Place>()
    const directories = this.#options.directories.map(realPath)
    const placeOf = (path: string) => {
      let place = places.get(path)
      if (!place) places.set(path, (place = findPlace(path, directories)))
      return place
    }
    for (const [, { volumes, logs }] of pods) for (const path of [...volumes.map((v) => v.path), ...logs.values()]) placeOf(path)
    const counted = [...new Set([...places.values()].filter((p) => p.isCounted).map((p) => p.path))]
    const [bytes, inodes] = await Promise.all([diskUsage(counted), inodeUsage(counted)])
    const atMs = this.#options.clock.now()
    const useOf = (path: string) => {
      const place = placeOf(path)
      return fsUse(place, atMs, { usedBytes: bytes.get(place.path), inodesUsed: inodes.get(place.path) })
    }
    return new Map(
      pods.map(([uid, { volumes, logs }]) => [
        uid,
        {
          volumes: volumes.flatMap(({ path, ...volume }) => {
            const use = useOf(path)
            return use ? [{ ...volume, use }] : []
          }),
          logs: new Map(
            [...logs].flatMap(([name, path]) => {
              const use = useOf(path)
              return use ? [[name, use] as const] : []
            }),
          ),
        },
      ]),
    )
  }
}

/** `isCounted`: its files are counted one by one; otherwise the whole file system is what it uses. */
type Place = { readonly path: string; readonly isCounted: boolean }

function findPlace(path: string, directories: readonly string[]): Place {
  const real = realPath(path)
  const isOurs = directories.some((directory) => real.startsWith(directory + sep))
  return { path: real, isCounted: isOurs && deviceOf(real) === deviceOf(dirname(real)) }
}

/** The path itself while it is not there. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function deviceOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.dev
}

function fsUse({ path, isCounted }: Place, atMs: number, counted: { usedBytes?: number; inodesUsed?: number }): FsUse | undefined {
  const whole = fileSystemFigures(path)
  if (!whole) return undefined
  const { capacityBytes, availableBytes, inodes, inodesFree } = whole
  const usedBytes = isCounted ? (counted.usedBytes ?? 0) : whole.usedBytes
  const inodesUsed = isCounted ? (counted.inodesUsed ?? 0) : inodes - inodesFree
  return { atMs, capacityBytes, availableBytes, usedBytes, inodes, inodesFree, inodesUsed }
}
