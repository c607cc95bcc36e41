import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { leases } from '../../kinds/coordination/lease.ts'
import { nodes } from '../../kinds/core/node.ts'
import { persistentVolumes } from '../../kinds/core/persistent-volume.ts'
import { pods } from '../../kinds/core/pod.ts'
import { serviceAccounts } from '../../kinds/core/service-account.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { localVolumeDriver, localVolumeFinalizer, volumeProtection } from '../../kinds/storage/volume-binding.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Authorizer } from '../contract.ts'
import { createServiceAccountTokens } from '../authn/service-account-tokens.ts'
import { createApiServer } from '../api-server.ts'
import { allKinds } from '../../kinds/all.ts'
import schemaFacts from '../../kinds/generated/schemas.json' with { type: 'json' }
import { loadSchemas } from '../../machinery/schema/schema-set.ts'
import { silentLog } from '../../base/log.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { allowAll, testUser } from '../test-api.ts'
import { refusedLabels } from './node-labels.ts'
import { generateKeyPairSync } from 'node:crypto'

const nodeUser = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] }
const keys = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

const podOn = (nodeName: string, name: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: {
    nodeName,
    serviceAccountName: 'web',
    containers: [{ name: 'c', image: 'i' }],
    volumes: [
      {
        name: 't',
        projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'vault' } }, { serviceAccountToken: { path: 'api' } }] },
      },
    ],
  },
})
const node = (name: string, more: Partial<Node> = {}): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, ...more })

/** But for audiences that no pod names. */
const allAuthorizer: Authorizer = {
  ...allowAll,
  authorize: (a) => ({ allowed: a.type === 'path' || a.verb !== 'request-serviceaccounts-token-audience', reason: '' }),
}

/** An API that authorizes everything, so that what is refused is refused by admission. */
async function setUp() {
  const [clock, random] = [virtualClock(), seededRandom(1)]
  const tokens = createServiceAccountTokens({ ...keys, clock, random, lookup: () => undefined })
  const api = await createApiServer({
    store: createMemoryStore({ clock }),
    kinds: allKinds,
    schemas: loadSchemas(schemaFacts as Parameters<typeof loadSchemas>[0]),
    clock,
    random,
    log: silentLog,
    authenticator: { authenticate: () => testUser },
    authorizer: allAuthorizer,
    withoutAdmission: ['ServiceAccount'],
    tokens,
  })
  const admin = api.clientFor(testUser)
  await admin.resource(nodes as KindRef<Node>).create(node('node-2'))
  for (const name of ['web', 'other'])
    await admin
      .resource(serviceAccounts as KindRef, 'default')
      .create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'default' } })
  const mine = await admin.resource(pods as KindRef<Pod>, 'default').create(podOn('node-1', 'mine'))
  const theirs = await admin.resource(pods as KindRef<Pod>, 'default').create(podOn('node-2', 'theirs'))
  return { api, admin, client: api.clientFor(nodeUser), mine, theirs }
}

type World = Awaited<ReturnType<typeof setUp>>
type Case = { readonly title: string; readonly act: (world: World) => Promise<unknown>; readonly refusal?: RegExp; readonly code?: number }

const own = (client: Client) => client.resource(nodes as KindRef<Node>)
const podsOf = (client: Client) => client.resource(pods as KindRef<Pod>, 'default')
const withNode =
  (change: (current: Node) => Node) =>
  async ({ client }: World) => {
    const current = await own(client).create(node('node-1', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }))
    return own(client).update(change(structuredClone(current)))
  }
const token =
  (name: string, bound: object | undefined, audiences: string[] = []) =>
  ({ client }: World) =>
    client.resource(serviceAccounts as KindRef, 'default').subresource(name, 'token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: { audiences, ...(bound ? { boundObjectRef: bound } : {}) },
    })
const boundTo = (pod: Pod, uid = pod.metadata.uid) => ({ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid })
const lease = (name: string, namespace: string): KubeObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace },
})

