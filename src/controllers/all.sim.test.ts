import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toMicroTime, toTime } from '../base/clock.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { ControllerDefinition } from '../control/contract.ts'
import { allControllers } from './all.ts'
import { simCluster, type SimCluster, type SimOptions } from './sim-cluster.ts'

async function inCluster(
  body: (cluster: SimCluster) => Promise<void>,
  options: Omit<Partial<SimOptions>, 'definitions'> & { readonly definitions?: readonly ControllerDefinition[] } = {},
): Promise<void> {
  const definitions = options.definitions ?? allControllers({ rootCaPem: 'CA' })
  const cluster = await simCluster({ ...options, definitions })
  try {
    await body(cluster)
    for (const { name } of definitions) assert.equal(cluster.metrics.panicsOf(name), 0, `${name} threw`)
  } finally {
    await cluster.stop()
  }
}

const deployment = (replicas: number, more = {}) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'v1', ports: [{ name: 'http', containerPort: 8080 }] }], ...more },
    },
  },
})

test('every namespace gets its account and its CA, again when they are lost', () =>
  inCluster(async ({ clientset, until }) => {
    await clientset
      .coreV1()
      .namespaces()
      .create({ metadata: { name: 'team' } })
    const accounts = clientset.coreV1().serviceAccounts('team')
    const maps = clientset.coreV1().configMaps('team')
    const isComplete = async () => {
      const ca = (await maps.list()).items.find(({ metadata }) => metadata.name === 'kube-root-ca.crt')
      return (await accounts.list()).items.some(({ metadata }) => metadata.name === 'default') && ca?.data?.['ca.crt'] === 'CA'
    }
    await until('account and CA are there', isComplete, 5_000)
    await accounts.delete('default')
    await maps.patch('kube-root-ca.crt', { type: 'merge', body: { data: { 'ca.crt': 'forged' } } })
    await until('account and CA are there again', isComplete, 5_000)
  }))

test('a namespace takes everything in it along and tells what it waits for', () =>
  inCluster(async ({ clientset, until }) => {
    const namespaces = clientset.coreV1().namespaces()
    await namespaces.create({ metadata: { name: 'team' } })
    const inTeam = (object: object) => ({ ...object, metadata: { name: 'web', namespace: 'team' } }) as ReturnType<typeof deployment>
    await clientset
      .appsV1()
      .deployments('team')
      .create(inTeam(deployment(3)))
    await clientset
      .coreV1()
      .configMaps('team')
      .create({ metadata: { name: 'held', finalizers: ['example.com/held'] } })
    await clientset
      .coreV1()
      .secrets('team')
      .create({ metadata: { name: 's' } })
    await until('three pods', async () => (await clientset.coreV1().pods('team').list()).items.length === 3)
    await namespaces.delete('team')
    const condition = async (type: string) => (await namespaces.get('team')).status?.conditions?.find((c) => c.type === type)
    await until(
      'only the held object is left',
      async () => (await condition('NamespaceContentRemaining'))?.message?.endsWith('configmaps. has 1 resource instances') ?? false,
    )
    const waiting = await condition('NamespaceFinalizersRemaining')
    assert.equal(waiting?.message, 'Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances')
    await clientset
      .coreV1()
      .configMaps('team')
      .patch('held', { type: 'merge', body: { metadata: { finalizers: null } } })
    await until('the namespace is gone', async () => !(await namespaces.list()).items.some(({ metadata }) => metadata.name === 'team'))
    const left = await clientset.coreV1().secrets('team').list()
    assert.equal(left.items.length, 0)
  }))

