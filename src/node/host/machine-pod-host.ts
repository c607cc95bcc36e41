import { access, chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod, VolumeMount } from '../../kinds/generated/types/core-v1.ts'
import { expandVariables } from '../environment/expand-variables.ts'
import { HostError, type ContainerHostOptions, type PodHost } from '../pod/pod-host.ts'
import type { PodContainer } from '../pod/pod-view.ts'
import type { ObjectReferences } from '../references/object-references.ts'
import { diskUsage, inodeUsage } from '../../platform/disk-usage.ts'
import type { PodCgroups } from '../resources/pod-cgroups.ts'
import type { Mount } from '../runtime/contract.ts'
import type { PodVolumes } from '../volumes/pod-volumes.ts'
import { isApiVolume } from '../volumes/volume-files.ts'
import { hostNetworkHostsFile, podHostsFile } from './etc-hosts.ts'
import { identityOf, podDirectories, type PodDirectoryRoots } from './pod-directories.ts'
import { type ClusterDns, parseResolvConf, podDns } from './pod-dns.ts'
import { podDomain, podHostname, sandboxSpecOf } from './sandbox-spec.ts'
import { readTerminationMessage } from './termination-log.ts'

export type MachinePodHostOptions = {
  readonly roots: PodDirectoryRoots
  readonly volumes: PodVolumes
  readonly references: ObjectReferences
  readonly cgroups: PodCgroups | undefined
  readonly clusterDns: ClusterDns
  /** The engine's handler for a RuntimeClass; rejects when there is no such class. */
  readonly handlerOf: (runtimeClassName: string) => Promise<string>
}

const terminationPathDefault = '/dev/termination-log'

/** The PodHost of a real machine: files below its roots, cgroups, mounts. */
export function machinePodHost(options: MachinePodHostOptions): PodHost {
  const { roots, volumes, references, cgroups, clusterDns, handlerOf } = options
  const directoriesOf = (pod: Pod) => podDirectories(roots, identityOf(pod))
  const host: PodHost = {
    prepare: async (pod, signal) => {
      const directories = directoriesOf(pod)
      references.use(pod)
      await Promise.all([
        mkdir(directories.containers, { recursive: true, mode: 0o750 }),
        mkdir(directories.volumes, { recursive: true, mode: 0o750 }),
        mkdir(directories.memory, { recursive: true, mode: 0o750 }),
        mkdir(directories.logs, { recursive: true, mode: 0o755 }),
      ]).catch((error: Error) => {
        throw new HostError('FailedToMakePodDataDirectories', `error making pod data directories: ${error.message}`, { cause: error })
      })
      signal.throwIfAborted()
      makeCgroups(cgroups, pod)
      await volumes.setUp(pod)
    },
    sandboxSpec: async (pod, attempt) => {
      const host = parseResolvConf(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''))
      return sandboxSpecOf({
        pod,
        attempt,
        logDirectory: directoriesOf(pod).logs,
        cgroupParent: cgroups?.path(pod) ?? '',
        dns: podDns(pod, clusterDns, host),
        clusterDomain: clusterDns.domain,
        runtimeHandler: pod.spec?.runtimeClassName ? await handlerOf(pod.spec.runtimeClassName) : '',
      })
    },
    containerMounts: async (pod, container, hostOptions) => [
      ...(await volumeMounts(options, pod, container, hostOptions)),
      ...(await hostsMount(options, pod, container, hostOptions.podIps)),
      ...(await terminationMount(options, pod, container, hostOptions.attempt)),
    ],
    terminationMessage: (pod, container, ended) =>
      readTerminationMessage(directoriesOf(pod).terminationLog(ended.name, ended.attempt), container, ended),
    diskUse: (pod, unit) => podDiskUse(options, pod, unit),
    processCount: (pod) => cgroups?.processCount(pod) ?? 0,
    resize: async (...pods) => makeCgroups(cgroups, ...pods),
    teardown: async (pod, { keepLogs }) => {
      const directories = podDirectories(roots, pod)
      await volumes.tearDown(directories, pod.uid)
      references.release(pod.uid)
      cgroups?.remove(pod.uid)
      await rm(directories.pod, { recursive: true, force: true })
      if (!keepLogs) await rm(directories.logs, { recursive: true, force: true })
    },
    adopt: async (pod) => {
      references.use(pod)
      makeCgroups(cgroups, pod)
      await volumes.refresh(pod)
    },
    refresh: (pod) => volumes.refresh(pod),
    sweep: async (live) => {
      for (const uid of await readdir(join(roots.root, 'pods')).catch(() => [])) {
        if (!live.has(uid)) await host.teardown({ uid, namespace: '', name: '' }, { keepLogs: true })
      }
      const logs = join(roots.logs, 'pods')
      for (const name of await readdir(logs).catch(() => [])) {
        if (!live.has(name.split('_')[2] ?? '')) await rm(join(logs, name), { recursive: true, force: true })
      }
    },
  }
  return host
}

