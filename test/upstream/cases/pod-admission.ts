/** Pods under limits, priorities, service accounts, runtime classes and quotas of their namespace. */
import { plainContainer, podOf, podWith, pods } from '../pod-cases.ts'
import { type Case, clusterWide, create, namespaced, patch, remove } from '../upstream-case.ts'

const limits = namespaced('v1', 'limitranges')
const underLimits = (item: object, named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([name, pod]) => ({
    name,
    given: [create(limits, { metadata: { name: 'l' }, spec: { limits: [item] } })],
    steps: [{ ...create(pods, pod) }],
  }))
const resources = (requests: object, limit: object = {}) => podOf({ resources: { requests, limits: limit } })
const classes = clusterWide('scheduling.k8s.io/v1', 'priorityclasses')
const runtimes = clusterWide('node.k8s.io/v1', 'runtimeclasses')
const quotas = namespaced('v1', 'resourcequotas')
const underQuota = (hard: object, used: object, pod: object, more: object = {}) => ({
  given: [
    create(quotas, { metadata: { name: 'q' }, spec: { hard, ...more } }),
    patch('merge', `${quotas}/q/status`, { status: { hard, used } }),
  ],
  steps: [create(pods, pod)],
})
const account = (name: string, more: object) => create(namespaced('v1', 'serviceaccounts'), { metadata: { name }, ...more })

export const cases: readonly Case[] = [
  ...underLimits(
    { type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '500m', memory: '1Mi' } },
    {
      'defaults of a limit': podWith({}),
      'defaults beside own requests': resources({ cpu: '100m' }),
    },
  ),
  ...underLimits(
    { type: 'Container', min: { cpu: '100m', memory: '10Mi' }, max: { cpu: '1', memory: '1Gi' } },
    {
      'too little': resources({ cpu: '50m', memory: '1Mi' }, { cpu: '50m', memory: '1Mi' }),
      'too much': resources({ cpu: '2', memory: '2Gi' }, { cpu: '2', memory: '2Gi' }),
      'nothing said': podWith({}),
      'a limit beyond': resources({ cpu: '100m', memory: '10Mi' }, { cpu: '3', memory: '10Mi' }),
    },
  ),
  ...underLimits(
    { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
    {
      'a ratio too great': resources({ cpu: '100m' }, { cpu: '1' }),
      'a ratio that is fine': resources({ cpu: '500m' }, { cpu: '1' }),
      'no ratio': podWith({}),
    },
  ),
  ...underLimits(
    { type: 'Pod', min: { cpu: '500m' }, max: { cpu: '1', memory: '1Gi' } },
    {
      'a pod too great': podWith({
        containers: [1, 2].map((i) => ({ ...plainContainer, name: `c${i}`, resources: { limits: { cpu: '1', memory: '1Gi' } } })),
      }),
      'a pod too small': resources({ cpu: '10m', memory: '1Mi' }, { cpu: '10m', memory: '1Mi' }),
      'a pod that says nothing': podWith({}),
    },
  ),
  { name: 'a class that is not there', steps: [create(pods, podWith({ priorityClassName: 'none' }))] },
  { name: 'a number without a class', steps: [create(pods, podWith({ priority: 5 }))] },
  { name: 'a policy without a class', steps: [create(pods, podWith({ preemptionPolicy: 'Never' }))] },
  { name: 'a critical pod', steps: [create(pods, podWith({ priorityClassName: 'system-node-critical' }))] },
  {
    name: 'a class',
    given: [create(classes, { metadata: { name: 'upstream-high' }, value: 7, preemptionPolicy: 'Never' })],
    steps: [
      { ...create(pods, podWith({ priorityClassName: 'upstream-high' })), until: 201 },
      create(pods, podWith({ priorityClassName: 'upstream-high', priority: 8 }, { name: 'q' })),
      create(pods, podWith({ priorityClassName: 'upstream-high', preemptionPolicy: 'PreemptLowerPriority' }, { name: 'r' })),
      remove(`${classes}/upstream-high`),
    ],
  },
  { name: 'an account that is not there', steps: [create(pods, podWith({ serviceAccountName: 'none' }))] },
  {
    name: 'an account that pulls',
    given: [account('puller', { imagePullSecrets: [{ name: 'a' }] })],
    steps: [
      create(pods, podWith({ serviceAccountName: 'puller' })),
      create(pods, podWith({ serviceAccountName: 'puller', imagePullSecrets: [{ name: 'b' }] }, { name: 'q' })),
    ],
  },
  {
    name: 'an account without tokens',
    given: [account('silent', { automountServiceAccountToken: false })],
    steps: [create(pods, podWith({ serviceAccountName: 'silent' }))],
  },
  {
    name: 'an account of few secrets',
    given: [
      account('strict', {
        metadata: { name: 'strict', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
        secrets: [{ name: 'a' }],
      }),
    ],
    steps: [
      create(pods, podWith({ serviceAccountName: 'strict', volumes: [{ name: 'v', secret: { secretName: 'b' } }] })),
      create(pods, podOf({ envFrom: [{ secretRef: { name: 'b' } }] }, { serviceAccountName: 'strict' })),
      create(pods, podOf({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'b', key: 'k' } } }] }, { serviceAccountName: 'strict' })),
      create(pods, podWith({ serviceAccountName: 'strict', imagePullSecrets: [{ name: 'b' }] })),
    ],
  },
  {
    name: 'a mirror with an account',
    steps: [
      create(pods, podWith({ serviceAccountName: 'default', nodeName: 'n' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } })),
    ],
  },
  { name: 'a runtime that is not there', steps: [create(pods, podWith({ runtimeClassName: 'none' }))] },
  { name: 'overhead without a runtime', steps: [create(pods, podWith({ overhead: { cpu: '1' } }))] },
  {
    name: 'a runtime',
    given: [
      create(runtimes, {
        metadata: { name: 'upstream-rt' },
        handler: 'h',
        overhead: { podFixed: { cpu: '10m' } },
        scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }] },
      }),
    ],
    steps: [
      { ...create(pods, podWith({ runtimeClassName: 'upstream-rt' })), until: 201 },
      create(pods, podWith({ runtimeClassName: 'upstream-rt', overhead: { cpu: '1' } }, { name: 'q' })),
      create(pods, podWith({ runtimeClassName: 'upstream-rt', nodeSelector: { a: 'c' } }, { name: 'r' })),
      remove(`${runtimes}/upstream-rt`),
    ],
  },
  { name: 'more pods than there may be', ...underQuota({ pods: '0' }, { pods: '0' }, podWith({})) },
  {
    name: 'a quota of what is not said',
    ...underQuota({ 'requests.cpu': '1', 'limits.memory': '1Gi' }, { 'requests.cpu': '0', 'limits.memory': '0' }, podWith({})),
  },
  {
    name: 'more than is left',
    ...underQuota({ 'requests.cpu': '100m', pods: '5' }, { 'requests.cpu': '0', pods: '0' }, resources({ cpu: '200m' })),
  },
  { name: 'a quota of best effort', ...underQuota({ pods: '0' }, { pods: '0' }, podWith({}), { scopes: ['BestEffort'] }) },
  { name: 'a quota of others', ...underQuota({ pods: '0' }, { pods: '0' }, podWith({}), { scopes: ['NotBestEffort'] }) },
]