/** The node's own change of a volume that lies on the host. */
const volumePatch =
  (host: string, body: object) =>
  async ({ admin, client }: World) => {
    await own(client).create(node('node-1', { metadata: { name: 'node-1', labels: { 'kubernetes.io/hostname': 'n1' } } }))
    const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In' as const, values: [host] }]
    const spec = {
      accessModes: ['ReadWriteOnce' as const],
      capacity: { storage: '1Gi' },
      csi: { driver: localVolumeDriver, volumeHandle: 'v' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
    }
    await admin.resource(persistentVolumes).create({ metadata: { name: 'v', finalizers: [volumeProtection] }, spec })
    return client.resource(persistentVolumes).patch('v', { type: 'merge', body })
  }

const cases: readonly Case[] = [
  { title: 'create itself', act: ({ client }) => own(client).create(node('node-1')) },
  {
    title: 'say that its local volume has a directory',
    act: volumePatch('n1', { metadata: { finalizers: [volumeProtection, localVolumeFinalizer] } }),
  },
  {
    title: 'change its local volume otherwise',
    act: volumePatch('n1', { spec: { persistentVolumeReclaimPolicy: 'Delete' } }),
    refusal: /can only set and remove the finalizer local\.keelson\.dev\/directory/,
  },
  {
    title: 'take the protection from its local volume',
    act: volumePatch('n1', { metadata: { finalizers: [localVolumeFinalizer] } }),
    refusal: /can only set and remove the finalizer/,
  },
  {
    title: "change another node's local volume",
    act: volumePatch('n2', { metadata: { finalizers: [volumeProtection, localVolumeFinalizer] } }),
    refusal: /can only change local volumes of the requesting node/,
  },
  {
    title: 'create another node',
    act: ({ client }) => own(client).create(node('node-3')),
    refusal: /nodes "node-3" is forbidden: node "node-1" is not allowed to modify node "node-3"/,
  },
  {
    title: 'create itself with a label that keeps workloads apart',
    act: ({ client }) =>
      own(client).create(node('node-1', { metadata: { name: 'node-1', labels: { 'node-restriction.kubernetes.io/pci': 'yes' } } })),
    refusal: /is not allowed to set the following labels: node-restriction\.kubernetes\.io\/pci/,
  },
  {
    title: 'give itself a role',
    act: withNode((n) => ({ ...n, metadata: { ...n.metadata, labels: { 'node-role.kubernetes.io/control-plane': '' } } })),
    refusal: /is not allowed to modify labels: node-role\.kubernetes\.io\/control-plane/,
  },
  {
    title: 'label itself otherwise',
    act: withNode((n) => ({ ...n, metadata: { ...n.metadata, labels: { rack: 'r1', 'kubernetes.io/arch': 'amd64' } } })),
  },
  {
    title: 'drop its taints',
    act: withNode((n) => ({ ...n, spec: { ...n.spec, taints: [] } })),
    refusal: /is not allowed to modify taints/,
  },
  {
    title: "change another node's status",
    act: async ({ client }) => own(client).updateStatus({ ...(await own(client).get('node-2')), status: { phase: 'Running' } }),
    refusal: /is not allowed to modify node "node-2"/,
  },
  { title: 'delete its own pod', act: ({ client }) => podsOf(client).delete('mine', { gracePeriodSeconds: 0 }) },
  {
    title: "delete another node's pod",
    act: ({ client }) => podsOf(client).delete('theirs', { gracePeriodSeconds: 0 }),
    refusal: /pods "theirs" is forbidden: node "node-1" can only delete pods with spec\.nodeName set to itself/,
  },
  { title: 'tell of its own pod', act: ({ client, mine }) => podsOf(client).updateStatus({ ...mine, status: { phase: 'Running' } }) },
  {
    title: "tell of another node's pod",
    act: ({ client, theirs }) => podsOf(client).updateStatus({ ...theirs, status: { phase: 'Failed' } }),
    refusal: /can only update pod status for pods with spec\.nodeName set to itself/,
  },
  {
    title: 'change a pod itself',
    act: ({ client, mine }) => podsOf(client).update({ ...structuredClone(mine), metadata: { ...mine.metadata, labels: { a: 'b' } } }),
    refusal: /unexpected operation "UPDATE"/,
  },
  { title: 'create a pod', act: ({ client }) => podsOf(client).create(podOn('node-1', 'new')), refusal: /can only create mirror pods/ },
  {
    title: "evict another node's pod",
    act: ({ client }) =>
      podsOf(client).subresource('theirs', 'eviction', {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'theirs', namespace: 'default' },
      }),
    refusal: /spec\.nodeName set to itself/,
  },
  {
    title: "lease its own life in the nodes' namespace",
    act: ({ client }) => client.resource(leases as KindRef, 'kube-node-lease').create(lease('node-1', 'kube-node-lease')),
  },
  {
    title: "lease another node's life",
    act: ({ client }) => client.resource(leases as KindRef, 'kube-node-lease').create(lease('node-2', 'kube-node-lease')),
    refusal: /can only access node lease with the same name as the requesting node/,
  },
  {
    title: 'lease elsewhere',
    act: ({ client }) => client.resource(leases as KindRef, 'default').create(lease('node-1', 'default')),
    refusal: /can only access leases in the "kube-node-lease" system namespace/,
  },
  { title: 'get a token for its pod', act: (world) => token('web', boundTo(world.mine))(world) },
  { title: "get a token for its pod's own audience", act: (world) => token('web', boundTo(world.mine), ['vault'])(world) },
  {
    title: 'get a token for another audience',
    act: (world) => token('web', boundTo(world.mine), ['bank'])(world),
    refusal: /audience "bank" not found in pod spec volume/,
  },
  { title: 'get a token that is bound to nothing', act: token('web', undefined), refusal: /node requested token not bound to a pod/ },
  {
    title: "get a token for another node's pod",
    act: (world) => token('web', boundTo(world.theirs))(world),
    refusal: /node requested token bound to a pod scheduled on a different node/,
  },
  {
    title: 'get a token for a pod that was there before',
    act: (world) => token('web', boundTo(world.mine, 'old-uid'))(world),
    refusal: /does not match the UID in record/,
  },
  {
    title: 'get a token for an account that its pod does not use',
    act: (world) => token('other', boundTo(world.mine))(world),
    refusal: /cannot bind token for serviceaccount "other" to pod running with different serviceaccount name/,
    code: 400,
  },
]

