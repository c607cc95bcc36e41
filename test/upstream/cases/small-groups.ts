/** PodDisruptionBudget, RuntimeClass, PriorityClass and Lease. */
import { type Case, clusterWide, create, creations, namespaced, patch, remove, replace, updates } from '../upstream-case.ts'

const budgets = namespaced('policy/v1', 'poddisruptionbudgets')
const budget = { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } } }

const ofBudgets: Case[] = [
  ...creations(budgets, budget, {
    'a budget': {},
    'no spec of a budget': { spec: null },
    'no selector of a budget': { spec: { selector: null } },
    'an empty selector of a budget': { spec: { selector: { matchLabels: null } } },
    'a bad selector of a budget': { spec: { selector: { matchLabels: { 'a b': '-' } } } },
    'a share': { spec: { minAvailable: '50%' } },
    'a share of more than all': { spec: { minAvailable: '101%' } },
    'a negative number': { spec: { minAvailable: -1 } },
    'no number': { spec: { minAvailable: 'x' } },
    'a number as text': { spec: { minAvailable: '5' } },
    'unavailable ones': { spec: { minAvailable: null, maxUnavailable: 1 } },
    'an unavailable share of more than all': { spec: { minAvailable: null, maxUnavailable: '200%' } },
    'a negative number of unavailable ones': { spec: { minAvailable: null, maxUnavailable: -1 } },
    'both bounds': { spec: { maxUnavailable: 1 } },
    'a policy of sick pods': { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } },
    'an unknown policy of sick pods': { spec: { unhealthyPodEvictionPolicy: 'X' } },
    'an empty policy of sick pods': { spec: { unhealthyPodEvictionPolicy: '' } },
    'a status of a budget': { status: { disruptionsAllowed: 5, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 } },
  }),
  ...updates(budgets, budget, {
    'another number': { spec: { minAvailable: 2 } },
    'another selector of a budget': { spec: { selector: { matchLabels: { app: 'b' } } } },
    'both bounds later': { spec: { maxUnavailable: 1 } },
    'a label of a budget': { metadata: { labels: { a: 'b' } } },
  }),
  ...updates(
    budgets,
    budget,
    {
      'a status of a budget by its door': {
        status: {
          disruptionsAllowed: 1,
          currentHealthy: 2,
          desiredHealthy: 1,
          expectedPods: 2,
          observedGeneration: 1,
          conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        },
      },
      'negative numbers': { status: { disruptionsAllowed: -1, currentHealthy: -1, desiredHealthy: -1, expectedPods: -1 } },
      'bad conditions': {
        status: {
          disruptionsAllowed: 0,
          currentHealthy: 0,
          desiredHealthy: 0,
          expectedPods: 0,
          conditions: [{ type: 'a b', status: 'X', reason: '', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        },
      },
      'a spec of a budget by its status': { metadata: { labels: { a: 'b' } }, spec: { minAvailable: 7 } },
    },
    'status',
  ),
]

const runtimes = clusterWide('node.k8s.io/v1', 'runtimeclasses')
const runtime = { metadata: { name: 'core-runtime' }, handler: 'runc' }

const ofRuntimes: Case[] = [
  ...creations(runtimes, runtime, {
    'a runtime': {},
    'no handler': { handler: null },
    'a bad handler': { handler: 'A_b' },
    'a handler too long': { handler: 'a'.repeat(64) },
    overhead: { overhead: { podFixed: { cpu: '100m', memory: '1Mi' } } },
    'a negative overhead': { overhead: { podFixed: { cpu: '-1' } } },
    'an overhead of an unknown resource': { overhead: { podFixed: { gold: '1' } } },
    'an empty overhead': { overhead: {} },
    scheduling: { scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }] } },
    'bad scheduling': {
      scheduling: {
        nodeSelector: { 'a b': 'c d' },
        tolerations: [{ key: 'k', operator: 'X' }, { operator: 'Equal' }, { key: 'a b' }, { key: 'a', effect: 'X' }],
      },
    },
    'one toleration twice': {
      scheduling: {
        tolerations: [
          { key: 'k', operator: 'Exists' },
          { key: 'k', operator: 'Exists' },
        ],
      },
    },
    'a selector of an old label': { scheduling: { nodeSelector: { 'beta.kubernetes.io/arch': 'amd64' } } },
  }),
  ...updates(runtimes, runtime, {
    'another handler': { handler: 'kata' },
    'an overhead later': { overhead: { podFixed: { cpu: '1' } } },
    'a label of a runtime': { metadata: { labels: { a: 'b' } } },
  }),
]