test('endpoints follow pods: ready, stopped, gone', () =>
  inCluster(async ({ clientset, until }) => {
    const pods = clientset.coreV1().pods('default')
    const ports = [{ port: 80, targetPort: 'http' }]
    await clientset
      .coreV1()
      .services('default')
      .create({ metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports } })
    await clientset.appsV1().deployments('default').create(deployment(3))
    const addresses = async () => {
      const slices = (await clientset.discoveryV1().endpointSlices('default').list({ labelSelector: 'kubernetes.io/service-name=web' }))
        .items
      const endpoints = (await clientset.coreV1().endpoints('default').list()).items.find(({ metadata }) => metadata.name === 'web')
      const ready = slices.flatMap((slice) => (slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready)).length
      const old = (endpoints?.subsets ?? []).flatMap((subset) => subset.addresses ?? []).length
      return `${ready} ${old}`
    }
    await until('three addresses', async () => (await addresses()) === '3 3')
    const [first] = (await pods.list()).items
    await pods.patch(first?.metadata.name ?? '', {
      type: 'merge',
      body: { metadata: { annotations: { 'keelson.dev/run-state': 'stopped' } } },
    })
    await until('two addresses', async () => (await addresses()) === '2 2')
    await clientset.appsV1().deployments('default').scale('web', 0)
    await until('no address', async () => (await addresses()) === '0 0')
    await clientset.coreV1().services('default').delete('web')
    await until('no slice, no Endpoints', async () => {
      const slices = (await clientset.discoveryV1().endpointSlices('default').list({ labelSelector: 'kubernetes.io/service-name=web' }))
        .items
      const endpoints = (await clientset.coreV1().endpoints('default').list()).items.filter(({ metadata }) => metadata.name === 'web')
      return slices.length + endpoints.length === 0
    })
  }))

/** Nodes that renew their leases until they are told to fall silent. */
async function withNodes({ clientset, clock }: SimCluster, names: readonly string[]) {
  const silent = new Set<string>()
  const leases = clientset.coordinationV1().leases('kube-node-lease')
  const nodes = clientset.coreV1().nodes()
  const ready = () => ({ type: 'Ready', status: 'True', lastHeartbeatTime: toTime(clock.now()), lastTransitionTime: toTime(clock.now()) })
  // A patch, as an agent writes it: controllers write to the node meanwhile.
  const speakFor = (name: string) =>
    nodes.patch(name, { type: 'strategic', body: { status: { conditions: [ready()] } } }, { subresource: 'status' })
  for (const name of names) {
    await nodes.create({ metadata: { name } })
    await speakFor(name)
    await leases.create({ metadata: { name }, spec: { holderIdentity: name, renewTime: toMicroTime(clock.now()) } })
  }
  const beat = () => {
    for (const name of names)
      if (!silent.has(name))
        void leases.patch(name, { type: 'merge', body: { spec: { renewTime: toMicroTime(clock.now()) } } }).catch(() => {})
    clock.schedule(10_000, beat)
  }
  beat()
  return { silence: (name: string) => silent.add(name), speak: (name: string) => silent.delete(name), speakFor }
}

test('a node that falls silent loses its pods after their toleration, and is taken back when it speaks', () =>
  inCluster(async (cluster) => {
    const { clientset, clock, until } = cluster
    await clientset
      .coreV1()
      .namespaces()
      .create({ metadata: { name: 'kube-node-lease' } })
      .catch(() => {})
    const { silence, speak, speakFor } = await withNodes(cluster, ['node-1', 'node-2', 'node-3'])
    const nodes = clientset.coreV1().nodes()
    await until('networks', async () => (await nodes.list()).items.every((node) => node.spec?.podCIDR))
    assert.deepEqual(new Set((await nodes.list()).items.map((node) => node.spec?.podCIDR)).size, 3)
    const tolerations = ['not-ready', 'unreachable'].map((key) => ({
      key: `node.kubernetes.io/${key}`,
      operator: 'Exists',
      effect: 'NoExecute' as const,
      tolerationSeconds: 60,
    }))
    await clientset.appsV1().deployments('default').create(deployment(6, { tolerations }))
    const pods = async () => (await clientset.coreV1().pods('default').list()).items
    const readyOn = async (name: string) =>
      (await pods()).filter(
        (pod) => pod.spec?.nodeName === name && pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
      ).length
    await until('six ready pods', async () => (await readyOn('node-1')) + (await readyOn('node-2')) + (await readyOn('node-3')) === 6)
    assert.equal(await readyOn('node-2'), 2)
    const before = new Set((await pods()).filter((pod) => pod.spec?.nodeName === 'node-2').map((pod) => pod.metadata.uid))
    const silentMs = clock.now()
    silence('node-2')
    await until(
      'node-2 is unreachable',
      async () => (await nodes.get('node-2')).spec?.taints?.some((taint) => taint.effect === 'NoExecute') ?? false,
    )
    const unreachableMs = clock.now() - silentMs
    assert.ok(unreachableMs >= 30_000 && unreachableMs <= 52_000, `unreachable after ${unreachableMs} ms`)
    const node = await nodes.get('node-2')
    assert.deepEqual(
      node.spec?.taints?.map((taint) => `${taint.key}:${taint.effect}`).sort((a, b) => a.localeCompare(b)),
      ['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule'],
    )
    assert.equal(node.status?.conditions?.find(({ type }) => type === 'Ready')?.reason, 'NodeStatusUnknown')
    assert.equal(await readyOn('node-2'), 0)
    await until('its pods are replaced', async () => {
      const now = await pods()
      return now.length === 6 && !now.some((pod) => before.has(pod.metadata.uid))
    })
    assert.ok(clock.now() - silentMs >= unreachableMs + 60_000, 'not before their toleration ended')
    speak('node-2')
    await speakFor('node-2')
    await until('node-2 is well', async () => ((await nodes.get('node-2')).spec?.taints ?? []).length === 0)
  }))

