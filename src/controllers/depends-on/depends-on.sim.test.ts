import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Dependency, parseDependencies } from '../../kinds/keelson/depends-on.ts'
import { podCondition } from '../../kinds/pod-status.ts'
import { deploymentController } from '../deployment/controller.ts'
import { jobController } from '../job/controller.ts'
import { replicaSetController } from '../replicaset/controller.ts'
import { statefulSetController } from '../statefulset/controller.ts'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { dependsOnController } from './controller.ts'
import { findCycle } from './plan.ts'

const definitions = [dependsOnController, deploymentController, replicaSetController, statefulSetController, jobController()]

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  // These nodes bind what they see; a scheduler passes over gated pods.
  const canRun = (pod: { spec?: { schedulingGates?: unknown[] } }) => !pod.spec?.schedulingGates?.length
  const cluster = await simCluster({ definitions, nodes: { canRun, readyAfterMs: 1_000 }, ...options })
  try {
    await body(cluster)
  } finally {
    await cluster.stop()
  }
}

const dependsOn = (text: string) => ({ annotations: { 'keelson.dev/depends-on': text } })
const spec = { containers: [{ name: 'c', image: 'i' }] }
const workload = (name: string, text?: string) => ({
  metadata: { name, ...(text ? dependsOn(text) : {}) },
  spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec } },
})

function parts({ clientset }: SimCluster) {
  const pods = clientset.coreV1().pods('default')
  const ofApp = async (name: string) => (await pods.list({ labelSelector: `app=${name}` })).items
  const told = async (name: string) => podCondition((await ofApp(name))[0] ?? { metadata: {} }, 'keelson.dev/DependenciesReady')
  return {
    deployments: clientset.appsV1().deployments('default'),
    sets: clientset.appsV1().statefulSets('default'),
    pods,
    ofApp,
    told,
    isReady: async (name: string) => (await ofApp(name)).filter((pod) => podCondition(pod, 'Ready')?.status === 'True').length === 2,
  }
}

async function chain(cluster: SimCluster): Promise<void> {
  const { deployments, sets, ofApp, told, isReady } = parts(cluster)
  await deployments.create(workload('web', 'deploy/api'))
  await deployments.create(workload('api', 'statefulset/db'))
  await cluster.until(
    'web says why it waits',
    async () => (await told('web'))?.message === 'waits for deployment/api, which has 0 of 2 ready',
  )
  assert.equal((await told('api'))?.message, 'waits for statefulset/db, which is not there')
  assert.equal(podCondition((await ofApp('web'))[0]!, 'PodScheduled')?.reason, 'SchedulingGated')
  await cluster.clock.advance(10_000)
  assert.equal(
    (await ofApp('web')).some(({ spec: s }) => s?.nodeName),
    false,
  )
  await sets.create({ ...workload('db'), spec: { ...workload('db').spec, serviceName: 'db' } })
  await cluster.until('db', () => isReady('db'))
  assert.equal(await isReady('web'), false, 'not before api')
  await cluster.until('api, then web', async () => (await isReady('api')) && (await isReady('web')))
  const said = (await cluster.clientset.coreV1().events('default').list()).items.filter(({ reason }) => reason === 'DependenciesReady')
  assert.ok(said.some(({ message }) => message === 'ready: deployment/api'))
  // A rollout of what is ready does not wait.
  await deployments.patch('web', { type: 'merge', body: { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } } })
  await cluster.until('rolled out', async () => (await deployments.get('web')).status?.updatedReplicas === 2 && (await isReady('web')))
}

test('a chain of workloads starts from its end', () => inCluster({}, chain))

for (const seed of [1, 2])
  test(`a chain starts under faults (seed ${seed})`, () =>
    inCluster({ seed, wrap: (client) => faultyClient(client, { seed, share: 0.08 }) }, chain))