const priorities = clusterWide('scheduling.k8s.io/v1', 'priorityclasses')
const priority = { metadata: { name: 'core-priority' }, value: 5 }

const ofPriorities: Case[] = [
  ...creations(priorities, priority, {
    'a priority': {},
    'no value': { value: null },
    'a value too high': { value: 1000000001 },
    'a negative value': { value: -2000000000 },
    'a name of the system': { metadata: { name: 'system-core' } },
    'a name of the system for its value': { metadata: { name: 'system-node-critical' }, value: 5 },
    'a description': { description: 'd' },
    'never before others': { preemptionPolicy: 'Never' },
    'an unknown policy': { preemptionPolicy: 'X' },
    'an empty policy': { preemptionPolicy: '' },
    'a name with capitals': { metadata: { name: 'A_b' } },
  }),
  ...updates(priorities, priority, {
    'another value': { value: 6 },
    'another policy': { preemptionPolicy: 'Never' },
    'another description': { description: 'e' },
    'the default from now on': { globalDefault: true },
  }),
  {
    name: 'two defaults',
    given: [create(priorities, { ...priority, globalDefault: true })],
    steps: [create(priorities, { metadata: { name: 'core-second' }, value: 1, globalDefault: true })],
  },
  {
    name: 'a class of the system deleted',
    steps: [
      remove(`${priorities}/system-node-critical`),
      patch('merge', `${priorities}/system-node-critical`, { description: 'x' }),
      patch('merge', `${priorities}/system-node-critical`, { value: 5 }),
    ],
  },
]

const leases = namespaced('coordination.k8s.io/v1', 'leases')
const lease = { metadata: { name: 'l' }, spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } }

const ofLeases: Case[] = [
  ...creations(leases, lease, {
    'a lease': {},
    'no spec of a lease': { spec: null },
    'a lease for no time': { spec: { leaseDurationSeconds: 0 } },
    'a negative number of transitions': { spec: { leaseTransitions: -1, leaseDurationSeconds: -5 } },
    'an empty holder': { spec: { holderIdentity: '' } },
    times: { spec: { acquireTime: '2026-01-02T03:04:05.000006Z', renewTime: '2026-01-02T03:04:05.000006Z', leaseTransitions: 1 } },
    'a strategy': { spec: { strategy: 'OldestEmulationVersion' } },
    'a strategy of its own': { spec: { strategy: 'example.com/mine' } },
    'a bad strategy': { spec: { strategy: 'a b' } },
    'an unknown strategy': { spec: { strategy: 'Newest' } },
    'a preferred holder': { spec: { preferredHolder: 'b' } },
    'a preferred holder with a strategy': { spec: { preferredHolder: 'b', strategy: 'OldestEmulationVersion' } },
    'an empty preferred holder': { spec: { preferredHolder: '', strategy: 'OldestEmulationVersion' } },
  }),
  ...updates(leases, lease, {
    'another holder': { spec: { holderIdentity: 'b' } },
    'a bad lease later': { spec: { leaseDurationSeconds: -1 } },
  }),
  { name: 'a lease put where there was none', steps: [replace(`${leases}/l`, lease)] },
  { name: 'a lease put without its version', given: [create(leases, lease)], steps: [replace(`${leases}/l`, lease)] },
]

export const cases: readonly Case[] = [...ofBudgets, ...ofRuntimes, ...ofPriorities, ...ofLeases]