async function podDiskUse({ volumes, roots }: MachinePodHostOptions, pod: Pod, unit: 'bytes' | 'inodes'): ReturnType<PodHost['diskUse']> {
  const { logs } = podDirectories(roots, identityOf(pod))
  const onDisk = (pod.spec?.volumes ?? []).filter((v) => v.emptyDir && v.emptyDir.medium !== 'Memory')
  const volumePaths = new Map(onDisk.map((volume) => [volume.name, volumes.path(pod, volume)]))
  const logPaths = new Map((await readdir(logs).catch(() => [])).map((container) => [container, join(logs, container)]))
  const used = await (unit === 'bytes' ? diskUsage : inodeUsage)([...volumePaths.values(), ...logPaths.values()])
  const amountsOf = (paths: ReadonlyMap<string, string>) => new Map([...paths].map(([name, path]) => [name, used.get(path) ?? 0]))
  return { volumes: amountsOf(volumePaths), logs: amountsOf(logPaths) }
}

function makeCgroups(cgroups: PodCgroups | undefined, ...pods: readonly [Pod, ...Pod[]]): void {
  try {
    cgroups?.ensure(...pods)
  } catch (error) {
    throw new HostError('FailedCreatePodContainer', `unable to ensure pod container exists: ${(error as Error).message}`, { cause: error })
  }
}

async function volumeMounts(
  options: MachinePodHostOptions,
  pod: Pod,
  { container }: PodContainer,
  host: ContainerHostOptions,
): Promise<Mount[]> {
  const variables = new Map(host.env.map((e) => [e.name, e.value]))
  const mounts: Mount[] = []
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = pod.spec?.volumes?.find((v) => v.name === mount.name)
    if (!volume) throw new HostError('Failed', `cannot find volume "${mount.name}" to mount into container "${container.name}"`)
    refuseRecursiveReadOnly(mount)
    const image = host.volumeImages.get(volume.name)
    if (image) await options.volumes.mountImage(pod, volume, image.id)
    const subPath = mount.subPathExpr === undefined ? mount.subPath : expandSubPath(mount.subPathExpr, variables)
    const hostPath = subPath
      ? await options.volumes.subPath(pod, volume, { container: container.name, index, subPath })
      : options.volumes.path(pod, volume)
    // Files out of the API are the API's: a container's write would be lost with the next change.
    const readOnly =
      mount.readOnly === true || volume.persistentVolumeClaim?.readOnly === true || isApiVolume(volume) || volume.image !== undefined
    mounts.push({ hostPath, containerPath: containerPath(mount.mountPath), readOnly, propagation: propagationOf(mount) })
  }
  return mounts
}

/** Upstream's refusal on an engine without the feature; `IfPossible` is plainly read-only there. */
function refuseRecursiveReadOnly({ name, readOnly, recursiveReadOnly, mountPropagation }: VolumeMount): void {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return
  const refuse = (why: string) =>
    new HostError(
      'Failed',
      `failed to resolve recursive read-only mode: volume "${name}" requested recursive read-only mode, but it is ${why}`,
    )
  if (!readOnly) throw refuse('not read-only')
  if (mountPropagation !== undefined && mountPropagation !== 'None') throw refuse(`not compatible with propagation "${mountPropagation}"`)
  if (recursiveReadOnly === 'Enabled') throw refuse('not supported by the runtime')
}

function expandSubPath(expression: string, variables: ReadonlyMap<string, string>): string {
  const known = new Map<string, string>()
  const missing = new Set<string>()
  for (const [, name = ''] of expression.replaceAll('$$', '').matchAll(/\$\(([^)]*)\)/g)) {
    const value = variables.get(name)
    // A folder's name out of nothing would be another folder.
    if (value) known.set(name, value)
    else missing.add(name)
  }
  if (missing.size > 0) throw new HostError('Failed', `missing value for ${[...missing].sort().join(', ')}`)
  return expandVariables(expression, known)
}

function containerPath(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}

function propagationOf(mount: VolumeMount): Mount['propagation'] {
  return mount.mountPropagation === 'Bidirectional' || mount.mountPropagation === 'HostToContainer' ? mount.mountPropagation : 'Private'
}

const hostsPath = '/etc/hosts'

async function hostsMount(
  { roots, clusterDns }: MachinePodHostOptions,
  pod: Pod,
  { container }: PodContainer,
  podIps: readonly string[],
): Promise<Mount[]> {
  if (container.volumeMounts?.some((m) => m.mountPath === hostsPath)) return []
  const path = podDirectories(roots, identityOf(pod)).etcHosts
  const aliases = pod.spec?.hostAliases ?? []
  const text = pod.spec?.hostNetwork
    ? hostNetworkHostsFile(await readFile(hostsPath, 'utf8').catch(() => ''), aliases)
    : podHostsFile({ podIps, hostname: podHostname(pod), domain: podDomain(pod, clusterDns.domain), aliases })
  await writeFile(path, text, { mode: 0o644 })
  return [{ hostPath: path, containerPath: hostsPath, readOnly: false, propagation: 'Private' }]
}

async function terminationMount(
  { roots }: MachinePodHostOptions,
  pod: Pod,
  { container }: PodContainer,
  attempt: number,
): Promise<Mount[]> {
  const target = container.terminationMessagePath || terminationPathDefault
  const path = podDirectories(roots, identityOf(pod)).terminationLog(container.name, attempt)
  await mkdir(join(path, '..'), { recursive: true })
  if (!(await exists(path))) await writeFile(path, '')
  await chmod(path, 0o666)
  return [{ hostPath: path, containerPath: target, readOnly: false, propagation: 'Private' }]
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
