import { familyHead, labelText, sampleText } from '../../base/exposition-text.ts'

/** Gates of upstream whose thing is here: it is always on. A flag may say so, as files for other clusters do; nothing is switched by it. */
const general: readonly string[] = [
  'AnonymousAuthConfigurableEndpoints',
  'AuthorizeNodeWithSelectors',
  'AuthorizeWithSelectors',
  'CRDValidationRatcheting',
  'CustomResourceFieldSelectors',
  'DRAAdminAccess',
  'DRAPrioritizedList',
  'DynamicResourceAllocation',
  'ExecProbeTimeout',
  'InPlacePodVerticalScaling',
  'JobBackoffLimitPerIndex',
  'JobManagedBy',
  'JobPodReplacementPolicy',
  'JobSuccessPolicy',
  'LogarithmicScaleDown',
  'MatchLabelKeysInPodAffinity',
  'MultiCIDRServiceAllocator',
  'MutatingAdmissionPolicy',
  'NFTablesProxyMode',
  'NodeInclusionPolicyInPodTopologySpread',
  'OrderedNamespaceDeletion',
  'PodLifecycleSleepAction',
  'PodLifecycleSleepActionAllowZero',
  'PodObservedGenerationTracking',
  'PodSchedulingReadiness',
  'PreferSameTrafficDistribution',
  'RelaxedDNSSearchValidation',
  'RelaxedEnvironmentVariableValidation',
  'RetryGenerateName',
  'ServiceAccountTokenJTI',
  'ServiceAccountTokenNodeBinding',
  'ServiceAccountTokenNodeBindingValidation',
  'ServiceAccountTokenPodNodeInfo',
  'SidecarContainers',
  'StructuredAuthenticationConfiguration',
  'VolumeAttributesClass',
]
/** Those that upstream still calls beta. */
const beta: readonly string[] = [
  'DRADeviceTaints',
  'DRAExtendedResource',
  'DRAPartitionableDevices',
  'DRAResourceClaimDeviceStatus',
  'DeploymentReplicaSetTerminatingReplicas',
  'HPAConfigurableTolerance',
  'HostnameOverride',
  'MatchLabelKeysInPodTopologySpread',
  'MaxUnavailableStatefulSet',
  'PodDeletionCost',
  'PodLevelResources',
  'PodTopologyLabelsAdmission',
  'PortForwardWebsockets',
  'TranslateStreamCloseWebsocketRequests',
  'WatchList',
]
const alwaysOn: ReadonlySet<string> = new Set([...general, ...beta])
/** Whole groups of gates: none of them changes anything, so that only what is so already may be asked for. */
const groups: Readonly<Record<string, boolean>> = { AllAlpha: false, AllBeta: true }

/** Throws, in upstream's words, for what is not so here. */
export function checkFeatureGates(list: readonly string[]): void {
  for (const entry of list) {
    const [name = '', ...rest] = entry.split('=')
    if (rest.length === 0) throw new Error(`missing bool value for ${name}`)
    const text = rest.join('=').trim()
    const value = parseBool(text)
    if (value === undefined)
      throw new Error(`invalid value of ${name}=${text}, err: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
    const fixed = groups[name.trim()] ?? (alwaysOn.has(name.trim()) ? true : undefined)
    if (fixed === undefined) throw new Error(`unrecognized feature gate: ${name.trim()}`)
    if (fixed !== value) throw new Error(`cannot set feature gate ${name.trim()} to ${value}, feature is locked to ${fixed}`)
  }
}

function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  return undefined
}

const stages = [
  ['', general],
  ['BETA', beta],
] as const

/** The gates that are on, under upstream's name for that, as Prometheus reads it. */
export function featureMetrics(): string {
  const name = 'kubernetes_feature_enabled'
  const lines = stages.flatMap(([stage, gates]) => gates.map((gate) => sampleText(name, labelText({ name: gate, stage }), 1)))
  return familyHead(name, 'gauge', 'This metric records the data about the stage and enablement of a k8s feature.') + lines.sort().join('')
}
