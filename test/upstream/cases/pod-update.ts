/** Pods: what an update may change. */
import { after, plainContainer, podWith, pods } from '../pod-cases.ts'
import { type Case, merged, patch, replace } from '../upstream-case.ts'

const at = `${pods}/p`
const rich = podWith({
  automountServiceAccountToken: false,
  activeDeadlineSeconds: 100,
  tolerations: [{ key: 'a', operator: 'Exists' }],
  initContainers: [{ name: 'i', image: 'busybox:1' }],
  containers: [{ ...plainContainer, env: [{ name: 'A', value: '<1>' }] }],
})
const gated = podWith({
  schedulingGates: [{ name: 'a' }, { name: 'b' }],
  nodeSelector: { x: 'y' },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }] }, { matchFields: [] }],
      },
    },
  },
})

/** One merge patch of the pod for each name. */
const changes = (pod: object, named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([name, change]) => after(name, pod, patch('merge', at, change)))
const specs = (pod: object, named: Readonly<Record<string, object>>) =>
  changes(pod, Object.fromEntries(Object.entries(named).map(([name, spec]) => [name, { spec }])))
const container = (change: object) => ({ containers: [{ ...plainContainer, env: [{ name: 'A', value: '<1>' }], ...change }] })
const terms = (...nodeSelectorTerms: object[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
})
const expression = (key: string) => ({ key, operator: 'In', values: ['v'] })

export const cases: readonly Case[] = [
  ...specs(rich, {
    'an image': container({ image: 'other' }),
    'an image of nothing': container({ image: '' }),
    'an image with blanks': container({ image: ' x' }),
    'an image of an init container': { initContainers: [{ name: 'i', image: 'other' }] },
    'a container more': {
      containers: [
        { ...plainContainer, env: [{ name: 'A', value: '<1>' }] },
        { name: 'd', image: 'x' },
      ],
    },
    'an init container less': { initContainers: null },
    'another name of a container': container({ name: 'd' }),
    'another variable': container({ env: [{ name: 'A', value: '2 & 3' }] }),
    'a command and an image': container({ command: ['x'], image: 'other' }),
    'more requests': container({ resources: { requests: { cpu: '1' } } }),
    'a shorter deadline': { activeDeadlineSeconds: 50 },
    'a longer deadline': { activeDeadlineSeconds: 200 },
    'a negative deadline': { activeDeadlineSeconds: -1 },
    'no deadline any more': { activeDeadlineSeconds: null },
    'a toleration more': {
      tolerations: [
        { key: 'a', operator: 'Exists' },
        { key: 'b', operator: 'Exists' },
      ],
    },
    'a bad toleration more': {
      tolerations: [
        { key: 'a', operator: 'Exists' },
        { key: 'b', operator: 'Near' },
      ],
    },
    'a toleration less': { tolerations: [{ key: 'b', operator: 'Exists' }] },
    'a toleration changed': { tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute' }] },
    'tolerations without those given by default': { tolerations: [{ key: 'a', operator: 'Exists' }] },
    'another grace': { terminationGracePeriodSeconds: 5 },
    'another node': { nodeName: 'n' },
    'a gate more': { schedulingGates: [{ name: 'a' }] },
    'another service account': { serviceAccountName: 'other' },
    'another priority': { priority: 5 },
    'another preemption': { preemptionPolicy: 'Never' },
    'a selector of nodes': { nodeSelector: { a: 'b' } },
    'another host name and namespaces': { hostname: 'x', hostPID: true },
    'the user of the pod': { securityContext: { runAsUser: 5 } },
    'a volume more': { volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }] },
    'several at once': { hostname: 'A', nodeName: 'n', activeDeadlineSeconds: 200, containers: [{ name: 'c', image: '' }] },
    nothing: {},
  }),
  ...specs(gated, {
    'a gate less': { schedulingGates: [{ name: 'b' }] },
    'no gates': { schedulingGates: null },
    'another gate': { schedulingGates: [{ name: 'c' }, { name: 'a' }] },
    'another label of nodes': { nodeSelector: { x: 'y', z: 'w' } },
    'a label of nodes changed': { nodeSelector: { x: 'z' } },
    'no labels of nodes': { nodeSelector: null },
    'another condition of nodes': terms({ matchExpressions: [expression('k'), expression('l')] }, { matchFields: [] }),
    'a condition of nodes changed': terms({ matchExpressions: [expression('l')] }, { matchFields: [] }),
    'a condition of nodes for a term without any': terms({ matchExpressions: [expression('k')] }, { matchExpressions: [expression('k')] }),
    'a term of nodes less': terms({ matchExpressions: [expression('k')] }),
    'no affinity': { affinity: null },
    'affinity to pods': {
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: {} }] } },
    },
    'an image of a pod that is gated': { containers: [{ ...plainContainer, image: 'other' }] },
    'a node of a pod that is gated': { nodeName: 'n' },
  }),
  ...specs(podWith({ schedulingGates: [{ name: 'a' }] }), {
    'a first selector of nodes': { nodeSelector: { a: 'b' } },
    'a first condition of nodes': terms({ matchExpressions: [expression('k')] }),
    'a first wish': {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [expression('k')] } }],
        },
      },
    },
  }),
  ...changes(podWith({ nodeName: 'n' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), {
    'a mirror’s annotation': { metadata: { annotations: { 'kubernetes.io/config.mirror': 'y' } } },
    'no mirror any more': { metadata: { annotations: null } },
  }),
  ...changes(podWith({}), {
    'a mirror from now on': { metadata: { annotations: { 'kubernetes.io/config.mirror': 'y' } } },
    'an AppArmor annotation': { metadata: { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' } } },
    'a label and an annotation': { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } } },
    'a bad deletion cost': { metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': 'x' } } },
    'a status beside': { status: { phase: 'Running', observedGeneration: 5 } },
    'the generation': { metadata: { generation: 7 } },
  }),
  after('a replacement', podWith({}), replace(at, merged(podWith({ nodeName: 'n' }), { metadata: { labels: { a: 'b' } } }))),
  after(
    'generations',
    podWith({}),
    patch('merge', at, { spec: { containers: [{ ...plainContainer, image: 'x' }] } }),
    patch('merge', at, { metadata: { labels: { a: 'b' } } }),
  ),
]
