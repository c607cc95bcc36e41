import type { Plugin } from '../core/plugin.ts'
import { defaultConstraints } from '../core/spread-constraint.ts'
import { balancedAllocation } from './balanced-allocation.ts'
import { imageLocality } from './image-locality.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodePorts } from './node-ports.ts'
import { cpuAndMemory, nodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'

/**
 * The default profile, in the order in which filters are asked: the first that rejects a node gives its reason. Upstream's
 * NodeName has no place here: a pod that names its node is bound already and never asks.
 */
export const allPlugins: readonly Plugin[] = [
  nodeUnschedulable,
  taintToleration,
  nodeAffinity(),
  nodePorts,
  nodeResourcesFit({ type: 'LeastAllocated', resources: cpuAndMemory }),
  podTopologySpread(defaultConstraints),
  interPodAffinity(),
  balancedAllocation(cpuAndMemory),
  imageLocality,
]