test('a circle is found and told, and broken by whoever takes the annotation away', () =>
  inCluster({}, async (cluster) => {
    const { deployments, told, isReady } = parts(cluster)
    await deployments.create(workload('a', 'deployment/b'))
    await deployments.create(workload('b', 'deployment/a'))
    await cluster.until(
      'both say so',
      async () => (await told('a'))?.reason === 'DependencyCycle' && (await told('b'))?.reason === 'DependencyCycle',
    )
    assert.equal((await told('a'))?.message, 'none of them can start before the other: deployment/a → deployment/b → deployment/a')
    const events = (await cluster.clientset.coreV1().events('default').list()).items
    assert.equal(events.filter(({ reason }) => reason === 'DependencyCycle').length, 4, 'each pod once')
    await deployments.patch('a', { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/depends-on': null } } } })
    await cluster.until('both run', async () => (await isReady('a')) && (await isReady('b')))
    await deployments.scale('a', 3)
    await cluster.until('new pods do not wait either', async () => (await deployments.get('a')).status?.readyReplicas === 3)
  }))

test('pods that wait follow their workload when it names something else, and one that was let go by hand stays so', () =>
  inCluster({}, async (cluster) => {
    const { deployments, sets, told, ofApp, pods, isReady } = parts(cluster)
    const annotate = (text: string) => ({ type: 'merge' as const, body: { metadata: dependsOn(text) } })
    await deployments.create(workload('web', 'deployment/one'))
    await sets.create({ ...workload('db', 'deployment/one'), spec: { ...workload('db').spec, serviceName: 'db' } })
    const waitsFor = async (app: string, name: string) => (await told(app))?.message?.includes(`deployment/${name}`) ?? false
    await cluster.until('both wait', async () => (await waitsFor('web', 'one')) && (await waitsFor('db', 'one')))
    await deployments.patch('web', annotate('deployment/two'))
    await sets.patch('db', annotate('deployment/two'))
    await cluster.until('both wait for the other', async () => (await waitsFor('web', 'two')) && (await waitsFor('db', 'two')))
    const [first] = await ofApp('web')
    await pods.patch(first!.metadata.name!, { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/depends-on': null } } } })
    await cluster.until('it runs', async () => podCondition(await pods.get(first!.metadata.name!), 'Ready')?.status === 'True')
    assert.equal(await isReady('web'), false, 'the second waits')
    await deployments.create(workload('two'))
    await cluster.until('all run', async () => (await isReady('web')) && (await isReady('db')))
  }))

test('a pod waits for a Job and for a service, and a word that is none is told', () =>
  inCluster({}, async (cluster) => {
    const { pods } = parts(cluster)
    const why = async (name: string) => podCondition(await pods.get(name), 'keelson.dev/DependenciesReady')
    await pods.create({ metadata: { name: 'p', ...dependsOn('job/migrate, svc/db') }, spec })
    await pods.create({ metadata: { name: 'q', ...dependsOn('db') }, spec })
    await cluster.until('it is told', async () => (await why('q'))?.reason === 'InvalidDependency')
    assert.match((await why('q'))?.message ?? '', /^cannot wait for db: write /)
    await cluster.until(
      'it is told',
      async () => (await why('p'))?.message === 'waits for job/migrate, which is not there; service/db, which is not there',
    )
    const core = cluster.clientset.coreV1()
    await core.services('default').create({ metadata: { name: 'db' }, spec: { ports: [{ port: 80 }] } })
    await cluster.clientset
      .discoveryV1()
      .endpointSlices('default')
      .create({
        metadata: { name: 'db-1', labels: { 'kubernetes.io/service-name': 'db' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
      })
    const jobs = cluster.clientset.batchV1().jobs('default')
    const job = await jobs.create({
      metadata: { name: 'migrate' },
      spec: { suspend: true, template: { spec: { ...spec, restartPolicy: 'Never' } } },
    })
    await cluster.until('the service is there', async () => (await why('p'))?.message === 'waits for job/migrate, which is not complete')
    const time = '2026-01-01T00:00:00Z'
    const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: time,
      lastProbeTime: time,
    }))
    await jobs.updateStatus({
      ...(await jobs.get('migrate')),
      status: { ...job.status, conditions, startTime: time, completionTime: time },
    })
    await cluster.until('it runs', async () => podCondition(await pods.get('p'), 'Ready')?.status === 'True')
  }))

const parsed: [string, string[], string[]][] = [
  ['deployment/a', ['ns/deployment/a'], []],
  ['deploy/a,sts/b  jobs/c', ['ns/deployment/a', 'ns/statefulset/b', 'ns/job/c'], []],
  ['other/svc/x,deploy/a,deployments/a', ['other/service/x', 'ns/deployment/a'], []],
  ['a, /b, x/y/z/w, node/n, deploy/', [], ['a', '/b', 'x/y/z/w', 'node/n', 'deploy/']],
  ['', [], []],
]
for (const [text, expected, wrong] of parsed)
  test(`reads ${JSON.stringify(text)}`, () => {
    const found = parseDependencies(text, 'ns')
    assert.deepEqual(
      found.dependencies.map(({ kind, namespace, name }) => `${namespace}/${kind}/${name}`),
      expected,
    )
    assert.deepEqual(found.wrong, wrong)
  })

test('a circle elsewhere is not one’s own', () => {
  const one = (name: string): Dependency => ({ kind: 'deployment', namespace: 'ns', name })
  const edges: Record<string, string[]> = { b: ['c'], c: ['b'] }
  assert.equal(
    findCycle(one('a'), [one('b')], ({ name }) => (edges[name] ?? []).map(one)),
    undefined,
  )
  assert.equal(findCycle(one('b'), [one('c')], ({ name }) => (edges[name] ?? []).map(one))?.length, 3)
})
