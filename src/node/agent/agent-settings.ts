import { evictionSettings, type EvictionSettings } from '../eviction/thresholds.ts'
import { defaultImageGcPolicy, type ImageGcPolicy } from '../images/image-gc.ts'
import type { NodeAgentOptions } from '../node-agent.ts'
import type { Reserved } from '../node-status/node-status.ts'
import type { StatusGather } from '../pod/status-writer.ts'

/** A pod that takes longer to start is seen to be on its way; that of one which has ended nobody waits for seconds. */
const defaultStatusGather: StatusGather = { startMs: 2_000, endMs: 300 }

/** What of an agent can be set by numbers, each with its value. */
export type AgentSettings = {
  readonly reserved: Reserved
  readonly eviction: EvictionSettings
  readonly imageGc: ImageGcPolicy
  /** Of the node's lease, renewed every quarter of it. */
  readonly leaseDurationSeconds: number
  readonly statusCheckPeriodMs: number
  readonly statusReportPeriodMs: number
  readonly statusGather: StatusGather
  /** Sandboxes and containers made at once. */
  readonly parallelStarts: number
  /** Image pulls at once. */
  readonly parallelPulls: number
}

/** The options' numbers, with upstream's defaults for those that are not given. Pure. */
export function agentSettings(options: NodeAgentOptions): AgentSettings {
  return {
    reserved: { cpuMilli: 0, memoryBytes: 0, ephemeralStorageBytes: 0, ...options.reserved },
    eviction: evictionSettings(options.eviction),
    imageGc: defaultImageGcPolicy,
    leaseDurationSeconds: options.leaseDurationSeconds ?? 40,
    statusCheckPeriodMs: options.statusCheckPeriodMs ?? 10_000,
    statusReportPeriodMs: options.statusReportPeriodMs ?? 300_000,
    statusGather: options.statusGather ?? defaultStatusGather,
    parallelStarts: options.parallelStarts ?? 4,
    parallelPulls: options.parallelPulls ?? 4,
  }
}