test('pods of a node that was removed are forgotten and made anew elsewhere', () =>
  inCluster(async (cluster) => {
    const { clientset, until } = cluster
    await clientset
      .coreV1()
      .namespaces()
      .create({ metadata: { name: 'kube-node-lease' } })
      .catch(() => {})
    await withNodes(cluster, ['node-1', 'node-2', 'node-3'])
    await clientset.appsV1().deployments('default').create(deployment(3))
    const pods = async () => (await clientset.coreV1().pods('default').list()).items
    const nodeOf = async (uid: string | undefined) => (await pods()).find((pod) => pod.metadata.uid === uid)
    await until('three pods on nodes', async () => (await pods()).filter((pod) => pod.spec?.nodeName).length === 3)
    const lost = (await pods()).find((pod) => pod.spec?.nodeName === 'node-1')
    await clientset.coreV1().nodes().delete('node-1')
    await until('the orphan is gone', async () => (await nodeOf(lost?.metadata.uid)) === undefined)
    await until('three pods again', async () => (await pods()).length === 3)
  }))

test('a disruption budget follows its pods', () =>
  inCluster(async ({ clientset, until }) => {
    await clientset.appsV1().deployments('default').create(deployment(3))
    const budgets = clientset.policyV1().podDisruptionBudgets('default')
    await budgets.create({ metadata: { name: 'web' }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } } })
    await until('one disruption allowed', async () => (await budgets.get('web')).status?.disruptionsAllowed === 1)
    await clientset.appsV1().deployments('default').scale('web', 5)
    await until(
      'five expected',
      async () => (await budgets.get('web')).status?.expectedPods === 5 && (await budgets.get('web')).status?.currentHealthy === 5,
    )
  }))

test('a finished Job goes when its time has come, and aggregated roles fill', () =>
  inCluster(async ({ clientset, clock, until }) => {
    const jobs = clientset.batchV1().jobs('default')
    const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'c', image: 'i' }] } }
    const job = await jobs.create({ metadata: { name: 'j' }, spec: { ttlSecondsAfterFinished: 30, template } })
    const time = toTime(clock.now())
    const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: time,
      lastProbeTime: time,
    }))
    await jobs.updateStatus({ ...job, status: { conditions, startTime: time, completionTime: time, succeeded: 1 } })
    const roles = clientset.rbacV1().clusterRoles()
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]
    await roles.create({ metadata: { name: 'sum' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'sum' } }] } })
    await roles.create({ metadata: { name: 'part', labels: { to: 'sum' } }, rules })
    await until('the sum is filled', async () => (await roles.get('sum')).rules?.length === 1)
    await clock.advance(25_000)
    assert.equal((await jobs.list()).items.length, 1)
    await until('the Job is gone', async () => (await jobs.list()).items.length === 0, 10_000)
  }))

