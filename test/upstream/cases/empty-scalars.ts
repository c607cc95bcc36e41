/** Fields that are written as '', 0 or false: upstream keeps those that may be absent, and forgets the others. */
import { type Case, clusterWide, create, creations, merged, namespaced, patch, read } from '../upstream-case.ts'

const template = (spec: object) => ({ metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }], ...spec } })
const empties = {
  hostNetwork: false,
  hostPID: false,
  nodeName: '',
  priorityClassName: '',
  schedulerName: '',
  restartPolicy: '',
  automountServiceAccountToken: false,
  terminationGracePeriodSeconds: 0,
  securityContext: { runAsNonRoot: false, runAsUser: 0, fsGroup: 0 },
  volumes: [
    { name: 'v', emptyDir: { medium: '' } },
    { name: 'w', hostPath: { path: '/tmp', type: '' } },
  ],
  containers: [
    {
      name: 'c',
      image: 'x',
      workingDir: '',
      imagePullPolicy: '',
      tty: false,
      stdin: false,
      env: [{ name: 'A', value: '' }, { name: 'B' }],
      ports: [{ containerPort: 80, hostPort: 0, hostIP: '', name: '' }],
      volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: false, subPath: '' }],
      readinessProbe: { tcpSocket: { port: 80, host: '' }, initialDelaySeconds: 0, periodSeconds: 0 },
      securityContext: { privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: false },
    },
  ],
}
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: { replicas: 0, paused: false, minReadySeconds: 0, selector: { matchLabels: { a: 'b' } }, template: template(empties) },
}
const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'j' },
  spec: { suspend: true, backoffLimit: 0, template: template({ restartPolicy: 'Never', hostNetwork: false, nodeName: '' }) },
}
const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80, name: '', nodePort: 0 }] } }
const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'p' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeName: '', storageClassName: '' },
}
const columns = [{ name: 'a', type: 'string', jsonPath: '.a', priority: 0, format: '', description: '' }]
const schema = { openAPIV3Schema: { type: 'object', nullable: false, properties: { a: { type: 'string', description: '' } } } }
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'empties.empty.example.org' },
  spec: {
    group: 'empty.example.org',
    scope: 'Namespaced',
    preserveUnknownFields: false,
    names: { plural: 'empties', singular: '', kind: 'Empty', listKind: '' },
    versions: [
      { name: 'v1', served: true, storage: true, deprecated: false, schema, additionalPrinterColumns: columns },
      { name: 'v2', served: false, storage: false, schema },
    ],
  },
}
const ruled = (name: string, properties: object) =>
  merged(definition, {
    metadata: { name: `${name}.empty.example.org` },
    spec: {
      names: { plural: name, kind: name[0]!.toUpperCase() + name.slice(1) },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
        },
      ],
    },
  })
const labels = { type: 'object', additionalProperties: { type: 'string' } }
const expression = { type: 'object', properties: { key: { type: 'string' }, values: { type: 'array', items: { type: 'string' } } } }
const selector = { type: 'object', properties: { matchLabels: labels, matchExpressions: { type: 'array', items: expression } } }

const deployments = namespaced('apps/v1', 'deployments')
const jobs = namespaced('batch/v1', 'jobs')
const definitions = `${clusterWide('apiextensions.k8s.io/v1', 'customresourcedefinitions')}?dryRun=All`

export const cases: readonly Case[] = [
  ...creations(namespaced('v1', 'services'), service, { 'a service without addresses': { spec: { clusterIP: 'None' } } }),
  ...creations(namespaced('v1', 'persistentvolumeclaims'), claim, { 'a claim of no class': {} }),
  { name: 'a deployment', steps: [create(deployments, deployment)] },
  {
    name: 'a deployment that a client without empty fields writes again is not another',
    given: [create(deployments, deployment)],
    steps: [
      patch('merge', `${deployments}/d`, { spec: { template: { spec: { hostNetwork: null, priorityClassName: null, nodeName: null } } } }),
      read(`${deployments}/d`),
    ],
  },
  {
    name: 'an empty field that is applied has an owner',
    withManagedFields: true,
    steps: [
      patch('apply', `${deployments}/d?fieldManager=m`, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'd' },
        spec: { paused: false, selector: { matchLabels: { a: 'b' } }, template: template({ hostNetwork: false, nodeName: '' }) },
      }),
    ],
  },
  {
    name: "a job's template is the same without its empty fields",
    given: [create(jobs, job)],
    steps: [patch('merge', `${jobs}/j`, { spec: { template: { spec: { hostNetwork: null, nodeName: null } } } })],
  },
  { name: 'a definition', steps: [create(definitions, definition)] },
  {
    name: 'a definition whose selector must not change',
    steps: [create(definitions, ruled('fixeds', { selector: { ...selector, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } }))],
  },
  {
    name: 'a definition that looks at its keys',
    steps: [
      create(
        definitions,
        ruled('keyeds', {
          labels: {
            ...labels,
            maxProperties: 8,
            'x-kubernetes-validations': [
              { rule: 'self.all(key, key.matches(r"""^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]$"""))' },
              { rule: 'self.all(key, key.split("/")[0].size() < 253)' },
            ],
          },
        }),
      ),
    ],
  },
  {
    name: 'a definition that looks at values without an end',
    steps: [
      create(
        definitions,
        ruled('endlesses', { labels: { ...labels, 'x-kubernetes-validations': [{ rule: 'self.all(k, self[k].matches("a+"))' }] } }),
      ),
    ],
  },
]
