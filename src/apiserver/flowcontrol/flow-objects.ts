/**
 * The FlowSchemas and PriorityLevelConfigurations that every cluster starts with, mandatory and suggested
 * (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults).
 */
import { everyRequest, mandatoryLevels, mandatorySchemas } from '../../kinds/flowcontrol/mandatory.ts'
import type {
  FlowSchema,
  FlowSchemaSpec,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from '../../kinds/generated/types/flowcontrol-v1.ts'

export type StartingObject<T> = { readonly object: T; readonly isMandatory: boolean }

/** Says whether the server keeps the spec as it ships it (`true`) or an administrator has taken it over (`false`). */
export const autoUpdateAnnotation = 'apf.kubernetes.io/autoupdate-spec'

const apiVersion = 'flowcontrol.apiserver.k8s.io/v1'
const metadata = (name: string) => ({ name, annotations: { [autoUpdateAnnotation]: 'true' } })

const level = (name: string, spec: PriorityLevelConfigurationSpec, isMandatory = false): StartingObject<PriorityLevelConfiguration> => ({
  object: { apiVersion, kind: 'PriorityLevelConfiguration', metadata: metadata(name), spec, status: {} },
  isMandatory,
})

const queueLengthLimit = 50

function queued(shares: number, lendablePercent: number, shape: { readonly queues: number; readonly handSize: number }) {
  const limitResponse = { type: 'Queue', queuing: { ...shape, queueLengthLimit } }
  return { type: 'Limited', limited: { nominalConcurrencyShares: shares, lendablePercent, limitResponse } }
}

export const startingLevels: readonly StartingObject<PriorityLevelConfiguration>[] = [
  level('exempt', mandatoryLevels.exempt, true),
  level('catch-all', mandatoryLevels['catch-all'], true),
  level('system', queued(30, 33, { queues: 64, handSize: 6 })),
  level('node-high', queued(40, 25, { queues: 64, handSize: 6 })),
  level('leader-election', queued(10, 0, { queues: 16, handSize: 4 })),
  level('workload-high', queued(40, 50, { queues: 128, handSize: 6 })),
  level('workload-low', queued(100, 90, { queues: 128, handSize: 6 })),
  level('global-default', queued(20, 50, { queues: 128, handSize: 6 })),
]

const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }))
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }))
const systemAccounts = (...names: string[]): Subject[] =>
  names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { name, namespace: 'kube-system' } }))

type Rule = { readonly verbs: string[]; readonly group: string; readonly resources: string[]; readonly namespaces: string[] }
const resourceRule = ({ verbs, group, resources, namespaces }: Rule, clusterScope = false): ResourcePolicyRule => ({
  verbs,
  apiGroups: [group],
  resources,
  ...(clusterScope ? { clusterScope } : {}),
  namespaces,
})

type SchemaFacts = {
  readonly name: string
  readonly level: string
  readonly precedence: number
  readonly by?: 'ByUser' | 'ByNamespace'
  readonly subjects: Subject[]
  /** Default: everything. */
  readonly rules?: Pick<NonNullable<FlowSchemaSpec['rules']>[number], 'resourceRules' | 'nonResourceRules'>
}

const schema = ({ name, level: to, precedence, by, subjects, rules = everyRequest }: SchemaFacts) => ({
  object: {
    apiVersion,
    kind: 'FlowSchema',
    metadata: metadata(name),
    spec: {
      priorityLevelConfiguration: { name: to },
      matchingPrecedence: precedence,
      ...(by ? { distinguisherMethod: { type: by } } : {}),
      rules: [{ subjects, ...rules }],
    },
  },
  isMandatory: false,
})

const elections = {
  resourceRules: [
    resourceRule({ verbs: ['get', 'create', 'update'], group: 'coordination.k8s.io', resources: ['leases'], namespaces: ['*'] }),
  ],
}

export const startingSchemas: readonly StartingObject<FlowSchema>[] = [
  ...Object.entries(mandatorySchemas).map(([name, spec]) => ({
    object: { apiVersion, kind: 'FlowSchema', metadata: metadata(name), spec },
    isMandatory: true,
  })),
  schema({
    name: 'probes',
    level: 'exempt',
    precedence: 2,
    subjects: groups('system:unauthenticated', 'system:authenticated'),
    rules: { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] },
  }),
  schema({
    name: 'system-leader-election',
    level: 'leader-election',
    precedence: 100,
    by: 'ByUser',
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...systemAccounts('*')],
    rules: elections,
  }),
  schema({
    name: 'system-node-high',
    level: 'node-high',
    precedence: 400,
    by: 'ByUser',
    subjects: groups('system:nodes'),
    rules: {
      resourceRules: [
        resourceRule({ verbs: ['*'], group: '', resources: ['nodes', 'nodes/status'], namespaces: ['*'] }, true),
        resourceRule({ verbs: ['*'], group: 'coordination.k8s.io', resources: ['leases'], namespaces: ['*'] }),
      ],
    },
  }),
  schema({ name: 'system-nodes', level: 'system', precedence: 500, by: 'ByUser', subjects: groups('system:nodes') }),
  schema({
    name: 'kube-controller-manager',
    level: 'workload-high',
    precedence: 800,
    by: 'ByNamespace',
    subjects: users('system:kube-controller-manager'),
  }),
  schema({
    name: 'kube-scheduler',
    level: 'workload-high',
    precedence: 800,
    by: 'ByNamespace',
    subjects: users('system:kube-scheduler'),
  }),
  schema({
    name: 'kube-system-service-accounts',
    level: 'workload-high',
    precedence: 900,
    by: 'ByNamespace',
    subjects: systemAccounts('*'),
  }),
  schema({
    name: 'service-accounts',
    level: 'workload-low',
    precedence: 9000,
    by: 'ByUser',
    subjects: groups('system:serviceaccounts'),
  }),
  schema({
    name: 'global-default',
    level: 'global-default',
    precedence: 9900,
    by: 'ByUser',
    subjects: groups('system:unauthenticated', 'system:authenticated'),
  }),
]