test('hand-made Endpoints are mirrored, and events go after their hour', () =>
  inCluster(async ({ clientset, clock, until }) => {
    await clientset
      .coreV1()
      .services('default')
      .create({ metadata: { name: 'db' }, spec: { ports: [{ port: 5432 }] } })
    const subsets = [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 5432 }] }]
    await clientset
      .coreV1()
      .endpoints('default')
      .create({ metadata: { name: 'db' }, subsets })
    const slices = async () =>
      (await clientset.discoveryV1().endpointSlices('default').list({ labelSelector: 'kubernetes.io/service-name=db' })).items
    await until('a slice', async () => (await slices())[0]?.endpoints?.[0]?.addresses[0] === '192.0.2.7')
    await clientset.coreV1().services('default').delete('db')
    await until('no slice', async () => (await slices()).length === 0)
    const events = clientset.coreV1().events('default')
    await events.create({
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'R',
      message: 'm',
      type: 'Normal',
    })
    await clock.advance(3_500_000)
    assert.equal((await events.list()).items.length, 1)
    await until('the event is gone', async () => (await events.list()).items.length === 0, 300_000)
  }))

test('an idle control plane writes nothing and wakes for nothing', () => {
  // Without the loops that would forget the pods of nodes that only pretend, and the rollout's events after their hour.
  const definitions = allControllers({ rootCaPem: 'CA' }).filter(({ name }) => name !== 'pod-garbage-collector' && name !== 'event-expiry')
  return inCluster(
    async ({ client, clientset, clock, metrics, until }) => {
      await clientset
        .coreV1()
        .services('default')
        .create({ metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
      await clientset.appsV1().deployments('default').create(deployment(3))
      await until('rolled out', async () => (await clientset.appsV1().deployments('default').get('web')).status?.availableReplicas === 3)
      await clock.advance(60_000)
      const trace = async () => {
        const revision = (await client.resource(kindRefs.coreV1.pods).list()).metadata.resourceVersion
        return [
          revision,
          ...metrics
            .expose()
            .split('\n')
            .filter((line) => line.startsWith('keelson_reconcile_total')),
        ]
      }
      const before = await trace()
      await clock.advance(3_600_000)
      assert.deepEqual(await trace(), before)
    },
    { definitions },
  )
})

test('a secret that asks for a token gets one, and goes with its account', () =>
  inCluster(
    async ({ clientset, until }) => {
      const core = clientset.coreV1()
      await core.serviceAccounts('default').create({ metadata: { name: 'robot' } })
      const annotations = { 'kubernetes.io/service-account.name': 'robot' }
      const type = 'kubernetes.io/service-account-token'
      await core.secrets('default').create({ metadata: { name: 'robot-token', annotations }, type })
      const found = async () => (await core.secrets('default').list()).items.find(({ metadata }) => metadata.name === 'robot-token')
      await until('the token is there', async () => (await found())?.data?.token !== undefined, 5_000)
      const { data } = (await found())!
      assert.equal(Buffer.from(data?.token ?? '', 'base64').toString(), 'default/robot-token/robot')
      assert.equal(Buffer.from(data?.['ca.crt'] ?? '', 'base64').toString(), 'CA')
      await core.serviceAccounts('default').delete('robot')
      await until('it is gone', async () => (await found()) === undefined, 5_000)
    },
    {
      definitions: allControllers({
        rootCaPem: 'CA',
        issueSecretToken: ({ namespace, secretName, serviceAccount }) => `${namespace}/${secretName}/${serviceAccount.name}`,
      }),
    },
  ))

test('the cluster can be found by a token that signs for it, until the token ends', () =>
  inCluster(
    async ({ clientset, clock, until }) => {
      const core = clientset.coreV1()
      const stringData = {
        'token-id': 'abcdef',
        'token-secret': '0123456789abcdef',
        'usage-bootstrap-signing': 'true',
        expiration: toTime(clock.now() + 600_000),
      }
      const metadata = { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }
      await core.secrets('kube-system').create({ metadata, type: 'bootstrap.kubernetes.io/token', stringData })
      const info = async () => (await core.configMaps('kube-public').list()).items.find((map) => map.metadata.name === 'cluster-info')?.data
      await until('it is signed', async () => (await info())?.['jws-kubeconfig-abcdef'] !== undefined, 5_000)
      assert.match((await info())?.kubeconfig ?? '', /server: https:\/\/10\.0\.0\.1:6443/)
      await clock.advance(601_000)
      await until('the token is gone', async () => (await core.secrets('kube-system').list()).items.length === 0, 5_000)
      await until('so is its signature', async () => (await info())?.['jws-kubeconfig-abcdef'] === undefined, 5_000)
    },
    { definitions: allControllers({ rootCaPem: 'CA', clusterInfo: { server: 'https://10.0.0.1:6443', caPem: 'CA' } }) },
  ))
