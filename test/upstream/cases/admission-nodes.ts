/** What a node's agent is refused: by its rights, and by NodeRestriction. */
import { plain, podWith, pods } from '../pod-cases.ts'
import { type Case, clusterWide, create, merged, namespaced, patch, read, remove, type Request, titled } from '../upstream-case.ts'

const name = 'core-node-a'
const by = (request: Request, node = name): Request => ({
  ...request,
  as: `system:node:${node}`,
  headers: { 'impersonate-group': 'system:nodes' },
})
const nodes = clusterWide('v1', 'nodes')
const node = (more: object = {}) => merged({ metadata: { name } }, more)
const labels = (given: object) => ({ metadata: { labels: given } })
const accounts = namespaced('v1', 'serviceaccounts')
const claims = namespaced('v1', 'persistentvolumeclaims')
const secrets = namespaced('v1', 'secrets')
const maps = namespaced('v1', 'configmaps')
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
const csiNodes = clusterWide('storage.k8s.io/v1', 'csinodes')
const slices = clusterWide('resource.k8s.io/v1', 'resourceslices')
const requests = clusterWide('certificates.k8s.io/v1', 'certificatesigningrequests')
const running = podWith({ nodeName: name, tolerations: [{ operator: 'Exists' }] })
const elsewhere = podWith({ nodeName: 'core-node-b', tolerations: [{ operator: 'Exists' }] })

const given = [create(nodes, node())]
const ofNode: Case[] = [
  { name: 'makes itself', steps: [by(create(nodes, node())), by(read(`${nodes}/${name}`))] },
  { name: 'makes another', steps: [by(create(nodes, node()), 'core-node-b')] },
  { name: 'without a name', steps: [by(create(nodes, node()), ''), by(read(pods), '')] },
  {
    name: 'makes itself with labels of others',
    steps: [
      by(
        create(
          nodes,
          node(
            labels({ 'node-restriction.kubernetes.io/x': 'y', 'node-role.kubernetes.io/control-plane': '', 'a.k8s.io/b': 'c', own: 'x' }),
          ),
        ),
      ),
    ],
  },
  {
    name: 'makes itself with labels of its own',
    steps: [
      by(
        create(
          nodes,
          node(
            labels({
              'kubernetes.io/os': 'linux',
              'topology.kubernetes.io/zone': 'z',
              'node.kubernetes.io/x': 'y',
              'a.kubelet.kubernetes.io/x': 'y',
              own: 'x',
            }),
          ),
        ),
      ),
    ],
  },
  { name: 'reads others', steps: [by(read(`${nodes}/other`)), by(read(`${nodes}/${name}`))] },
  {
    name: 'reads all',
    steps: [by(read(nodes)), by(read(clusterWide('v1', 'persistentvolumes')))],
    differs: 'the service proxy, DNS and local volumes of a machine read these as their node',
  },
  {
    name: 'changes itself',
    given,
    steps: [
      by(patch('merge', `${nodes}/${name}`, labels({ 'node-restriction.kubernetes.io/x': 'y' }))),
      by(patch('merge', `${nodes}/${name}`, labels({ 'kubernetes.io/arch': 'arm' }))),
      by(patch('merge', `${nodes}/${name}`, { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } })),
      by(patch('merge', `${nodes}/${name}`, { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }] } })),
      by(patch('merge', `${nodes}/${name}/status`, labels({ 'x.kubernetes.io/y': 'z' }))),
      by(patch('merge', `${nodes}/${name}/status`, { status: { capacity: { 'example.com/x': '1' } } })),
      by(patch('merge', `${nodes}/${name}`, labels({ a: 'b' })), 'core-node-b'),
      by(patch('merge', `${nodes}/${name}/status`, labels({ a: 'b' })), 'core-node-b'),
      by(remove(`${nodes}/${name}`)),
    ],
  },
]

