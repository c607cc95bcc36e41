/** Deployments, ReplicaSets and DaemonSets: validation, defaults, updates, status and scale. */
import { type Case, create, creations, merged, namespaced, patch, read, replace, replacements, titled } from '../upstream-case.ts'

const deployments = namespaced('apps/v1', 'deployments')
const replicaSets = namespaced('apps/v1', 'replicasets')
const daemonSets = namespaced('apps/v1', 'daemonsets')

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'busybox' }] } }
const plain = { metadata: { name: 'w' }, spec: { selector: { matchLabels: { a: 'b' } }, template } }

/** What all three hold of selector and template. */
const shared = {
  'the least': {},
  'no selector': { spec: { selector: null } },
  'an empty selector': { spec: { selector: { matchLabels: null } } },
  'a selector that does not match': { spec: { selector: { matchLabels: { a: 'c' } } } },
  'a selector with a bad operator': { spec: { selector: { matchLabels: null, matchExpressions: [{ key: 'a', operator: 'Is' }] } } },
  'a selector with bad labels': { spec: { selector: { matchLabels: { a: '-' } } } },
  'an expression without values': { spec: { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } } },
  'an expression with values that none should have': {
    spec: { selector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] } },
  },
  'no template': { spec: { template: null } },
  'no spec': { spec: null },
  'a restart policy that ends': { spec: { template: { spec: { restartPolicy: 'Never' } } } },
  'a restart policy that is none': { spec: { template: { spec: { restartPolicy: 'Perhaps' } } } },
  'a deadline': { spec: { template: { spec: { activeDeadlineSeconds: 5 } } } },
  'a negative wait': { spec: { minReadySeconds: -1 } },
  'a name that is no label': { metadata: { name: 'a.b' } },
  'a name that is none': { metadata: { name: 'A_b' } },
  'several things wrong': {
    spec: {
      minReadySeconds: -1,
      replicas: -2,
      revisionHistoryLimit: -3,
      selector: { matchLabels: { a: 'c' } },
      template: { spec: { containers: [{ name: 'C', image: '' }], restartPolicy: 'OnFailure' } },
    },
  },
  'labels of the template that are none': { spec: { template: { metadata: { labels: { 'x y': 'b' }, annotations: { 'x y': '' } } } } },
  'a template with a name': { spec: { template: { metadata: { name: 'x', namespace: 'y', finalizers: ['a'] } } } },
  'a status that is given': { status: { replicas: 4, observedGeneration: 3 } },
}

const strategy = (value: object) => ({ spec: { strategy: value } })
const rolling = (rollingUpdate: object) => strategy({ type: 'RollingUpdate', rollingUpdate })

const deploymentCases = [
  ...creations(deployments, plain, {
    ...shared,
    'negative replicas': { spec: { replicas: -1 } },
    'a negative history': { spec: { revisionHistoryLimit: -1 } },
    'a negative deadline': { spec: { progressDeadlineSeconds: -1 } },
    'a deadline below the wait': { spec: { progressDeadlineSeconds: 5, minReadySeconds: 5 } },
    'an unknown strategy': strategy({ type: 'Slowly' }),
    'recreating with numbers for rolling': strategy({ type: 'Recreate', rollingUpdate: { maxSurge: 1 } }),
    recreating: strategy({ type: 'Recreate' }),
    'no room to roll': rolling({ maxSurge: 0, maxUnavailable: 0 }),
    'no room to roll in percent': rolling({ maxSurge: '0%', maxUnavailable: '0%' }),
    'more than all': rolling({ maxUnavailable: '101%' }),
    'a surge above all': rolling({ maxSurge: '150%' }),
    'texts that are no percentage': rolling({ maxSurge: 'x', maxUnavailable: '5' }),
    'negative numbers': rolling({ maxSurge: -1, maxUnavailable: -1 }),
    paused: { spec: { paused: true } },
  }),
  ...replacements(deployments, plain, {
    'another selector': { spec: { selector: { matchLabels: { a: 'c' } }, template: { metadata: { labels: { a: 'c' } } } } },
    'another image': { spec: { template: { spec: { containers: [{ name: 'c', image: 'nginx' }] } } } },
    'another annotation': { metadata: { annotations: { x: 'y' } } },
    'a selector that no longer matches': { spec: { template: { metadata: { labels: { a: 'c' } } } } },
  }),
]

const status = (value: object) => ({ status: value })
const counts = {
  'negative counts': status({
    observedGeneration: -1,
    replicas: -1,
    updatedReplicas: -1,
    readyReplicas: -1,
    availableReplicas: -1,
    unavailableReplicas: -1,
    terminatingReplicas: -1,
    collisionCount: -1,
    fullyLabeledReplicas: -1,
    currentReplicas: -1,
  }),
  'parts above the whole': status({
    replicas: 1,
    updatedReplicas: 2,
    readyReplicas: 3,
    availableReplicas: 4,
    fullyLabeledReplicas: 2,
    currentReplicas: 5,
  }),
  'a status that is': { metadata: { labels: { x: 'y' } }, ...status({ replicas: 1, observedGeneration: 1 }), spec: { replicas: 9 } },
}

