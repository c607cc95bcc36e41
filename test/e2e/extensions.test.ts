// What extends the API runs in pods: webhooks and an aggregated API behind Services of the pod network.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { nodeImage } from '../../scripts/images/node.ts'
import type { TestRegistry } from '../../scripts/images/registry.ts'
import { serveImages } from '../../scripts/images/serve-images.ts'
import { issueCertificate, newAuthority } from '../../src/platform/pki/certificate.ts'
import { eventually, startCluster, type TestCluster } from './cluster.ts'

let cluster: TestCluster
let registry: TestRegistry

const span = { notBeforeMs: Date.parse('2020-01-01T00:00:00Z'), notAfterMs: Date.parse('2100-01-01T00:00:00Z') }
const authority = newAuthority({ commonName: 'extensions', ...span })
const host = 'extension.default.svc'
const { cert, key } = issueCertificate(authority, { subject: { commonName: host }, hosts: [host], usages: ['server'], ...span })
const caBundle = Buffer.from(authority.cert).toString('base64')
const service = { namespace: 'default', name: 'extension', port: 443 }

const workload = [
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'extension' },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': cert, 'tls.key': key },
  },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'extension' } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'extension', namespace: 'kube-system' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'extension-apiserver-authentication-reader' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'extension' }],
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'extension' },
    spec: { selector: { app: 'extension' }, ports: [{ port: 443, targetPort: 8443 }] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'extension' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'extension' } },
      template: {
        metadata: { labels: { app: 'extension' } },
        spec: {
          serviceAccountName: 'extension',
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'server',
              image: 'registry.keelson.test/extension:1',
              readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
              volumeMounts: [{ name: 'certs', mountPath: '/certs' }],
            },
          ],
          volumes: [{ name: 'certs', secret: { secretName: 'extension' } }],
        },
      },
    },
  },
]

const mutatingWebhook = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'taster' },
  webhooks: [
    {
      name: 'taster.example.com',
      clientConfig: { service: { ...service, path: '/admit' }, caBundle },
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      objectSelector: { matchExpressions: [{ key: 'untasted', operator: 'DoesNotExist' }] },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    },
  ],
}

const schemaOf = (...fields: string[]) => ({
  openAPIV3Schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])) } },
  },
})
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'doors.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'doors', singular: 'door', kind: 'Door' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: schemaOf('hostPort') },
      { name: 'v2', served: true, storage: false, schema: schemaOf('host', 'port') },
    ],
    conversion: {
      strategy: 'Webhook',
      webhook: { clientConfig: { service: { ...service, path: '/convert' }, caBundle }, conversionReviewVersions: ['v1'] },
    },
  },
}

const apiService = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1alpha1.wardle.example.com' },
  spec: { group: 'wardle.example.com', version: 'v1alpha1', groupPriorityMinimum: 2000, versionPriority: 200, service, caBundle },
}

const apply = (...objects: object[]) =>
  cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) })

before(async () => {
  cluster = await startCluster({ runtime: 'containerd' })
  const file = {
    type: 'file' as const,
    path: 'extension/server.ts',
    mode: 0o644,
    content: readFileSync(new URL('./extension-server.ts', import.meta.url)),
  }
  const image = nodeImage({
    files: [{ type: 'directory', path: 'extension', mode: 0o755 }, file],
    cmd: ['/extension/server.ts'],
    env: ['NODE_EXTRA_CA_CERTS=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt'],
  })
  registry = await serveImages({ listen: '127.0.0.1', port: 0, dataDir: cluster.dataDir }, [{ repository: 'extension', tag: '1', image }])
  await apply(...workload)
  await cluster.kubectl(['rollout', 'status', 'deployment/extension', '--timeout=120s'])
})

after(async () => {
  await cluster?.down()
  await registry?.close()
})

test('a webhook in a pod changes what is created, and refuses it', async () => {
  await apply(mutatingWebhook)
  await eventually('the webhook is asked', async () => {
    await cluster.kubectl(['create', 'configmap', 'sweet', '--from-literal=taste=sweet'])
    const { stdout } = await cluster.kubectl(['get', 'configmap', 'sweet', '-o', 'jsonpath={.metadata.labels.tasted-by}'])
    if (stdout !== 'a-pod') await cluster.kubectl(['delete', 'configmap', 'sweet'])
    return stdout === 'a-pod'
  })
  const refused = await cluster.kubectl(['create', 'configmap', 'bitter', '--from-literal=taste=bitter'], { mayFail: true })
  assert.match(refused.stderr, /admission webhook "taster\.example\.com" denied the request: too bitter/)
})