const mirror = (more: object = {}) => merged(podWith({ nodeName: name }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), more)
const owner = { apiVersion: 'v1', kind: 'Node', name, uid: '{{0.metadata.uid}}', controller: true }
const owned = (...ownerReferences: object[]) => ({ metadata: { ownerReferences } })
const makesMirror = (title: string, pod: object): Case => ({ name: title, steps: [create(nodes, node()), { ...by(create(pods, pod)) }] })
const ofPods: Case[] = [
  { name: 'makes a pod', given, steps: [by(create(pods, plain))] },
  makesMirror('makes a mirror elsewhere', mirror({ spec: { nodeName: 'other' } })),
  makesMirror('makes a mirror without an owner', mirror()),
  makesMirror('makes a mirror with two owners', mirror(owned(owner, { ...owner, controller: false, uid: 'x' }))),
  makesMirror('makes a mirror of another owner', mirror(owned({ ...owner, name: 'other' }))),
  makesMirror('makes a mirror whose owner does not control', mirror(owned({ ...owner, controller: false }))),
  makesMirror('makes a mirror whose owner blocks', mirror(owned({ ...owner, blockOwnerDeletion: true }))),
  makesMirror('makes a mirror of another identity', mirror(owned({ ...owner, uid: 'other' }))),
  makesMirror('makes a mirror with a map', mirror({ ...owned(owner), spec: { volumes: [{ name: 'v', configMap: { name: 'm' } }] } })),
  makesMirror(
    'makes a mirror with a claim',
    mirror({ ...owned(owner), spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'm' } }] } }),
  ),
  makesMirror(
    'makes a mirror with a secret',
    mirror({ ...owned(owner), spec: { containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 's' } }] }] } }),
  ),
  makesMirror(
    'makes a mirror with devices',
    mirror({ ...owned(owner), spec: { resourceClaims: [{ name: 'r', resourceClaimName: 'c' }] } }),
  ),
  {
    name: 'reads and changes its pod',
    given: [...given, create(pods, running)],
    steps: [
      { ...by(read(`${pods}/p`)), until: 200 },
      by(read(pods)),
      by(read(`${pods}?fieldSelector=spec.nodeName%3Dother`)),
      by(patch('merge', `${pods}/p`, labels({ a: 'b' }))),
      by(patch('merge', `${pods}/p/status`, labels({ a: 'b' }))),
      by(patch('merge', `${pods}/p/status`, { status: { resourceClaimStatuses: [{ name: 'r', resourceClaimName: 'c' }] } })),
      by(patch('merge', `${pods}/p/status`, { status: { extendedResourceClaimStatus: { resourceClaimName: 'c', requestMappings: [] } } })),
      by(patch('merge', `${pods}/p/status`, { status: { phase: 'Running' } })),
      by(create(`${pods}/p/binding`, { target: { name } })),
    ],
  },
  {
    name: 'reads and changes the pod of another',
    given: [...given, create(pods, elsewhere)],
    steps: [
      by(read(`${pods}/p`)),
      by(patch('merge', `${pods}/p/status`, { status: { phase: 'Running' } })),
      by(remove(`${pods}/p`)),
      by(create(`${pods}/p/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } })),
      by(remove(`${pods}/none`)),
    ],
  },
]

const token = (more: object = {}) => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], ...more } })
const bound = (uid = '{{0.metadata.uid}}', more: object = {}) => ({
  boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid, ...more },
})
const wantsToken = (title: string, pod: object, request: object): Case => ({
  name: title,
  given,
  steps: [
    create(pods, pod),
    { ...by(read(`${accounts}/default`)), until: pod === running ? 200 : 403 },
    by(create(`${accounts}/default/token`, token(request))),
  ],
})
const projected = podWith({
  nodeName: name,
  tolerations: [{ operator: 'Exists' }],
  volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { audience: 'a', path: 't' } }] } }],
})
const ofTokens: Case[] = [
  wantsToken('a token without a pod', running, {}),
  wantsToken('a token for a pod without its identity', running, bound('')),
  wantsToken('a token for a secret', running, bound('x', { kind: 'Secret' })),
  wantsToken('a token for a pod that is not there', running, bound('x', { name: 'none' })),
  wantsToken('a token for a pod of another identity', running, bound('other')),
  wantsToken('a token for another audience', running, { ...bound(), audiences: ['other'] }),
  wantsToken('a token for two audiences', running, { ...bound(), audiences: ['a', 'b'] }),
  wantsToken('a token for a pod elsewhere', elsewhere, bound()),
  {
    name: 'a token for an audience that no volume names',
    given,
    steps: [
      create(pods, projected),
      { ...by(read(`${accounts}/default`)), until: 200 },
      by(create(`${accounts}/default/token`, token({ ...bound(), audiences: ['b'] }))),
    ],
  },
  {
    name: 'a token of an account that is not used',
    given,
    steps: [by(create(`${accounts}/other/token`, token())), by(create(accounts, { metadata: { name: 'x' } }))],
  },
]

const claim = { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
const mounting = podWith({
  nodeName: name,
  tolerations: [{ operator: 'Exists' }],
  volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
})
const ofOthers: Case[] = [
  {
    name: 'secrets',
    given,
    steps: [by(read(secrets)), by(read(`${secrets}/s`)), by(create(secrets, { metadata: { name: 's' } })), by(read('/api/v1/secrets'))],
  },
  { name: 'maps', given, steps: [by(read(maps)), by(read(`${maps}/m`)), by(patch('merge', `${maps}/m`, {}))] },
  {
    name: 'its claim',
    given: [...given, create(claims, claim), create(pods, mounting)],
    steps: [
      { ...by(read(`${claims}/c`)), until: 200 },
      by(patch('merge', `${claims}/c`, labels({ a: 'b' }))),
      by(
        patch('merge', `${claims}/c/status`, {
          status: { capacity: { storage: '2Gi' }, conditions: [{ type: 'Resizing', status: 'True' }] },
        }),
      ),
      by(patch('merge', `${claims}/c/status`, { status: { phase: 'Bound' } })),
      by(read(claims)),
    ],
  },
  {
    name: 'a claim of nobody',
    given: [...given, create(claims, claim)],
    steps: [by(read(`${claims}/c`)), by(patch('merge', `${claims}/c/status`, { status: { phase: 'Bound' } }))],
  },
  {
    name: 'leases',
    steps: [
      by(create(leases, { metadata: { name: 'other' } })),
      by(read(`${leases}/other`)),
      by(read(leases)),
      by(create(namespaced('coordination.k8s.io/v1', 'leases'), { metadata: { name } })),
    ],
  },
  {
    name: 'drivers of nodes',
    steps: [
      by(create(csiNodes, { metadata: { name: 'other' }, spec: { drivers: [] } })),
      by(read(`${csiNodes}/other`)),
      by(read(csiNodes)),
      by(patch('merge', `${csiNodes}/other`, {})),
    ],
  },
  {
    name: 'devices',
    given,
    steps: [
      by(
        create(slices, {
          metadata: { name: 'core-s' },
          spec: { driver: 'd', nodeName: 'other', pool: { name: 'p', generation: 1, resourceSliceCount: 1 } },
        }),
      ),
      by(
        create(slices, {
          metadata: { name: 'core-s' },
          spec: { driver: 'd', allNodes: true, pool: { name: 'p', generation: 1, resourceSliceCount: 1 } },
        }),
      ),
      by(read(slices)),
      by(read(`${slices}?fieldSelector=spec.nodeName%3Dother`)),
      by(read(`${slices}/none`)),
    ],
  },
  {
    name: 'what is not for nodes',
    steps: [
      by(read(namespaced('apps/v1', 'deployments'))),
      by(create(clusterWide('v1', 'namespaces'), { metadata: { name: 'core-x' } })),
      by(read(clusterWide('storage.k8s.io/v1', 'volumeattachments'))),
      by(read(`${clusterWide('storage.k8s.io/v1', 'volumeattachments')}/none`)),
      by(read(`${clusterWide('v1', 'persistentvolumes')}/none`)),
      by(create(`${accounts}/default/token`, token())),
    ],
  },
]

/** Names nodes `u` and `system:node:n1` of the group `system:nodes`. */
const ofOther =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIck1JR1NBZ0VBTURBeEZUQVRCZ05WQkFvTURITjVjM1JsYlRwdWIyUmxjekVYTUJVR0ExVUVBd3dPYzNsegpkR1Z0T201dlpHVTZiakV3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVQ5RVNKQU1mUkU2N1RTCnR4UWFDQXFaSmpGNGMzVndnZVJSUDRGN2hybE5EWitTR3RYRjFQNWxWM3RXalBSSUtIWFlFZTh1UDkvaERzWW8KWXdkMFdiR2FvQUF3Q2dZSUtvWkl6ajBFQXdJRFNBQXdSUUlnRms5STRGMGszVnVjeWRIR05kaUpIZWRNMk1qMwpEbkkxMkRORTU5WVI2WUFDSVFDN09kWWJGa2U4VEx0L2F6QTVubkp0ZGM5ZkI3Y1VMejlwZFVhMjlGckNKdz09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo='
const wantsCertificate = (signerName: string): Request =>
  by(
    create(requests, {
      metadata: { name: 'core-csr-node' },
      spec: { request: ofOther, signerName, usages: ['digital signature', 'client auth'] },
    }),
  )
const ofCertificates: Case[] = [
  {
    name: "another's certificate",
    steps: [
      wantsCertificate('kubernetes.io/kube-apiserver-client-kubelet'),
      wantsCertificate('kubernetes.io/kubelet-serving'),
      { ...wantsCertificate('kubernetes.io/kube-apiserver-client-kubelet'), as: 'system:node:n1' },
    ],
  },
]

export const cases: readonly Case[] = [
  ...titled('a node', ofNode),
  ...titled('pods', ofPods),
  ...titled('tokens', ofTokens),
  ...titled('others', [...ofOthers, ...ofCertificates]),
]
