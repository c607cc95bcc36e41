import type { ProtobufFacts } from './protobuf.ts'

/**
 * Fields of Kubernetes 1.36 that the generated wire facts, which are of a later commit, have dropped. All are alpha; they
 * are here so that every object of this release keeps its bytes.
 */
const mapping = { capacityKey: [1, 'string'], allocationMultiplier: [2, '.k8s.io.apimachinery.pkg.api.resource.Quantity'] } as const
const mappings = 'map<string,NodeAllocatableResourceMapping>'

const releaseFields: ProtobufFacts = {
  'k8s.io.api.core.v1.NodeAllocatableResourceClaimStatus': { resources: [3, 'map<string,.k8s.io.apimachinery.pkg.api.resource.Quantity>'] },
  'k8s.io.api.resource.v1.Device': { nodeAllocatableResourceMappings: [13, mappings] },
  'k8s.io.api.resource.v1beta1.BasicDevice': { nodeAllocatableResourceMappings: [12, mappings] },
  'k8s.io.api.resource.v1beta2.Device': { nodeAllocatableResourceMappings: [13, mappings] },
  'k8s.io.api.resource.v1.NodeAllocatableResourceMapping': mapping,
  'k8s.io.api.resource.v1beta1.NodeAllocatableResourceMapping': mapping,
  'k8s.io.api.resource.v1beta2.NodeAllocatableResourceMapping': mapping,
}

/** The fields of a message, those of the release included. */
export function fieldsOfMessage(facts: ProtobufFacts, name: string): ProtobufFacts[string] {
  return { ...facts[name], ...releaseFields[name] }
}
