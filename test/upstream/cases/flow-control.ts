/** FlowSchema and PriorityLevelConfiguration. */
import { type Case, clusterWide, create, creations, merged, patch, read, remove, updates } from '../upstream-case.ts'

const flows = clusterWide('flowcontrol.apiserver.k8s.io/v1', 'flowschemas')
const subject = { kind: 'User', user: { name: 'u' } }
const resourceRule = { verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['a'] }
const flow = {
  metadata: { name: 'core-flow' },
  spec: {
    priorityLevelConfiguration: { name: 'global-default' },
    matchingPrecedence: 500,
    rules: [{ subjects: [subject], resourceRules: [resourceRule] }],
  },
}
const rule = (change: object) => ({ spec: { rules: [merged({ subjects: [subject], resourceRules: [resourceRule] }, change)] } })
const resources = (change: object) => rule({ resourceRules: [merged(resourceRule, change)] })
const urls = (change: object) =>
  rule({ resourceRules: null, nonResourceRules: [merged({ verbs: ['get'], nonResourceURLs: ['/a'] }, change)] })

const ofFlows: Case[] = [
  ...creations(flows, flow, {
    'a flow': {},
    'no spec of a flow': { spec: null },
    'no level': { spec: { priorityLevelConfiguration: { name: '' } } },
    'a level that is none': { spec: { priorityLevelConfiguration: { name: 'A_b' } } },
    'a level that is not there': { spec: { priorityLevelConfiguration: { name: 'core-nothing' } } },
    'no precedence': { spec: { matchingPrecedence: null } },
    'a precedence of zero': { spec: { matchingPrecedence: 0 } },
    'a negative precedence': { spec: { matchingPrecedence: -1 } },
    'a precedence too high': { spec: { matchingPrecedence: 10001 } },
    'the precedence of the exempt': { spec: { matchingPrecedence: 1 } },
    'a method': { spec: { distinguisherMethod: { type: 'ByUser' } } },
    'an unknown method': { spec: { distinguisherMethod: { type: 'X' } } },
    'no rules': { spec: { rules: null } },
    'no subjects': rule({ subjects: [] }),
    'no rules of resources and paths': rule({ resourceRules: [] }),
    'an unknown subject': rule({ subjects: [{ kind: 'X' }] }),
    'subjects without names': rule({
      subjects: [
        { kind: 'User' },
        { kind: 'Group' },
        { kind: 'ServiceAccount' },
        { kind: 'User', user: { name: '' } },
        { kind: 'Group', group: { name: '' } },
        { kind: 'ServiceAccount', serviceAccount: { name: '', namespace: '' } },
      ],
    }),
    'subjects of too many kinds': rule({
      subjects: [{ kind: 'User', user: { name: 'a' }, group: { name: 'b' }, serviceAccount: { name: 'c', namespace: 'd' } }],
    }),
    'accounts with bad names': rule({
      subjects: [
        { kind: 'ServiceAccount', serviceAccount: { name: 'A_b', namespace: 'A_b' } },
        { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: '*' } },
      ],
    }),
    'every subject': rule({
      subjects: [
        { kind: 'User', user: { name: '*' } },
        { kind: 'Group', group: { name: '*' } },
        { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'a' } },
      ],
    }),
    'no verbs': resources({ verbs: [] }),
    'an unknown verb': resources({ verbs: ['eat'] }),
    'all verbs and another': resources({ verbs: ['*', 'get'] }),
    'no groups': resources({ apiGroups: [] }),
    'all groups and another': resources({ apiGroups: ['*', 'apps'] }),
    'no resources': resources({ resources: [] }),
    'all resources and another': resources({ resources: ['*', 'pods'] }),
    'no namespaces': resources({ namespaces: [] }),
    'resources of the cluster': resources({ namespaces: [], clusterScope: true }),
    'all namespaces and another': resources({ namespaces: ['*', 'a'] }),
    'bad namespaces': resources({ namespaces: ['A_b', ''] }),
    'no verbs of paths': urls({ verbs: [] }),
    'unknown verbs of paths': urls({ verbs: ['list', 'eat'] }),
    'no paths': urls({ nonResourceURLs: [] }),
    'bad paths': urls({ nonResourceURLs: ['a', '', '/a b', '/a//b', '/*/a', '/a*', '/a/*', '//', '/'] }),
    'all paths and another': urls({ nonResourceURLs: ['*', '/a'] }),
    'a status of a flow': { status: { conditions: [{ type: 'Dangling', status: 'True' }] } },
    'many things wrong with a flow': {
      spec: {
        priorityLevelConfiguration: { name: '' },
        matchingPrecedence: -5,
        distinguisherMethod: { type: 'X' },
        rules: [{ subjects: [], resourceRules: [{ verbs: [], apiGroups: [], resources: [] }] }],
      },
    },
  }),
  ...updates(flows, flow, {
    'another precedence': { spec: { matchingPrecedence: 600 } },
    'a bad precedence later': { spec: { matchingPrecedence: 20000 } },
    'a label of a flow': { metadata: { labels: { a: 'b' } } },
  }),
  ...updates(
    flows,
    flow,
    {
      'a status of a flow by its door': {
        status: {
          conditions: [{ type: 'Dangling', status: 'False', reason: 'R', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        },
      },
      'a bad status of a flow': { status: { conditions: [{ type: '' }, { type: 'A', status: 'X' }, { type: 'A', status: 'True' }] } },
      'a spec of a flow by its status': { spec: { matchingPrecedence: 700 }, metadata: { labels: { a: 'b' } } },
    },
    'status',
  ),
  {
    name: 'flows of the system',
    steps: [
      patch('merge', `${flows}/exempt?dryRun=All`, { spec: { matchingPrecedence: 2 } }),
      create(`${flows}?dryRun=All`, merged(flow, { metadata: { name: 'catch-all' } })),
      remove(`${flows}/catch-all?dryRun=All`),
    ],
  },
]

const levels = clusterWide('flowcontrol.apiserver.k8s.io/v1', 'prioritylevelconfigurations')
const level = {
  metadata: { name: 'core-level' },
  spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } },
}
const limited = (change: object) => ({ spec: { limited: change } })
const queues = (queuing: object) => limited({ limitResponse: { type: 'Queue', queuing } })

