/** The stock JavaScript client against a running server: each step works as it does against any Kubernetes, or the program ends. */
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline/promises'
import {
  ApiException,
  ApiextensionsV1Api,
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
  V1MicroTime,
} from '@kubernetes/client-node'

const namespace = 'javascript-client'
const config = new KubeConfig()
config.loadFromFile(process.env['KUBECONFIG'] ?? '')
const core = config.makeApiClient(CoreV1Api)
const apps = config.makeApiClient(AppsV1Api)
const objects = KubernetesObjectApi.makeApiClient(config)
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const configMap = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels: { from: 'javascript' } },
  data,
})

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000
  let why: unknown
  for (;;) {
    try {
      if (await holds()) return
    } catch (error) {
      why = error
    }
    if (performance.now() > endMs) throw new Error(`${what}: not in time`, { cause: why })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const refused = (code: number) => (error: unknown) => error instanceof ApiException && error.code === code

async function typedObjects(): Promise<void> {
  await core.createNamespace({ body: { metadata: { name: namespace } } })
  for (let i = 0; i < 5; i++) await core.createNamespacedConfigMap({ namespace, body: configMap(`c${i}`, { a: 'b' }) })
  await assert.rejects(core.createNamespacedConfigMap({ namespace, body: configMap('c0') }), refused(409))
  const names: string[] = []
  for (let _continue: string | undefined = ''; _continue !== undefined; ) {
    const page = await core.listNamespacedConfigMap({ namespace, labelSelector: 'from=javascript', limit: 2, _continue })
    names.push(...page.items.map((item) => item.metadata?.name ?? ''))
    _continue = page.metadata?._continue
  }
  assert.deepEqual(names, ['c0', 'c1', 'c2', 'c3', 'c4'])
  const patched = await core.patchNamespacedConfigMap(
    { namespace, name: 'c0', body: { data: { x: 'y' } } },
    setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
  )
  assert.deepEqual(patched.data, { a: 'b', x: 'y' })
  const body = [{ op: 'remove', path: '/data/a' }]
  const less = await core.patchNamespacedConfigMap(
    { namespace, name: 'c0', body },
    setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
  )
  assert.deepEqual(less.data, { x: 'y' })
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'from=javascript' })
  assert.equal((await core.listNamespacedConfigMap({ namespace, labelSelector: 'from=javascript' })).items.length, 0)
}

async function watched(): Promise<void> {
  const { metadata } = await core.listNamespacedConfigMap({ namespace })
  await core.createNamespacedConfigMap({ namespace, body: configMap('watched') })
  await core.deleteNamespacedConfigMap({ namespace, name: 'watched' })
  const seen: string[] = []
  await new Promise<void>((resolve, reject) => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const told = (type: string) => {
      seen.push(type)
      if (type === 'DELETED') resolve()
    }
    new Watch(config)
      .watch(path, { resourceVersion: metadata?.resourceVersion, timeoutSeconds: 5 }, told, (error) => reject(error as Error))
      .catch(reject)
  })
  assert.deepEqual(seen, ['ADDED', 'DELETED'])
}

async function anyKind(): Promise<void> {
  const labels = { app: 'any' }
  const spec = {
    replicas: 1,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'web:1' }] } },
  }
  const deployment: KubernetesObject & { spec: object } = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'any', namespace },
    spec,
  }
  await objects.patch(deployment, undefined, undefined, 'first', true, PatchStrategy.ServerSideApply)
  await eventually(
    'a ready Deployment',
    async () => (await apps.readNamespacedDeployment({ namespace, name: 'any' })).status?.readyReplicas === 1,
  )
  const other = { ...deployment, spec: { ...spec, replicas: 2 } }
  await assert.rejects(objects.patch(other, undefined, undefined, 'second', false, PatchStrategy.ServerSideApply), refused(409))
  await objects.patch(other, undefined, undefined, 'second', true, PatchStrategy.ServerSideApply)
  await eventually(
    'two replicas',
    async () => (await apps.readNamespacedDeploymentScale({ namespace, name: 'any' })).status?.replicas === 2,
  )
}