test('CustomResourceConversionWebhook should be able to convert from CR v1 to CR v2', async () => {
  await apply(definition)
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/doors.example.com', '--timeout=30s'])
  await apply({ apiVersion: 'example.com/v1', kind: 'Door', metadata: { name: 'front' }, spec: { hostPort: 'house:80' } })
  const { stdout } = await cluster.kubectl(['get', 'doors.v2.example.com', 'front', '-o', 'jsonpath={.spec.host} {.spec.port}'])
  assert.equal(stdout, 'house 80')
  await cluster.kubectl(['patch', 'doors.v2.example.com', 'front', '--type=merge', '-p', '{"spec":{"port":"81"}}'])
  assert.equal((await cluster.kubectl(['get', 'doors.v1.example.com', 'front', '-o', 'jsonpath={.spec.hostPort}'])).stdout, 'house:81')
})

test('CustomResourceConversionWebhook should be able to convert a non homogeneous list of CRs', async () => {
  const storeAs = (storage: 'v1' | 'v2') => {
    const versions = ['v1', 'v2'].map((name, i) => ({ op: 'replace', path: `/spec/versions/${i}/storage`, value: name === storage }))
    return cluster.kubectl(['patch', 'crd', 'doors.example.com', '--type=json', '-p', JSON.stringify(versions)])
  }
  await storeAs('v2')
  await apply({ apiVersion: 'example.com/v2', kind: 'Door', metadata: { name: 'side' }, spec: { host: 'barn', port: '83' } })
  for (const [version, paths, expected] of [
    ['v1', '{.spec.hostPort}', 'house:81 barn:83 '],
    ['v2', '{.spec.host}:{.spec.port}', 'house:81 barn:83 '],
  ] as const) {
    const { stdout } = await cluster.kubectl(['get', `doors.${version}.example.com`, '-o', `jsonpath={range .items[*]}${paths} {end}`])
    assert.equal(stdout, expected)
  }
  await storeAs('v1')
})

test('an aggregated API in a pod is served as part of the cluster, and learns who asks', async () => {
  await apply(apiService)
  await cluster.kubectl(['wait', '--for=condition=Available', 'apiservice/v1alpha1.wardle.example.com', '--timeout=30s'])
  const flunder = { apiVersion: 'wardle.example.com/v1alpha1', kind: 'Flunder', metadata: { name: 'one', namespace: 'default' } }
  await cluster.kubectl(['create', '--validate=false', '-f', '-'], { input: JSON.stringify(flunder) })
  const { stdout } = await cluster.kubectl(['get', 'flunders', 'one', '-o', 'jsonpath={.metadata.annotations.created-by}'])
  assert.equal(stdout, 'kubernetes-admin')
})

test('when the pod is gone the API says so, and an ignored webhook lets everything pass', async () => {
  await cluster.kubectl([
    'patch',
    'mutatingwebhookconfiguration',
    'taster',
    '--type=json',
    '-p',
    '[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]',
  ])
  await cluster.kubectl(['scale', 'deployment/extension', '--replicas=0'])
  await cluster.kubectl(['wait', '--for=delete', 'pod', '-l', 'app=extension', '--timeout=60s'])
  await cluster.kubectl(['wait', '--for=condition=Available=False', 'apiservice/v1alpha1.wardle.example.com', '--timeout=60s'])
  await apply({ apiVersion: 'example.com/v1', kind: 'Door', metadata: { name: 'back' }, spec: { hostPort: 'house:82' } })
  const refused = await cluster.kubectl(['get', 'doors.v2.example.com', 'back'], { mayFail: true })
  assert.match(refused.stderr, /conversion webhook for example\.com\/v1, Kind=Door failed/)
  await eventually('the failing webhook is passed over', async () => {
    const made = await cluster.kubectl(['create', 'configmap', 'unasked'], { mayFail: true })
    return made.code === 0
  })
})
