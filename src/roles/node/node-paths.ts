import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Where a node keeps things, all derived from its data directory so that several nodes and clusters never meet. */
export type NodePaths = {
  readonly dataDir: string
  /** Short (sockets' paths may have 107 bytes) and in memory: gone after a reboot. */
  readonly stateDir: string
  readonly containerdSocket: string
  readonly cniConfigDir: string
  readonly cniAddressDir: string
  /** Pods' directories are below `pods/`. */
  readonly podsDir: string
  readonly logsDir: string
  /** containerd's `certs.d`: one `hosts.toml` a registry; shared by all nodes of a cluster on this machine. */
  readonly registriesDir: string
  /** Below it every cgroup of this node's pods. */
  readonly cgroupRoot: string
  /** The node's own certificates. */
  readonly pkiDir: string
}

export function nodePaths(dataDir: string, registriesDir = join(dataDir, 'registries.d')): NodePaths {
  const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 8)
  const stateDir = `/run/keelson/${id}`
  return {
    dataDir,
    stateDir,
    containerdSocket: join(stateDir, 'containerd.sock'),
    cniConfigDir: join(stateDir, 'cni'),
    cniAddressDir: join(stateDir, 'addresses'),
    podsDir: join(dataDir, 'kubelet'),
    logsDir: join(dataDir, 'log'),
    registriesDir,
    cgroupRoot: `/keelson-${id}`,
    pkiDir: join(dataDir, 'node-pki'),
  }
}

/** Says that a node of this name has been here, and that its end is still to come. */
export const nodeNameFile = (dataDir: string) => join(dataDir, 'node-name')

/** Short and unique a data directory: names of interfaces have at most 15 characters. */
export function namespacePrefix(dataDir: string): string {
  return `ks${createHash('sha256').update(dataDir).digest('hex').slice(0, 4)}`
}