async function retried(): Promise<void> {
  let current = await core.createNamespacedConfigMap({ namespace, body: configMap('counted') })
  const others = await core.readNamespacedConfigMap({ namespace, name: 'counted' })
  others.data = { first: 'yes' }
  await core.replaceNamespacedConfigMap({ namespace, name: 'counted', body: others })
  let attempts = 0
  for (;;) {
    attempts++
    current.data = { ...current.data, second: 'yes' }
    try {
      const { data } = await core.replaceNamespacedConfigMap({ namespace, name: 'counted', body: current })
      assert.deepEqual(data, { first: 'yes', second: 'yes' })
      break
    } catch (error) {
      if (!refused(409)(error)) throw error
      current = await core.readNamespacedConfigMap({ namespace, name: 'counted' })
    }
  }
  assert.equal(attempts, 2)
}

async function customKind(): Promise<void> {
  const names = { plural: 'things', singular: 'thing', kind: 'Thing' }
  const schema = {
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } },
  }
  const group = 'javascript.example.com'
  await config.makeApiClient(ApiextensionsV1Api).createCustomResourceDefinition({
    body: {
      metadata: { name: `things.${group}` },
      spec: { group, scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema }] },
    },
  })
  const custom = config.makeApiClient(CustomObjectsApi)
  const body = { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 't' }, spec: { size: 3 } }
  await eventually('the custom kind', async () => {
    await custom.createNamespacedCustomObject({ group, version: 'v1', namespace, plural: 'things', body })
    return true
  })
  const got = (await custom.getNamespacedCustomObject({ group, version: 'v1', namespace, plural: 'things', name: 't' })) as typeof body
  assert.equal(got.spec.size, 3)
}

/** The client has no election of its own: what one does with a Lease by hand. */
async function elected(): Promise<void> {
  const leases = config.makeApiClient(CoordinationV1Api)
  const spec = (holderIdentity: string) => ({ holderIdentity, leaseDurationSeconds: 4, renewTime: new V1MicroTime() })
  const lease = await leases.createNamespacedLease({ namespace, body: { metadata: { name: 'lead' }, spec: spec('a') } })
  await leases.replaceNamespacedLease({ namespace, name: 'lead', body: lease })
  await leases.patchNamespacedLease({ namespace, name: 'lead', body: [{ op: 'replace', path: '/spec/holderIdentity', value: 'b' }] })
  lease.spec = spec('c')
  await assert.rejects(leases.replaceNamespacedLease({ namespace, name: 'lead', body: lease }), refused(409))
}

async function informerSurvivesRestart(): Promise<void> {
  const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'from=javascript' })
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, 'from=javascript')
  const added: string[] = []
  const deleted: string[] = []
  informer.on('add', (object) => added.push(object.metadata?.name ?? ''))
  informer.on('delete', (object) => deleted.push(object.metadata?.name ?? ''))
  // As its documentation says: who wants to go on starts it again.
  informer.on('error', () => setTimeout(() => void informer.start().catch(() => {}), 200))
  await informer.start()
  await eventually('what is there', () => added.join() === 'counted')
  console.log('restart')
  assert.equal((await input.next()).value, 'restarted')
  await eventually('a write after the restart', async () => {
    await core.createNamespacedConfigMap({ namespace, body: configMap('after') })
    return true
  })
  await eventually('its event', () => added.includes('after'))
  await core.deleteNamespacedConfigMap({ namespace, name: 'after' })
  await eventually('its end', () => deleted.includes('after'))
  assert.deepEqual(added, ['counted', 'after'])
  await informer.stop()
}

const steps: readonly (readonly [string, () => Promise<void>])[] = [
  ['typed objects are created, listed in pages, patched and deleted', typedObjects],
  ['a watch from a version tells what came after it', watched],
  ['objects of any kind, with server-side apply', anyKind],
  ['an update that comes late is retried on conflict', retried],
  ['a custom kind', customKind],
  ['a Lease has one holder', elected],
  ['informers come back after a restart of the server', informerSurvivesRestart],
]
for (const [name, run] of steps) {
  try {
    await run()
  } catch (error) {
    const { stack, cause } = error as Error
    console.log(`failed: ${name}: ${stack ?? ''} ${cause instanceof Error ? cause.message : ''}`)
    process.exit(1)
  }
  console.log(`ok: ${name}`)
}
process.exit(0)
