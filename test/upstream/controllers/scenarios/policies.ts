import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import type { ResourceQuotaSpec } from '../../../../src/kinds/generated/types/core-v1.ts'
import type { PodDisruptionBudgetSpec } from '../../../../src/kinds/generated/types/policy-v1.ts'
import { merge, podSpec, rolledOut, type Scenario, type ScenarioWorld, untilReady, workload } from '../scenario.ts'

async function budget({ clientset, namespace }: ScenarioWorld, spec: Partial<PodDisruptionBudgetSpec>): Promise<void> {
  await clientset
    .policyV1()
    .podDisruptionBudgets(namespace)
    .create({ metadata: { name: 'b' }, spec: { selector: { matchLabels: { app: 'web' } }, ...spec } })
}

async function bare(world: ScenarioWorld, name: string, image = 'i:1'): Promise<void> {
  await world.clientset
    .coreV1()
    .pods(world.namespace)
    .create({ metadata: { name, labels: { app: 'web' } }, spec: podSpec(image) })
}

async function deployed(world: ScenarioWorld, replicas: number): Promise<void> {
  await world.clientset
    .appsV1()
    .deployments(world.namespace)
    .create({ metadata: { name: 'web' }, spec: workload('web', replicas) })
  await rolledOut(world, 'web')
}