describe('a node', () => {
  for (const { title, act, refusal, code = 403 } of cases) {
    it(`${refusal ? 'may not' : 'may'} ${title}`, async () => {
      const world = await setUp()
      if (!refusal) await act(world)
      else await assert.rejects(act(world), (error) => error instanceof StatusError && error.code === code && refusal.test(error.message))
      await world.api.close()
    })
  }

  it('that is none by its name is refused', async () => {
    const { api } = await setUp()
    const nameless = api.clientFor({ name: 'ann', groups: ['system:nodes'] })
    await assert.rejects(own(nameless).create(node('node-1')), /could not determine node from user "ann"/)
    await api.close()
  })

  it('does not hold back anybody else', async () => {
    const { api, admin } = await setUp()
    await podsOf(admin).delete('theirs', { gracePeriodSeconds: 0 })
    await own(admin).create(node('node-9', { metadata: { name: 'node-9', labels: { 'node-role.kubernetes.io/control-plane': '' } } }))
    await api.close()
  })
})

const labelCases: readonly (readonly [next: Record<string, string>, old: Record<string, string>, refused: readonly string[]])[] = [
  [{ rack: 'r', 'keelson.dev/pool': 'p' }, {}, []],
  [{ 'kubelet.kubernetes.io/a': '1', 'x.node.kubernetes.io/b': '1', 'topology.kubernetes.io/zone': 'z' }, {}, []],
  [{ 'kubernetes.io/own': '1', 'team.k8s.io/own': '1' }, {}, ['kubernetes.io/own', 'team.k8s.io/own']],
  [{ 'node-restriction.kubernetes.io/a': '1' }, { 'node-restriction.kubernetes.io/a': '1' }, []],
  [{}, { 'node-restriction.kubernetes.io/a': '1' }, ['node-restriction.kubernetes.io/a']],
  [{ 'notkubernetes.io/a': '1' }, {}, []],
]

describe('labels of nodes', () => {
  for (const [next, old, refused] of labelCases)
    it(`${JSON.stringify(old)} → ${JSON.stringify(next)} refuses ${JSON.stringify(refused)}`, () =>
      assert.deepEqual(refusedLabels(next, old), refused))
})
