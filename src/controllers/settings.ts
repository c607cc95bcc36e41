/** What operators set of the controllers, each by the flag that upstream has for it; what is absent is as upstream has it by default. */
export type ControllerSettings = {
  /** `--controllers`: which of them run; see `areEnabled`. */
  readonly controllers?: readonly string[]
  readonly nodes?: NodeSettings
  /** Pods that have ended and are kept, all together; 0: any number. Default 12,500. */
  readonly terminatedPodsMax?: number
  readonly autoscaling?: AutoscalingSettings
  /** Bits of a node's part of the pod network, 16 to 32. Default 24. */
  readonly nodeMaskBits?: number
  /** How long an Event is kept after it was last told. Default one hour. */
  readonly eventTtlMs?: number
  /** Endpoints in a slice, 1 to 1,000. Default 100. */
  readonly endpointsPerSliceMax?: number
  /** Endpoints of one subset that are mirrored, 1 to 1,000. Default 1,000. */
  readonly mirroredPerSubsetMax?: number
  /** How long a token that nobody uses stays good, and then stays. Default a year. */
  readonly legacyTokenUnusedMs?: number
}

export type NodeSettings = {
  /** How long a node may be silent. Default 50 s. */
  readonly graceMs?: number
  /** How long one may be silent that has said nothing yet. Default 60 s. */
  readonly startupGraceMs?: number
  readonly eviction?: EvictionSettings
}

export type EvictionSettings = {
  /** Nodes a second in a zone that is well. Default 0.1. */
  readonly perSecond?: number
  /** In a large zone of which much is unhealthy. Default 0.01. */
  readonly secondaryPerSecond?: number
  /** The share of unhealthy nodes, above 0 to 1, from which on (and at least three) a zone is not well. Default 0.55. */
  readonly unhealthyShare?: number
  /** Zones of at most so many nodes are small: evictions stop there when they are not well. Default 50. */
  readonly smallZoneMax?: number
}

export type AutoscalingSettings = {
  /** How often metrics are read. Default 15 s. */
  readonly periodMs?: number
  /** How far a ratio may be from one without a change. Default 0.1. */
  readonly tolerance?: number
  /** How long a lower recommendation has to last where the autoscaler says nothing of it. Default 5 min. */
  readonly downscaleWindowMs?: number
  /** How long a pod's cpu says nothing after its start unless it is ready. Default 5 min. */
  readonly startupMs?: number
  /** A pod that lost its readiness within this time of its start counts as one that never had it. Default 30 s. */
  readonly firstReadinessMs?: number
}
