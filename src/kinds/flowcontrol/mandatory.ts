import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from '../generated/types/flowcontrol-v1.ts'

/**
 * What every cluster has and nobody may change: requests of administrators are never queued, and every request matches something
 * (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#mandatory-configuration-objects).
 */

export const everyRequest = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
}

const ofGroups = (...names: readonly string[]) => [{ subjects: names.map((name) => ({ kind: 'Group', group: { name } })), ...everyRequest }]

export const mandatorySchemas = {
  exempt: {
    priorityLevelConfiguration: { name: 'exempt' },
    matchingPrecedence: 1,
    rules: ofGroups('system:masters'),
  },
  'catch-all': {
    priorityLevelConfiguration: { name: 'catch-all' },
    matchingPrecedence: 10_000,
    distinguisherMethod: { type: 'ByUser' },
    rules: ofGroups('system:unauthenticated', 'system:authenticated'),
  },
} as const satisfies Readonly<Record<string, object>>

export const mandatoryLevels = {
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'catch-all': { type: 'Limited', limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } } },
} as const satisfies Readonly<Record<string, object>>

/** The fixed spec of a name; undefined: anybody's. */
export const mandatorySchema = (name: string): FlowSchemaSpec | undefined =>
  Object.hasOwn(mandatorySchemas, name) ? ((mandatorySchemas as Readonly<Record<string, unknown>>)[name] as FlowSchemaSpec) : undefined

export const mandatoryLevel = (name: string): PriorityLevelConfigurationSpec | undefined =>
  Object.hasOwn(mandatoryLevels, name)
    ? ((mandatoryLevels as Readonly<Record<string, unknown>>)[name] as PriorityLevelConfigurationSpec)
    : undefined
