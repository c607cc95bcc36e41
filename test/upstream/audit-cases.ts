/** Requests whose audit events were recorded from Kubernetes 1.36 under `audit-policy.yaml`; each bears its name as its Audit-ID. */
import { plainContainer, podOf, pods } from './pod-cases.ts'
import { type Case, clusterWide, create, merged, namespaced, patch, read, remove, replace, type Request, watch } from './upstream-case.ts'

const audited = (id: string, request: Request): Request => ({ ...request, headers: { ...request.headers, 'audit-id': id } })
/** A case of one request, after what must be there. */
const one = (id: string, request: Request, ...given: readonly Request[]): Case => ({ name: id, given, steps: [audited(id, request)] })

const configMaps = namespaced('v1', 'configmaps')
const services = namespaced('v1', 'services')
const secrets = namespaced('v1', 'secrets')
const deployments = namespaced('apps/v1', 'deployments')
const accounts = namespaced('v1', 'serviceaccounts')
const leases = namespaced('coordination.k8s.io/v1', 'leases')
const webhooks = clusterWide('admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations')

const settings = { metadata: { name: 'settings' }, data: { a: '1' } }
const web = {
  metadata: { name: 'web' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [plainContainer] } },
  },
}
const front = { metadata: { name: 'front' }, spec: { ports: [{ port: 80 }], selector: { app: 'web' } } }
const held = (enforce: string, audit: string) =>
  patch('merge', '/api/v1/namespaces/$ns', {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': enforce, 'pod-security.kubernetes.io/audit': audit } },
  })
const privileged = podOf({ securityContext: { privileged: true } })

