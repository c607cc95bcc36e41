import { type Capability, hasCapability } from '../../platform/capabilities.ts'
import { type CgroupMode, readCgroupTree } from '../../platform/cgroup.ts'

/** Where one supervised containerd keeps its things. No path may hold a quote or a backslash. */
export type ContainerdPaths = {
  /** Images, snapshots and metadata; survives reboots. */
  readonly root: string
  /** Run-time state and sockets: short (a unix socket's path ends at 107 bytes) and gone after a reboot. */
  readonly state: string
  readonly socket: string
  readonly configFile: string
  readonly logFile: string
  readonly cniConfigDirectory: string
  readonly cniPluginDirectory: string
  /** hosts.toml of registries, a folder each. */
  readonly registryDirectory: string
}

export type ContainerdTraits = {
  /** False: an oom score may not be lowered nor an rlimit raised, and runc fails if asked to. */
  readonly canRaiseLimits: boolean
  readonly cgroupMode: CgroupMode
}

/** What this machine allows, detected and never assumed. */
export function detectTraits(): ContainerdTraits {
  const capability: Capability = 'SYS_RESOURCE'
  return { canRaiseLimits: hasCapability(capability), cgroupMode: readCgroupTree().mode }
}

/**
 * Programs that the shim makes and ends containers with, the default first; each is the handler of its name for RuntimeClasses. One that is
 * not installed is told of by the pods that ask for it. Why runc is the default: docs/decisions/0017-runc-starts-containers.md.
 */
const lowLevelRuntimes = ['runc', 'crun'] as const

/**
 * containerd's configuration, version 2 (what 1.6 and 1.7 read, and 2.x migrates by itself).
 * cgroupfs is the driver everywhere: the agent names every pod's cgroup itself and needs no systemd.
 */
export function containerdConfig(paths: ContainerdPaths, traits: ContainerdTraits, pauseImage: string): string {
  const text = (value: string) => JSON.stringify(value)
  return `version = 2
root = ${text(paths.root)}
state = ${text(paths.state)}
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = ${text(paths.socket)}

[debug]
  level = "warn"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(pauseImage)}
  disable_apparmor = true
  restrict_oom_score_adj = ${!traits.canRaiseLimits}
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  stream_idle_timeout = "4h0m0s"
  netns_mounts_under_state_dir = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = ${text(lowLevelRuntimes[0])}
${lowLevelRuntimes.map(runtimeTable).join('')}  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(paths.cniPluginDirectory)}
    conf_dir = ${text(paths.cniConfigDirectory)}
    max_conf_num = 1
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${text(paths.registryDirectory)}
`
}

function runtimeTable(name: (typeof lowLevelRuntimes)[number]): string {
  return `    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}.options]
        BinaryName = "${name}"
        SystemdCgroup = false
`
}
