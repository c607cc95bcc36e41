import type { Taint } from '../../kinds/generated/types/core-v1.ts'
import { formatQuantity, quantityOfMilli, quantityOfUnits } from '../../machinery/quantity.ts'
import type { AgentSettings } from '../agent/agent-settings.ts'
import type { AgentFiles } from '../host/agent-files.ts'
import { type Bounds, type EvictionSettings, evictionSignals } from '../eviction/thresholds.ts'
import type { ShutdownPeriod } from '../shutdown/plan-shutdown.ts'
import type { Reserved } from '../node-status/node-status.ts'

export type KubeletConfigurationInput = Omit<AgentSettings, 'parallelStarts' | 'statusGather'> & {
  /** Undefined: the node has no port of its own. */
  readonly server: { readonly host: string; readonly port: number } | undefined
  /** Undefined: a simulated node. */
  readonly files: AgentFiles | undefined
  readonly maxPods: number
  readonly taints: readonly Taint[]
  readonly shutdownPeriods: readonly ShutdownPeriod[]
  /** Where the manifests of static pods are; undefined: it has none. */
  readonly staticPodPath: string | undefined
}

/**
 * What holds for this node, in the form of upstream's `/configz`: the fields of KubeletConfiguration that have a meaning here
 * (https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/). It names no key and no token. Pure.
 */
export function kubeletConfiguration(input: KubeletConfigurationInput): object {
  const { server, files, maxPods, taints, imageGc, parallelPulls } = input
  return {
    kubeletconfig: {
      enableServer: server !== undefined,
      ...(server ? { address: server.host, port: server.port } : {}),
      authentication: { x509: {}, webhook: { enabled: true, cacheTTL: '2m0s' }, anonymous: { enabled: false } },
      authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
      ...(files ? { clusterDomain: files.clusterDns.domain, clusterDNS: files.clusterDns.servers } : {}),
      nodeStatusUpdateFrequency: duration(input.statusCheckPeriodMs),
      nodeStatusReportFrequency: duration(input.statusReportPeriodMs),
      nodeLeaseDurationSeconds: input.leaseDurationSeconds,
      imageMinimumGCAge: duration(imageGc.minAgeMs),
      imageGCHighThresholdPercent: Math.round(imageGc.highShare * 100),
      imageGCLowThresholdPercent: Math.round(imageGc.lowShare * 100),
      volumeStatsAggPeriod: '1m0s',
      ...(files?.cgroupRoot === undefined ? {} : { cgroupRoot: files.cgroupRoot, cgroupsPerQOS: true, cgroupDriver: 'cgroupfs' }),
      ...(input.staticPodPath === undefined ? {} : { staticPodPath: input.staticPodPath }),
      maxPods,
      ...(taints.length > 0 ? { registerWithTaints: taints } : {}),
      ...evictionFields(input.eviction),
      ...shutdownField(input.shutdownPeriods),
      ...reservedField(input.reserved),
      serializeImagePulls: parallelPulls === 1,
      maxParallelImagePulls: parallelPulls,
      containerLogMaxSize: '10Mi',
      containerLogMaxFiles: 5,
      enableDebuggingHandlers: true,
      enableSystemLogHandler: files !== undefined,
      ...(files ? { podLogsDir: `${files.logsDir}/pods` } : {}),
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
    },
  }
}

function evictionFields({ hard, soft, softGraceMs, minimumReclaim, ...rest }: EvictionSettings): object {
  const given = (name: string, value: object) => (Object.keys(value).length > 0 ? { [name]: value } : {})
  const graces = Object.entries(softGraceMs).map(([signal, ms]) => [signal, duration(ms)])
  return {
    evictionHard: boundsText(hard),
    ...given('evictionSoft', boundsText(soft)),
    ...given('evictionSoftGracePeriod', Object.fromEntries(graces)),
    evictionPressureTransitionPeriod: duration(rest.pressureTransitionMs),
    ...(rest.maxPodGraceSeconds > 0 ? { evictionMaxPodGracePeriod: rest.maxPodGraceSeconds } : {}),
    ...given('evictionMinimumReclaim', boundsText(minimumReclaim)),
  }
}

function boundsText(bounds: Bounds): Record<string, string> {
  const percent = (share: number) => `${Number((share * 100).toFixed(2))}%`
  const text = (signal: keyof Bounds) => {
    const bound = bounds[signal]
    if (!bound) return []
    return [[signal, 'amount' in bound ? bytes(bound.amount) : percent(bound.share)] as const]
  }
  return Object.fromEntries(evictionSignals.flatMap(text))
}

function shutdownField(periods: readonly ShutdownPeriod[]): object {
  if (periods.length === 0) return {}
  return { shutdownGracePeriodByPodPriority: periods.map(({ priority, seconds }) => ({ priority, shutdownGracePeriodSeconds: seconds })) }
}

function reservedField({ cpuMilli, memoryBytes, ephemeralStorageBytes }: Reserved): object {
  const reserved = {
    ...(cpuMilli > 0 ? { cpu: formatQuantity(quantityOfMilli(cpuMilli)) } : {}),
    ...(memoryBytes > 0 ? { memory: bytes(memoryBytes) } : {}),
    ...(ephemeralStorageBytes > 0 ? { 'ephemeral-storage': bytes(ephemeralStorageBytes) } : {}),
  }
  return Object.keys(reserved).length > 0 ? { systemReserved: reserved } : {}
}

const bytes = (count: number) => formatQuantity(quantityOfUnits(count, 'BinarySI'))

/** As Go prints whole seconds: `10s`, `5m0s`, `1h0m0s`. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60)]
  if (hours > 0) return `${hours}h${minutes % 60}m${seconds % 60}s`
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`
}
