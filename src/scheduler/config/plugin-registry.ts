import type { NodeAffinity, TopologySpreadConstraint } from '../../kinds/generated/types/core-v1.ts'
import type { Plugin } from '../core/plugin.ts'
import type { ShapePoint } from '../core/score-formulas.ts'
import { defaultConstraints } from '../core/spread-constraint.ts'
import { balancedAllocation } from '../plugins/balanced-allocation.ts'
import { imageLocality } from '../plugins/image-locality.ts'
import { defaultInterPodAffinityArgs, interPodAffinity, type InterPodAffinityArgs } from '../plugins/inter-pod-affinity.ts'
import { nodeAffinity } from '../plugins/node-affinity.ts'
import { nodePorts } from '../plugins/node-ports.ts'
import {
  cpuAndMemory,
  type IgnoredResources,
  nodeResourcesFit,
  type ResourceWeight,
  type ScoringStrategy,
} from '../plugins/node-resources-fit.ts'
import { nodeUnschedulable } from '../plugins/node-unschedulable.ts'
import { podTopologySpread } from '../plugins/pod-topology-spread.ts'
import { taintToleration } from '../plugins/taint-toleration.ts'
import { ConfigurationError, type PluginArgs } from './configuration-error.ts'

/** The plugins of `allPlugins` by name, each made from its args, in the order of the default profile. Wrong args throw ConfigurationError. */
export const pluginFactories: Readonly<Record<string, (args: PluginArgs) => Plugin>> = {
  NodeUnschedulable: () => nodeUnschedulable,
  TaintToleration: () => taintToleration,
  NodeAffinity: (args) => nodeAffinity(args.addedAffinity as NodeAffinity | undefined),
  NodePorts: () => nodePorts,
  NodeResourcesFit: (args) => nodeResourcesFit(scoringStrategy(args), ignoredResources(args)),
  PodTopologySpread: (args) => podTopologySpread(spreadDefaults(args)),
  InterPodAffinity: (args) => interPodAffinity(affinityArgs(args)),
  NodeResourcesBalancedAllocation: (args) => balancedAllocation(resourceWeights(args.resources) ?? cpuAndMemory),
  ImageLocality: () => imageLocality,
}

/** Plugins that judge one pod at a time (pod-plugins.ts): they can be turned off. */
export const podPluginNames: readonly string[] = [
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
  'DynamicResources',
]

/** What upstream asks, in this order, for a pod that fits nowhere. */
export const postFilterNames: readonly string[] = ['DynamicResources', 'DefaultPreemption']

/** Always there, because a scheduler without them would be none; naming them is no error. */
export const builtInNames: readonly string[] = ['SchedulingGates', 'PrioritySort', 'NodeName', 'DefaultBinder']

function scoringStrategy(args: PluginArgs): ScoringStrategy {
  const strategy = (args.scoringStrategy ?? {}) as {
    readonly type?: string
    readonly resources?: unknown
    readonly requestedToCapacityRatio?: { readonly shape?: readonly ShapePoint[] }
  }
  const resources = resourceWeights(strategy.resources) ?? cpuAndMemory
  const { type = 'LeastAllocated' } = strategy
  switch (type) {
    case 'LeastAllocated':
    case 'MostAllocated':
      return { type, resources }
    case 'RequestedToCapacityRatio':
      return { type, resources, shape: checkedShape(strategy.requestedToCapacityRatio?.shape) }
    default:
      throw new ConfigurationError(
        `args.scoringStrategy.type: Unsupported value: ${JSON.stringify(type)}: supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
      )
  }
}

function checkedShape(shape: readonly ShapePoint[] | undefined): readonly ShapePoint[] {
  const path = 'args.scoringStrategy.requestedToCapacityRatio.shape'
  if (!shape || shape.length === 0) throw new ConfigurationError(`${path}: Required value: at least one point must be specified`)
  shape.forEach(({ utilization, score }, i) => {
    if (!isBetween(utilization, 0, 100))
      throw new ConfigurationError(`${path}[${i}].utilization: Invalid value: ${String(utilization)}: not in valid range [0-100]`)
    if (!isBetween(score, 0, 10))
      throw new ConfigurationError(`${path}[${i}].score: Invalid value: ${String(score)}: not in valid range [0-10]`)
    if (i > 0 && utilization <= shape[i - 1]!.utilization)
      throw new ConfigurationError(
        `${path}[${i}].utilization: Invalid value: ${utilization}: utilization values must be sorted in increasing order`,
      )
  })
  return shape
}

function resourceWeights(resources: unknown): readonly ResourceWeight[] | undefined {
  if (!Array.isArray(resources) || resources.length === 0) return undefined
  return (resources as readonly { readonly name?: unknown; readonly weight?: unknown }[]).map(({ name, weight = 1 }) => {
    if (typeof name !== 'string' || name === '') throw new ConfigurationError('args: resources[].name: Required value')
    if (!isBetween(weight, 1, 100))
      throw new ConfigurationError(
        `args: resources[${name}].weight: Invalid value: ${String(weight)}: resource weight should be a positive value, less than or equal to 100`,
      )
    return { name, weight }
  })
}

/** Extended resources that the filter leaves to an extender, by name and by the part before the slash. */
function ignoredResources(args: PluginArgs): IgnoredResources {
  const { ignoredResources = [], ignoredResourceGroups = [] } = args as Readonly<Record<string, readonly string[]>>
  ignoredResourceGroups.forEach((group, i) => {
    if (group.includes('/'))
      throw new ConfigurationError(
        `args.ignoredResourceGroups[${i}]: Invalid value: ${JSON.stringify(group)}: resource group name can't contain '/'`,
      )
  })
  return { names: new Set(ignoredResources), groups: new Set(ignoredResourceGroups) }
}

function affinityArgs(args: PluginArgs): InterPodAffinityArgs {
  const { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods } = { ...defaultInterPodAffinityArgs, ...args }
  if (!isBetween(hardPodAffinityWeight, 0, 100))
    throw new ConfigurationError(
      `args.hardPodAffinityWeight: Invalid value: ${JSON.stringify(hardPodAffinityWeight)}: not in valid range [0, 100]`,
    )
  return { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods: ignorePreferredTermsOfExistingPods === true }
}

function spreadDefaults(args: PluginArgs): readonly TopologySpreadConstraint[] {
  if (args.defaultingType !== 'List') {
    if (Array.isArray(args.defaultConstraints) && args.defaultConstraints.length > 0)
      throw new ConfigurationError('args.defaultingType: Invalid value: "System": when .defaultConstraints are specified, must be "List"')
    return defaultConstraints
  }
  return ((args.defaultConstraints ?? []) as readonly TopologySpreadConstraint[]).map((constraint, i) => {
    if (constraint.labelSelector)
      throw new ConfigurationError(
        `args.defaultConstraints[${i}].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod`,
      )
    if (!constraint.topologyKey) throw new ConfigurationError(`args.defaultConstraints[${i}].topologyKey: Required value: can not be empty`)
    if (!isBetween(constraint.maxSkew, 1, Number.MAX_SAFE_INTEGER))
      throw new ConfigurationError(
        `args.defaultConstraints[${i}].maxSkew: Invalid value: ${String(constraint.maxSkew)}: not in valid range (0, +Inf)`,
      )
    return constraint
  })
}

function isBetween(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}
