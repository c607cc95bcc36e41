/** ReplicationControllers and PodTemplates: what holds a pod's template. */
import { type Case, create, creations, merged, namespaced, patch, read, replace } from '../upstream-case.ts'

const controllers = namespaced('v1', 'replicationcontrollers')
const templates = namespaced('v1', 'podtemplates')
const spec = { containers: [{ name: 'c', image: 'busybox' }] }
const controller = { metadata: { name: 'r' }, spec: { selector: { a: 'b' }, template: { metadata: { labels: { a: 'b' } }, spec } } }
const template = { metadata: { name: 't' }, template: { metadata: { labels: { a: 'b' } }, spec } }
const at = `${controllers}/r`
const inTemplate = (change: object) => ({ spec: { template: { spec: change } } })
const changed = (path: string, object: object, to: string, named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([name, change]) => ({ name, given: [create(path, object)], steps: [patch('merge', to, change)] }))
const appArmor = { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' }

export const cases: readonly Case[] = [
  ...creations(controllers, controller, {
    'the least controller': {},
    'no spec': { spec: null },
    'no selector': { spec: { selector: null } },
    'an empty selector and no labels': { spec: { selector: {}, template: { metadata: { labels: null } } } },
    'a selector of other labels': { spec: { selector: { a: 'c' } } },
    'no template': { spec: { template: null } },
    'negative replicas and seconds': { spec: { replicas: -1, minReadySeconds: -1 } },
    'a policy to restart': inTemplate({ restartPolicy: 'Never' }),
    'an unknown policy to restart': inTemplate({ restartPolicy: 'Sometimes' }),
    'a deadline': inTemplate({ activeDeadlineSeconds: 5 }),
    'no containers': inTemplate({ containers: [] }),
    'a bad label of the template': { spec: { template: { metadata: { labels: { a: 'b', 'c d': 'e' } } } } },
    'a bad annotation of the template': { spec: { template: { metadata: { annotations: { 'c d': 'e' } } } } },
    'an ephemeral container': inTemplate({ ephemeralContainers: [{ name: 'e', image: 'x' }] }),
    'an image with blanks': inTemplate({ containers: [{ name: 'c', image: ' x' }] }),
    'a host port on the host’s network': inTemplate({
      hostNetwork: true,
      containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 80 }] }],
    }),
    'another host port on the host’s network': inTemplate({
      hostNetwork: true,
      containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 80, hostPort: 81 }] }],
    }),
    'a volume of an image without a name': inTemplate({ volumes: [{ name: 'v', image: {} }] }),
    'a token of nobody': inTemplate({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 'x' } }] } }] }),
    'limits without requests': inTemplate({ containers: [{ name: 'c', image: 'x', resources: { limits: { cpu: '1' } } }] }),
    'a negative grace': inTemplate({ terminationGracePeriodSeconds: -1 }),
    'an AppArmor annotation': { spec: { template: { metadata: { annotations: appArmor } } } },
    'an AppArmor annotation and another field': {
      spec: {
        template: { metadata: { annotations: appArmor }, spec: { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } } },
      },
    },
    'an AppArmor annotation and the same field': {
      spec: { template: { metadata: { annotations: appArmor }, spec: { securityContext: { appArmorProfile: { type: 'Unconfined' } } } } },
    },
    'a mirror': { spec: { template: { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } } } },
    'a name that is no label': { metadata: { name: 'a.b' } },
    'warnings of the template': inTemplate({
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      imagePullSecrets: [{ name: 'a' }, { name: 'a' }],
    }),
    'labels of its own': { metadata: { labels: { x: 'y' } } },
  }),
  ...changed(controllers, controller, at, {
    'more replicas': { spec: { replicas: 3 } },
    'another selector': { spec: { selector: { a: 'c' } } },
    'another template': inTemplate({ containers: [{ name: 'c', image: 'other' }] }),
    'a bad template': inTemplate({ containers: [{ name: 'C', image: 'other' }] }),
    'a status by the way': { status: { replicas: 5 } },
    'the same again': {},
  }),
  ...changed(controllers, controller, `${at}/status`, {
    counts: { status: { replicas: 3, readyReplicas: 2, availableReplicas: 1, fullyLabeledReplicas: 3, observedGeneration: 1 } },
    'negative counts': {
      status: { replicas: -1, readyReplicas: -1, availableReplicas: -1, fullyLabeledReplicas: -1, observedGeneration: -1 },
    },
    'more than there are': { status: { replicas: 1, readyReplicas: 2, availableReplicas: 3, fullyLabeledReplicas: 4 } },
    'a spec by way of the status': { spec: { replicas: 7 } },
  }),
  {
    name: 'a replacement',
    given: [create(controllers, controller)],
    steps: [replace(at, merged(controller, { spec: { replicas: 0 } })), read(`${at}/scale`)],
  },
  ...creations(templates, template, {
    'the least template': {},
    'nothing in a template': { template: null },
    'no containers in a template': { template: { spec: { containers: [] } } },
    'a bad label in a template': { template: { metadata: { labels: { 'a b': 'c' } } } },
    'a template with a warning': { template: { spec: { nodeSelector: { 'beta.kubernetes.io/arch': 'x' } } } },
  }),
  ...changed(templates, template, `${templates}/t`, {
    'a template changed': { template: { spec: { containers: [{ name: 'd', image: 'x' }] } } },
    'a template spoiled': { template: { spec: { containers: [{ name: 'D', image: 'x' }] } } },
    'a template labelled': { metadata: { labels: { x: 'y' } } },
  }),
]
