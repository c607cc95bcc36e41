import type { ProtobufFacts } from './protobuf.ts'

/**
 * Fields and messages of Kubernetes 1.36 that the generated wire facts, which are of a later commit, have dropped. All are alpha; they
 * are here so that every object of this release keeps its bytes. Those of scheduling.k8s.io/v1alpha2 are read off that release's fixtures.
 */
const mapping = { capacityKey: [1, 'string'], allocationMultiplier: [2, '.k8s.io.apimachinery.pkg.api.resource.Quantity'] } as const
const mappings = 'map<string,NodeAllocatableResourceMapping>'

const objectMeta = '.k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta'
const listMeta = '.k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta'
/** How the pods of a group are placed. */
const groupPlacement = {
  schedulingPolicy: [2, 'PodGroupSchedulingPolicy'],
  schedulingConstraints: [3, 'PodGroupSchedulingConstraints'],
  resourceClaims: [4, 'repeated PodGroupResourceClaim'],
  disruptionMode: [5, 'string'],
  priorityClassName: [6, 'string'],
  priority: [7, 'int32'],
} as const

const scheduling: ProtobufFacts = {
  PodGroup: { metadata: [1, objectMeta], spec: [2, 'PodGroupSpec'], status: [3, 'PodGroupStatus'] },
  PodGroupList: { metadata: [1, listMeta], items: [2, 'repeated PodGroup'] },
  PodGroupSpec: { podGroupTemplateRef: [1, 'PodGroupTemplateReference'], ...groupPlacement },
  PodGroupTemplateReference: { workload: [1, 'WorkloadPodGroupTemplateReference'] },
  WorkloadPodGroupTemplateReference: { workloadName: [1, 'string'], podGroupTemplateName: [2, 'string'] },
  PodGroupSchedulingPolicy: { basic: [1, 'BasicSchedulingPolicy'], gang: [2, 'GangSchedulingPolicy'] },
  BasicSchedulingPolicy: {},
  GangSchedulingPolicy: { minCount: [1, 'int32'] },
  PodGroupSchedulingConstraints: { topology: [1, 'repeated TopologyConstraint'] },
  TopologyConstraint: { key: [1, 'string'] },
  PodGroupResourceClaim: { name: [1, 'string'], resourceClaimName: [2, 'string'], resourceClaimTemplateName: [3, 'string'] },
  PodGroupStatus: {
    conditions: [1, 'repeated .k8s.io.apimachinery.pkg.apis.meta.v1.Condition'],
    resourceClaimStatuses: [2, 'repeated PodGroupResourceClaimStatus'],
  },
  PodGroupResourceClaimStatus: { name: [1, 'string'], resourceClaimName: [2, 'string'] },
  Workload: { metadata: [1, objectMeta], spec: [2, 'WorkloadSpec'] },
  WorkloadList: { metadata: [1, listMeta], items: [2, 'repeated Workload'] },
  WorkloadSpec: { controllerRef: [1, 'TypedLocalObjectReference'], podGroupTemplates: [2, 'repeated PodGroupTemplate'] },
  TypedLocalObjectReference: { apiGroup: [1, 'string'], kind: [2, 'string'], name: [3, 'string'] },
  PodGroupTemplate: { name: [1, 'string'], ...groupPlacement },
}

const releaseFields: ProtobufFacts = {
  ...Object.fromEntries(Object.entries(scheduling).map(([name, fields]) => [`k8s.io.api.scheduling.v1alpha2.${name}`, fields])),
  'k8s.io.api.core.v1.NodeAllocatableResourceClaimStatus': { resources: [3, 'map<string,.k8s.io.apimachinery.pkg.api.resource.Quantity>'] },
  'k8s.io.api.resource.v1.Device': { nodeAllocatableResourceMappings: [13, mappings] },
  'k8s.io.api.resource.v1beta1.BasicDevice': { nodeAllocatableResourceMappings: [12, mappings] },
  'k8s.io.api.resource.v1beta2.Device': { nodeAllocatableResourceMappings: [13, mappings] },
  'k8s.io.api.resource.v1.NodeAllocatableResourceMapping': mapping,
  'k8s.io.api.resource.v1beta1.NodeAllocatableResourceMapping': mapping,
  'k8s.io.api.resource.v1beta2.NodeAllocatableResourceMapping': mapping,
}

/** Whether objects of this name have a message, be it the release's alone. */
export function hasMessage(facts: ProtobufFacts, name: string): boolean {
  return Object.hasOwn(facts, name) || Object.hasOwn(releaseFields, name)
}

/** The fields of a message, those of the release included. */
export function fieldsOfMessage(facts: ProtobufFacts, name: string): ProtobufFacts[string] {
  return { ...facts[name], ...releaseFields[name] }
}