const ofLevels: Case[] = [
  ...creations(levels, level, {
    'a level': {},
    'no spec of a level': { spec: null },
    'no type of a level': { spec: { type: null } },
    'an unknown type of a level': { spec: { type: 'X' } },
    'an exempt level': { spec: { type: 'Exempt', limited: null } },
    'an exempt level that is limited': { spec: { type: 'Exempt' } },
    'a limited level without limits': { spec: { limited: null } },
    'a limited level that is exempt': { spec: { exempt: {} } },
    'no shares': limited({ nominalConcurrencyShares: null }),
    'shares of zero': limited({ nominalConcurrencyShares: 0 }),
    'negative shares': limited({ nominalConcurrencyShares: -1 }),
    lendable: limited({ lendablePercent: 50, borrowingLimitPercent: 100 }),
    'lendable beyond all': limited({ lendablePercent: 101, borrowingLimitPercent: -1 }),
    'an unknown response': limited({ limitResponse: { type: 'X' } }),
    'no response': limited({ limitResponse: null }),
    'a rejection with queues': limited({ limitResponse: { type: 'Reject', queuing: { queues: 1 } } }),
    queues: queues({ queues: 64, handSize: 6, queueLengthLimit: 50 }),
    'queues by default': limited({ limitResponse: { type: 'Queue' } }),
    'empty queues': queues({}),
    'negative queues': queues({ queues: -1, handSize: -1, queueLengthLimit: -1 }),
    'a hand larger than the queues': queues({ queues: 4, handSize: 8, queueLengthLimit: 1 }),
    'too much entropy': queues({ queues: 1000000, handSize: 20, queueLengthLimit: 1 }),
    'too many queues': queues({ queues: 20000000, handSize: 1, queueLengthLimit: 1 }),
    'an exempt level with bad shares': {
      spec: { type: 'Exempt', limited: null, exempt: { nominalConcurrencyShares: -1, lendablePercent: 101 } },
    },
    'a name of the system for another type': { metadata: { name: 'exempt' } },
    'a status of a level': { status: { conditions: [{ type: 'A', status: 'True' }] } },
  }),
  ...updates(levels, level, {
    'another share': limited({ nominalConcurrencyShares: 6 }),
    'another type of a level': { spec: { type: 'Exempt', limited: null } },
    'a label of a level': { metadata: { labels: { a: 'b' } } },
  }),
  ...updates(
    levels,
    level,
    { 'a bad status of a level': { status: { conditions: [{ type: '' }, { type: 'A', status: 'X' }, { type: 'A', status: 'True' }] } } },
    'status',
  ),
  {
    name: 'levels of the system',
    steps: [
      read(`${levels}/exempt`),
      patch('merge', `${levels}/exempt?dryRun=All`, { spec: { exempt: { nominalConcurrencyShares: 5 } } }),
      patch('merge', `${levels}/exempt?dryRun=All`, {
        spec: { type: 'Limited', exempt: null, limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } },
      }),
    ],
  },
]

export const withNulls = true
export const cases: readonly Case[] = [...ofFlows, ...ofLevels]
