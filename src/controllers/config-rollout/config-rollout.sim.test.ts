import assert from 'node:assert/strict'
import { test } from 'node:test'
import { podCondition } from '../../kinds/pod-status.ts'
import { deploymentController } from '../deployment/controller.ts'
import { replicaSetController } from '../replicaset/controller.ts'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { configRolloutController } from './controller.ts'

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [configRolloutController, deploymentController, replicaSetController], ...options })
  try {
    await body(cluster)
  } finally {
    await cluster.stop()
  }
}

const revisionAnnotation = 'keelson.dev/config-revision'
const base64 = (text: string) => Buffer.from(text).toString('base64')

async function life({ clientset, until, clock }: SimCluster): Promise<void> {
  const core = clientset.coreV1()
  const deployments = clientset.appsV1().deployments('default')
  const maps = core.configMaps('default')
  const secrets = core.secrets('default')
  await maps.create({ metadata: { name: 'conf' }, data: { color: 'red' } })
  await secrets.create({ metadata: { name: 'key' }, data: { token: base64('one') } })
  const envFrom = [{ configMapRef: { name: 'conf' } }, { secretRef: { name: 'key' } }]
  const spec = {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' }, annotations: { 'keelson.dev/config-rollout': 'true' } },
      spec: { containers: [{ name: 'c', image: 'i', envFrom }] },
    },
  }
  await deployments.create({ metadata: { name: 'web' }, spec })
  const revision = async () => (await deployments.get('web')).spec?.template?.metadata?.annotations?.[revisionAnnotation]
  const pods = async () => (await core.pods('default').list()).items
  const isRolledOut = async (wanted: string | undefined) =>
    (await revision()) === wanted &&
    (await pods()).length === 2 &&
    (await pods()).every(
      (pod) => pod.metadata.annotations?.[revisionAnnotation] === wanted && podCondition(pod, 'Ready')?.status === 'True',
    )
  await until('two pods, without a revision', () => isRolledOut(undefined))
  const first = (await deployments.get('web')).spec!.template
  await until('a history', async () => (await secrets.list()).items.some(({ type }) => type === 'keelson.dev/config-history'))
  // The two changes mean one rollout.
  await maps.patch('conf', { type: 'merge', body: { data: { color: 'green' } } })
  await secrets.patch('key', { type: 'merge', body: { data: { token: base64('two') } } })
  await until('rolled out', () => isRolledOut('2'))
  await maps.patch('conf', { type: 'merge', body: { data: { color: 'blue' } } })
  await until('rolled out again', () => isRolledOut('3'))
  // As `kubectl rollout undo --to-revision=1` does it.
  await deployments.patch('web', { type: 'json', body: [{ op: 'replace', path: '/spec/template', value: first }] })
  await until('both are back', async () => (await isRolledOut(undefined)) && (await maps.get('conf')).data?.color === 'red')
  await until('the secret, too', async () => (await secrets.get('key')).data?.token === base64('one'))
  await clock.advance(120_000)
  assert.ok(await isRolledOut(undefined), 'and it stays')
  assert.equal((await maps.get('conf')).data?.color, 'red')
  // A content that was there before has its number.
  await maps.patch('conf', { type: 'merge', body: { data: { color: 'green' } } })
  await secrets.patch('key', { type: 'merge', body: { data: { token: base64('two') } } })
  await until('the second again', () => isRolledOut('2'))
}

test('a changed configuration is rolled out, and comes back with a rollback', () => inCluster({}, life))

for (const seed of [1, 2, 3, 4])
  test(`comes to the same end under faults (seed ${seed})`, () =>
    inCluster({ seed, wrap: (client) => faultyClient(client, { seed, share: 0.08 }) }, life))

test('comes to the same end when its watches lag', () => inCluster({ watchLagMs: 200 }, life))
