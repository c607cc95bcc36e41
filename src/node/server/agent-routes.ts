import type { AgentSettings } from '../agent/agent-settings.ts'
import type { PodDirectoryRoots } from '../host/pod-directories.ts'
import { podDiskPaths } from '../host/pod-disk-paths.ts'
import { machineLogFiles } from '../logs/log-files.ts'
import type { NodeAgentOptions } from '../node-agent.ts'
import type { Machine } from '../node-status/machine.ts'
import type { PodLoop } from '../pod/pod-loop.ts'
import type { PodWorker } from '../pod/pod-worker.ts'
import { agentFamilies, processFamilies } from '../stats/agent-families.ts'
import { DiskFigures } from '../stats/disk-figures.ts'
import { exposition, type Family } from '../stats/exposition.ts'
import { type MachineFigures, machineFigures } from '../stats/machine-figures.ts'
import { nodeDocuments } from '../stats/node-documents.ts'
import type { NodeMetrics } from '../stats/node-metrics.ts'
import { NodeStatistics } from '../stats/node-statistics.ts'
import type { PodVolumes } from '../volumes/pod-volumes.ts'
import { kubeletConfiguration } from './kubelet-configuration.ts'
import { createNodeRoutes, type NodeRoutes } from './node-routes.ts'
import { runningPods, syncTrouble } from './running-pods.ts'

export type AgentRoutesOptions = {
  readonly options: NodeAgentOptions
  readonly settings: AgentSettings
  readonly machine: Machine
  readonly loop: PodLoop
  readonly metrics: NodeMetrics
  /** Where pods' files lie, on a real node. */
  readonly disks: { readonly roots: PodDirectoryRoots; readonly volumes: PodVolumes } | undefined
  /** Of the API itself, once it is served. */
  readonly port: () => number | undefined
}

/** What a running agent tells and does by the node's API: its pods and their logs, its configuration and its figures. */
export function agentRoutes(agent: AgentRoutesOptions): NodeRoutes {
  const { loop, metrics } = agent
  const { runtime, clock, files, logFiles } = agent.options
  const figures = files && machineFigures({ podsRoot: files.cgroupRoot, directory: files.rootDir })
  const statistics = nodeStatistics(agent, figures)
  return createNodeRoutes({
    runtime,
    clock,
    logFiles: logFiles ?? (files ? machineLogFiles() : noLogFiles),
    find: (namespace, name) => loop.find(namespace, name),
    pods: () => loop.pods(),
    runningPods: () => runningPods(workers(loop).flatMap((w) => w.sandboxes)),
    onRequest: (method, path) => metrics.request(method, path),
    healthChecks: [
      { name: 'ping', check: () => undefined },
      { name: 'log', check: () => undefined },
      { name: 'syncloop', check: () => syncTrouble(loop.failingSinceMs, clock.monotonicMs()) },
    ],
    logDirectory: files?.logsDir,
    onPodChange: (uid, listener) => loop.onLooked(uid, listener),
    documents: nodeDocuments({
      statistics,
      configuration: () => configuration(agent),
      probeFamilies: () => [
        ...(figures ? processFamilies(figures.process()).filter((f) => f.name === 'process_start_time_seconds') : []),
        ...metrics.probeFamilies(),
      ],
      families: () => families(agent, statistics, figures),
      moreMetrics: () => agent.options.clientMetrics?.text() ?? '',
      proxyMetrics: agent.options.proxyMetrics && (() => proxyText(agent, figures)),
    }),
  })
}

/** As a process of its own would tell it: the proxy's families, and those of the process and its requests that it shares with the agent. */
function proxyText({ options }: AgentRoutesOptions, figures: MachineFigures | undefined): string {
  const process = figures ? exposition(processFamilies(figures.process())) : ''
  return `${options.proxyMetrics?.() ?? ''}${process}${options.clientMetrics?.text() ?? ''}`
}

function configuration({ options, settings, machine, port }: AgentRoutesOptions): object {
  const { server, files, taints = [] } = options
  return kubeletConfiguration({
    ...settings,
    server: server && { host: server.host, port: port() ?? server.port },
    files,
    maxPods: machine.facts().maxPods,
    taints,
    shutdownPeriods: options.shutdown?.periods ?? [],
    staticPodPath: options.manifests?.path,
  })
}

function nodeStatistics({ options, machine, loop, disks }: AgentRoutesOptions, figures: MachineFigures | undefined): NodeStatistics {
  const { runtime, clock, nodeName } = options
  const running = () => workers(loop).filter((w) => w.sandboxes.some((s) => s.state === 'Ready'))
  return new NodeStatistics({
    ...{ runtime, clock, nodeName, machine, figures },
    pods: () => workers(loop),
    disks:
      disks &&
      new DiskFigures({
        clock,
        pods: () => running().map((w) => w.pod),
        paths: podDiskPaths(disks.roots, disks.volumes),
        directories: [disks.roots.root, disks.roots.logs],
      }),
  })
}

async function families(
  { options, loop, metrics }: AgentRoutesOptions,
  statistics: NodeStatistics,
  figures: MachineFigures | undefined,
): Promise<Family[]> {
  const { nodeName, server, clientCertificate, clock } = options
  const now = agentFamilies({
    nodeName,
    pods: workers(loop),
    disks: await statistics.disks(),
    clientCertificate,
    servingCertificate: server?.cert,
    renewalErrors: options.renewalErrors?.(),
    agentProcess: figures?.process(),
    nowMs: clock.now(),
  })
  return [...now, ...metrics.families()]
}

function workers(loop: PodLoop): PodWorker[] {
  return [...loop.workers.values()]
}

const noLogFiles = { open: async () => undefined, identity: async () => undefined, watch: () => () => {} }