/** The code and what was said. */
async function evict({ client, namespace }: ScenarioWorld, name: string): Promise<string> {
  const { code, body } = await client.raw({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods/${name}/eviction`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }),
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return `${code} ${(JSON.parse(Buffer.concat(chunks).toString()) as { message?: string }).message ?? ''}`
}

async function told({ clientset, namespace }: ScenarioWorld, data: Record<string, string>): Promise<void> {
  await clientset
    .coreV1()
    .configMaps(namespace)
    .create({ metadata: { name: 'told' }, data })
}

const scoped = (scopes: ResourceQuotaSpec['scopes'], hard: Record<string, string> = { pods: '10' }): ResourceQuotaSpec => ({ scopes, hard })

async function quotas({ clientset, namespace, quiet }: ScenarioWorld, specs: Readonly<Record<string, ResourceQuotaSpec>>): Promise<void> {
  for (const [name, spec] of Object.entries(specs)) await clientset.coreV1().resourceQuotas(namespace).create({ metadata: { name }, spec })
  await quiet()
}

/** Budgets, quotas, and what is done for namespaces, roles and tokens. */
export const policyScenarios: Readonly<Record<string, Scenario>> = {
  'disruption-share-of-bare-pods': async (world) => {
    await bare(world, 'p')
    await untilReady(world, 'app=web', 1)
    await budget(world, { minAvailable: '50%' })
  },
  'disruption-count-of-bare-pods': async (world) => {
    for (const name of ['p', 'q']) await bare(world, name)
    await untilReady(world, 'app=web', 2)
    await budget(world, { minAvailable: 1 })
    await world.quiet()
    await told(world, { first: await evict(world, 'p'), second: await evict(world, 'q') })
  },
  'disruption-share': async (world) => {
    await deployed(world, 4)
    await budget(world, { maxUnavailable: '30%' })
    await world.quiet()
    await world.clientset
      .appsV1()
      .deployments(world.namespace)
      .patch('web', merge({ spec: { replicas: 2 } }))
    await untilReady(world, 'app=web', 2)
  },
  'disruption-share-of-two-owners': async (world) => {
    await deployed(world, 2)
    const { selector, ...spec } = workload('web', 2)
    const template = { ...spec.template, metadata: { labels: { app: 'web', of: 'old' } } }
    await world.clientset
      .coreV1()
      .replicationControllers(world.namespace)
      .create({ metadata: { name: 'old' }, spec: { replicas: 2, template, selector: { ...selector.matchLabels, of: 'old' } } })
    await untilReady(world, 'app=web', 4)
    await budget(world, { minAvailable: '75%' })
  },
  'disruption-of-a-job': async (world) => {
    const template = { metadata: { labels: { app: 'web' } }, spec: podSpec('i:1', { restartPolicy: 'Never' }) }
    await world.clientset
      .batchV1()
      .jobs(world.namespace)
      .create({ metadata: { name: 'j' }, spec: { template } })
    await untilReady(world, 'app=web', 1)
    await budget(world, { maxUnavailable: 1 })
  },
  'disruption-unhealthy-pods': async (world) => {
    await bare(world, 'sick', 'fake-unstartable')
    await budget(world, { minAvailable: 1 })
    await world.quiet()
    const first = await evict(world, 'sick')
    await world.clientset
      .policyV1()
      .podDisruptionBudgets(world.namespace)
      .patch('b', merge({ spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } }))
    await world.quiet()
    await told(world, { first, second: await evict(world, 'sick') })
  },
  'disruption-two-budgets': async (world) => {
    await bare(world, 'p')
    await untilReady(world, 'app=web', 1)
    await budget(world, { minAvailable: 1 })
    await world.clientset
      .policyV1()
      .podDisruptionBudgets(world.namespace)
      .create({ metadata: { name: 'c' }, spec: { minAvailable: 0, selector: {} } })
    await world.quiet()
    await told(world, { first: await evict(world, 'p') })
  },
  'disruption-of-nothing': (world) => budget(world, { minAvailable: 1 }),
  'disruption-of-a-custom-owner': async (world) => {
    const ownerReferences = [
      { apiVersion: 'example.com/v1', kind: 'Thing', name: 't', uid: '11111111-1111-1111-1111-111111111111', controller: true },
    ]
    await world.clientset
      .coreV1()
      .pods(world.namespace)
      .create({ metadata: { name: 'p', labels: { app: 'web' }, ownerReferences }, spec: podSpec('i:1') })
    await budget(world, { maxUnavailable: 1 })
  },
  'quota-of-every-scope': async (world) => {
    const { clientset, namespace } = world
    const requests = { cpu: '100m', memory: '10Mi' }
    const pods = clientset.coreV1().pods(namespace)
    const asking = [{ name: 'c', image: 'i:1', resources: { requests, limits: { cpu: '200m' } } }]
    await pods.create({ metadata: { name: 'best-effort' }, spec: podSpec('i:1') })
    await pods.create({ metadata: { name: 'burstable' }, spec: podSpec('i:1', { containers: asking }) })
    await pods.create({ metadata: { name: 'short' }, spec: podSpec('i:1', { activeDeadlineSeconds: 3600 }) })
    const namespaces = ['other']
    const term = { labelSelector: { matchLabels: { a: 'b' } }, topologyKey: 'kubernetes.io/hostname', namespaces }
    const affinity = { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] } }
    await pods.create({ metadata: { name: 'looks-across' }, spec: podSpec('i:1', { affinity }) })
    const selecting = (operator: 'In' | 'Exists', values?: string[]) => ({
      hard: { pods: '10', 'requests.cpu': '1' },
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass' as const, operator, ...(values ? { values } : {}) }] },
    })
    await quotas(world, {
      'best-effort': scoped(['BestEffort']),
      'not-best-effort': scoped(['NotBestEffort'], { pods: '10', 'requests.cpu': '1', 'limits.cpu': '1', memory: '1Gi' }),
      terminating: scoped(['Terminating']),
      'not-terminating': scoped(['NotTerminating'], { 'count/pods': '10', 'requests.memory': '1Gi' }),
      'cross-namespace': scoped(['CrossNamespacePodAffinity']),
      'by-class': selecting('In', ['system-node-critical']),
      'with-class': selecting('Exists'),
      both: scoped(['BestEffort', 'NotTerminating']),
    })
    await pods.delete('best-effort')
  },
  'quota-of-objects': async (world) => {
    const { clientset, namespace } = world
    const core = clientset.coreV1()
    await core.services(namespace).create({
      metadata: { name: 'lb' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }, { port: 81, name: 'b' }].map((p, i) => ({ ...p, name: `p${i}` })) },
    })
    await core.services(namespace).create({ metadata: { name: 'np' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } })
    const claim = (storageClassName: string) => ({
      accessModes: ['ReadWriteOnce' as const],
      storageClassName,
      volumeAttributesClassName: 'gold',
      resources: { requests: { storage: '2Gi' } },
    })
    await core.persistentVolumeClaims(namespace).create({ metadata: { name: 'a' }, spec: claim('none-such') })
    await core.persistentVolumeClaims(namespace).create({ metadata: { name: 'b' }, spec: claim('another') })
    await core.secrets(namespace).create({ metadata: { name: 's' } })
    await quotas(world, {
      objects: {
        hard: {
          services: '5',
          'services.nodeports': '5',
          'services.loadbalancers': '5',
          secrets: '5',
          persistentvolumeclaims: '5',
          'requests.storage': '10Gi',
          'none-such.storageclass.storage.k8s.io/requests.storage': '5Gi',
          'none-such.storageclass.storage.k8s.io/persistentvolumeclaims': '5',
          'count/deployments.apps': '2',
          'count/secrets': '3',
          resourcequotas: '3',
        },
      },
      gold: {
        hard: { persistentvolumeclaims: '5', 'requests.storage': '10Gi' },
        scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['gold'] }] },
      },
    })
    await core.secrets(namespace).delete('s')
    await core.services(namespace).patch('np', merge({ spec: { type: 'ClusterIP' } }))
    await quotasUse(world, 'objects', 'services.nodeports', '2')
  },
  'quota-changes': async (world) => {
    await bare(world, 'p')
    await quotas(world, { q: { hard: { pods: '3', 'requests.cpu': '1' } } })
    await world.clientset
      .coreV1()
      .resourceQuotas(world.namespace)
      .patch('q', { type: 'json', body: [{ op: 'replace', path: '/spec/hard', value: { pods: '2', services: '4' } }] })
  },
  'namespace-cannot-end': async (world) => {
    const { clientset, namespace, also } = world
    const name = `${namespace}-inner`
    const core = clientset.coreV1()
    await core.namespaces().create({ metadata: { name } })
    also(kindRefs.coreV1.namespaces, name)
    for (const map of ['a', 'b'])
      await core
        .configMaps(name)
        .create({ metadata: { name: map, finalizers: ['example.com/one', ...(map === 'b' ? ['example.com/two'] : [])] } })
    await core.secrets(name).create({ metadata: { name: 's', finalizers: ['example.com/one'] } })
    await core.namespaces().delete(name)
    const conditions = async () => (await core.namespaces().get(name)).status?.conditions ?? []
    await world.until('it says why', async () => (await conditions()).some(({ type }) => type === 'NamespaceFinalizersRemaining'))
    await world.quiet()
    const texts = (await conditions()).map(({ type, status, reason, message }) => [type, [status, reason, message].join(' ')])
    await told(world, Object.fromEntries(texts) as Record<string, string>)
    for (const map of ['a', 'b']) await core.configMaps(name).patch(map, merge({ metadata: { finalizers: null } }))
    await core.secrets(name).patch('s', merge({ metadata: { finalizers: null } }))
    await world.until('it is gone', async () => !(await core.namespaces().list()).items.some(({ metadata }) => metadata.name === name))
  },
  'role-is-made-of-others': async (world) => {
    const { clientset, namespace, also } = world
    const roles = clientset.rbacV1().clusterRoles()
    const names = ['all', 'one', 'two'].map((name) => `${namespace}-${name}`)
    const [all, one, two] = names as [string, string, string]
    for (const name of names) also(kindRefs.rbacV1.clusterRoles, name)
    await roles.create({
      metadata: { name: all },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [namespace]: 'yes' } }] },
      rules: [],
    })
    const reading = (resource: string) => [{ apiGroups: [''], resources: [resource], verbs: ['get'] }]
    await roles.create({ metadata: { name: two, labels: { [namespace]: 'yes' } }, rules: reading('secrets') })
    await roles.create({ metadata: { name: one, labels: { [namespace]: 'yes' } }, rules: [...reading('pods'), ...reading('secrets')] })
    await world.until('gathered', async () => ((await roles.get(all)).rules?.length ?? 0) === 2)
  },
  'account-comes-back': async ({ clientset, namespace, until }) => {
    const accounts = clientset.coreV1().serviceAccounts(namespace)
    await accounts.delete('default')
    await until('it is back', async () => (await accounts.list()).items.length === 1)
  },
  'token-of-nobody': async (world) => {
    const secrets = world.clientset.coreV1().secrets(world.namespace)
    await secrets.create({
      metadata: { name: 't', annotations: { 'kubernetes.io/service-account.name': 'none-such' } },
      type: 'kubernetes.io/service-account-token',
    })
    await world.until('it is gone', async () => (await secrets.list()).items.length === 0)
  },
  'services-of-a-range': async (world) => {
    const { clientset, namespace, also } = world
    const ranges = clientset.networkingV1().serviceCIDRs()
    await ranges.create({ metadata: { name: namespace }, spec: { cidrs: ['10.222.0.0/28'] } })
    also(kindRefs.networkingV1.serviceCIDRs, namespace)
    await world.until(
      'ready',
      async () => (await ranges.get(namespace)).status?.conditions?.some(({ status }) => status === 'True') ?? false,
    )
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web' }, spec: { clusterIP: '10.222.0.5', ports: [{ port: 80 }] } })
    await ranges.delete(namespace)
    await world.until(
      'it waits',
      async () => (await ranges.get(namespace)).status?.conditions?.some(({ status }) => status === 'False') ?? false,
    )
    await world.quiet()
    const { status } = await ranges.get(namespace)
    await told(world, Object.fromEntries((status?.conditions ?? []).map(({ type, reason, message }) => [type, `${reason} ${message}`])))
    await clientset.coreV1().services(namespace).delete('web')
    await world.until('it is gone', async () => !(await ranges.list()).items.some(({ metadata }) => metadata.name === namespace))
  },
}

async function quotasUse({ clientset, namespace, until }: ScenarioWorld, name: string, resource: string, used: string): Promise<void> {
  const quotas = clientset.coreV1().resourceQuotas(namespace)
  await until(`${used} ${resource}`, async () => (await quotas.get(name)).status?.used?.[resource] === used)
}