const scaling = (path: string): Case => ({
  name: 'scale',
  given: [create(path, merged(plain, { metadata: { labels: { m: 'n' } } }))],
  steps: [
    read(`${path}/w/scale`),
    patch('merge', `${path}/w/scale`, { spec: { replicas: 3 } }),
    patch('merge', `${path}/w/scale`, { spec: { replicas: -3 } }),
    replace(`${path}/w/scale`, { metadata: { name: 'w' }, spec: {} }),
    replace(`${path}/w/scale`, { metadata: { name: 'x' }, spec: { replicas: 1 } }),
    replace(`${path}/w/scale`, { metadata: { name: 'w', resourceVersion: '1' }, spec: { replicas: 1 } }),
    read(`${path}/x/scale`),
    read(`${path}/w`),
  ],
})

const updateStrategy = (value: object) => ({ spec: { updateStrategy: value } })
const rollingDaemon = (rollingUpdate: object) => updateStrategy({ type: 'RollingUpdate', rollingUpdate })

export const cases: readonly Case[] = [
  ...titled('Deployment', deploymentCases),
  ...titled('Deployment status', replacements(deployments, plain, counts, 'status')),
  ...titled('Deployment', [
    scaling(deployments),
    {
      name: 'collisions are counted up',
      given: [create(deployments, plain), patch('merge', `${deployments}/w/status`, status({ collisionCount: 2 }))],
      steps: [
        patch('merge', `${deployments}/w/status`, status({ collisionCount: 1 })),
        patch('merge', `${deployments}/w/status`, status({ collisionCount: null })),
        patch('merge', `${deployments}/w`, { status: { collisionCount: 9 }, spec: { replicas: -1 } }),
      ],
    },
  ]),
  ...titled('ReplicaSet', creations(replicaSets, plain, shared)),
  ...titled(
    'ReplicaSet',
    replacements(replicaSets, plain, {
      'another selector': { spec: { selector: { matchLabels: { a: 'c' } }, template: { metadata: { labels: { a: 'c' } } } } },
      'more replicas': { spec: { replicas: 2 } },
    }),
  ),
  ...titled('ReplicaSet status', replacements(replicaSets, plain, counts, 'status')),
  ...titled('ReplicaSet', [scaling(replicaSets)]),
  ...titled(
    'DaemonSet',
    creations(daemonSets, plain, {
      ...shared,
      'a negative history': { spec: { revisionHistoryLimit: -1 } },
      'an unknown strategy': updateStrategy({ type: 'Slowly' }),
      'a strategy on deletion': updateStrategy({ type: 'OnDelete' }),
      'on deletion with numbers': updateStrategy({ type: 'OnDelete', rollingUpdate: { maxSurge: 1 } }),
      'surge and gaps': rollingDaemon({ maxSurge: 1, maxUnavailable: 1 }),
      'neither surge nor gaps': rollingDaemon({ maxSurge: 0, maxUnavailable: 0 }),
      'only surge': rollingDaemon({ maxSurge: '10%', maxUnavailable: 0 }),
      'more than all': rollingDaemon({ maxSurge: '101%', maxUnavailable: '102%' }),
      'texts that are no percentage': rollingDaemon({ maxSurge: 'x', maxUnavailable: 'y' }),
      'negative numbers': rollingDaemon({ maxSurge: -1, maxUnavailable: -1 }),
      'a template generation that is given': { metadata: { annotations: { 'deprecated.daemonset.template.generation': '7' } } },
    }),
  ),
  ...titled(
    'DaemonSet',
    replacements(daemonSets, plain, {
      'another selector': { spec: { selector: { matchLabels: { a: 'c' } }, template: { metadata: { labels: { a: 'c' } } } } },
      'another image': { spec: { template: { spec: { containers: [{ name: 'c', image: 'nginx' }] } } } },
      'another template generation': { metadata: { annotations: { 'deprecated.daemonset.template.generation': '0' } } },
      'another annotation': { metadata: { annotations: { x: 'y' } } },
    }),
  ),
  ...titled(
    'DaemonSet status',
    replacements(
      daemonSets,
      plain,
      {
        'negative counts': status({
          currentNumberScheduled: -1,
          numberMisscheduled: -1,
          desiredNumberScheduled: -1,
          numberReady: -1,
          observedGeneration: -1,
          updatedNumberScheduled: -1,
          numberAvailable: -1,
          numberUnavailable: -1,
          collisionCount: -1,
        }),
        'a status that is': status({ currentNumberScheduled: 1, numberMisscheduled: 0, desiredNumberScheduled: 2, numberReady: 1 }),
        'a status without its numbers': status({ numberReady: 1 }),
      },
      'status',
    ),
  ),
]