const writes: readonly Case[] = [
  one('create', create(configMaps, settings)),
  one('create-generated', create(configMaps, { metadata: { generateName: 'generate-' } })),
  one('create-defaulted', create(deployments, web)),
  one('create-twice', create(configMaps, settings), create(configMaps, settings)),
  one('create-invalid', create(configMaps, { metadata: { name: 'Not_A_Name' } })),
  one('create-malformed', create(configMaps, '{"metadata":')),
  one('create-another-kind', create(configMaps, { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'x' } })),
  one('create-unknown-field', create(`${configMaps}?fieldValidation=Strict`, { ...settings, nothing: 1 })),
  one('create-dry', create(`${configMaps}?dryRun=All`, settings)),
  one('create-request-level', create(services, front)),
  one('create-secret', create(secrets, { metadata: { name: 'hidden' }, stringData: { a: 'b' } })),
  one('create-yaml', { ...create(configMaps, 'metadata:\n  name: yaml\n'), contentType: 'application/yaml' }),
  one('update', replace(`${configMaps}/settings`, merged(settings, { data: { a: '2' } })), create(configMaps, settings)),
  one(
    'update-conflict',
    replace(`${configMaps}/settings`, merged(settings, { metadata: { resourceVersion: '1' } })),
    create(configMaps, settings),
  ),
  one('update-missing', replace(`${leases}/none`, { metadata: { name: 'none' } })),
  one('patch-merge', patch('merge', `${configMaps}/settings`, { data: { a: '3' } }), create(configMaps, settings)),
  one(
    'patch-json',
    patch('json', `${configMaps}/settings`, [{ op: 'replace', path: '/data/a', value: '4' }]),
    create(configMaps, settings),
  ),
  one('patch-strategic', patch('strategic', `${deployments}/web`, { spec: { paused: true } }), create(deployments, web)),
  one(
    'apply',
    patch(
      'apply',
      `${configMaps}/applied?fieldManager=me`,
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"applied"},"data":{"a":"1"}}',
    ),
  ),
  one('patch-bad', patch('json', `${configMaps}/settings`, '{"a":1}'), create(configMaps, settings)),
  one('patch-status', patch('merge', `${deployments}/web/status`, { status: { replicas: 1 } }), create(deployments, web)),
  one(
    'scale',
    replace(`${deployments}/web/scale`, { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas: 3 } }),
    create(deployments, web),
  ),
  one('delete', remove(`${configMaps}/settings`), create(configMaps, settings)),
  one('delete-with-options', remove(`${configMaps}/settings`, { propagationPolicy: 'Background' }), create(configMaps, settings)),
  one(
    'delete-as-kubectl',
    remove(`${configMaps}/settings`, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background', preconditions: {} }),
    create(configMaps, settings),
  ),
  one('delete-dry', remove(`${configMaps}/settings`, { dryRun: ['All'] }), create(configMaps, settings)),
  one('delete-pod', remove(`${pods}/bare`, { gracePeriodSeconds: 0 }), create(pods, merged(podOf({}), { metadata: { name: 'bare' } }))),
  one('delete-missing', remove(`${leases}/none`)),
  one('delete-collection', remove(`${leases}?labelSelector=a%3Db`), create(leases, { metadata: { name: 'l', labels: { a: 'b' } } })),
  one('token', create(`${accounts}/default/token`, { spec: { expirationSeconds: 3600 } })),
  one('bind', create(`${pods}/bound/binding`, { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'nowhere' } }), {
    ...create(pods, merged(podOf({}), { metadata: { name: 'bound' } })),
  }),
  one('evict', create(`${pods}/gone/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'gone' } }), {
    ...create(pods, merged(podOf({}), { metadata: { name: 'gone' } })),
  }),
  one('exec-missing', create(`${pods}/none/exec?command=ls&stdout=true`, '')),
  one(
    'review',
    create('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }),
  ),
]

const reads: readonly Case[] = [
  one('get', read(`${configMaps}/settings`), create(configMaps, settings)),
  one('get-missing', read(`${configMaps}/none`)),
  one('get-table', read(`${leases}/l`, 'application/json;as=Table;v=v1;g=meta.k8s.io'), create(leases, { metadata: { name: 'l' } })),
  one(
    'get-metadata',
    read(`${leases}/l`, 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'),
    create(leases, { metadata: { name: 'l' } }),
  ),
  one('get-protobuf', read(`${leases}/l`, 'application/vnd.kubernetes.protobuf'), create(leases, { metadata: { name: 'l' } })),
  one('get-secret', read(`${secrets}/none`)),
  one('get-none-level', read(namespaced('v1', 'endpoints'))),
  one('list', read(leases), create(leases, { metadata: { name: 'l' } })),
  one('list-empty', read(`${leases}?limit=1`)),
  one('list-omits-managed', read(`${configMaps}?fieldSelector=metadata.name%3Dsettings`), create(configMaps, settings)),
  one('watch', watch(`${configMaps}?watch=true&fieldSelector=metadata.name%3Dsettings`, 1), create(configMaps, settings)),
  one(
    'watch-path',
    watch(`/api/v1/watch/namespaces/$ns/configmaps?fieldSelector=metadata.name%3Dsettings`, 1),
    create(configMaps, settings),
  ),
  one('no-such-resource', read(namespaced('v1', 'nothings'))),
  one('no-such-group', read('/apis/nothing.io/v1/things')),
  one('not-acceptable', read(`${leases}/none`, 'text/html')),
  one('log-missing', read(`${pods}/none/log`)),
  one('path-version', read('/version')),
  one('path-health', read('/healthz')),
  one('path-discovery', read('/apis/node.k8s.io')),
  one('by-proxies', { ...read('/version'), headers: { 'x-forwarded-for': '10.0.0.1, x, ::1', 'x-real-ip': '10.0.0.2' } }),
  one('log', read(`${pods}/p/log`), create(pods, podOf({}))),
  one('exec-plain', create(`${pods}/p/exec?command=ls&stdout=true`, ''), create(pods, podOf({}))),
  one('path-missing', read('/nothing')),
]

const people: readonly Case[] = [
  one('as-another', { ...read(`${leases}/none`), as: 'ann', headers: { 'impersonate-group': 'ops' } }),
  one('as-nobody', { ...read(`${leases}/none`), headers: { 'impersonate-group': 'ops' } }),
  one('wrong-token', { ...read(`${leases}/none`), headers: { authorization: 'Bearer wrong' } }),
  one('wrong-token-started', { ...read(`${configMaps}/none`), headers: { authorization: 'Bearer wrong' } }),
  one('allowed-by-role', { ...read(`${leases}/none`), as: 'bob' }, ...allowed('bob')),
]

function allowed(name: string): Request[] {
  return [
    create(namespaced('rbac.authorization.k8s.io/v1', 'roles'), {
      metadata: { name: 'reads' },
      rules: [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get'] }],
    }),
    create(namespaced('rbac.authorization.k8s.io/v1', 'rolebindings'), {
      metadata: { name: 'bob-reads' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reads' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name }],
    }),
    { ...read(`${leases}/none`), as: name, until: 404 },
  ]
}

const notes: readonly Case[] = [
  one('security-enforced', create(pods, privileged), held('baseline', 'privileged')),
  one('security-audited', create(pods, privileged), held('privileged', 'restricted')),
  one('security-of-a-template', create(deployments, web), held('privileged', 'restricted')),
  one('security-exempt', patch('merge', `${pods}/p`, { metadata: { labels: { a: 'b' } } }), held('privileged', 'restricted'), {
    ...create(pods, merged(privileged, { metadata: { name: 'p' } })),
  }),
  one('deprecated-statuses', read('/api/v1/componentstatuses/none')),
  one('deprecated-beta', read(clusterWide('apps/v1beta1', 'deployments'))),
  one(
    'insecure-webhook',
    create(webhooks, {
      metadata: { name: 'audit-insecure' },
      webhooks: [
        {
          name: 'a.example.com',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          clientConfig: { url: 'https://127.0.0.1:1/' },
          rules: [{ apiGroups: ['none.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }],
        },
      ],
    }),
  ),
]

export const auditCases: readonly Case[] = [...writes, ...reads, ...people, ...notes]
