import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { bootstrapPolicy } from '../apiserver/authz/bootstrap-policy.ts'
import { silentLog } from '../base/log.ts'
import { createClientset } from '../client/clientset.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { type ControlPlane, type LoopsPart, startControlPlane } from './control-plane.ts'

const serviceAccountKeys = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

/** Its loops come when `give` is called. */
async function withGate(
  body: (controlPlane: ControlPlane, give: () => void, fail: (error: Error) => void) => Promise<void>,
  store = createMemoryStore({ clock: systemClock }),
): Promise<void> {
  const gate = Promise.withResolvers<void>()
  const controlPlane = await startControlPlane({
    store,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    serviceAccountKeys,
    controllerFunctions: { rootCaPem: '' },
    loops: async (): Promise<LoopsPart> => {
      await gate.promise
      return import('./control-loops.ts')
    },
  })
  try {
    await body(controlPlane, gate.resolve, gate.reject)
  } finally {
    await controlPlane.close()
  }
}

async function answerOf({ client }: ControlPlane, path: string): Promise<{ code: number; text: string }> {
  const { code, body } = await client.raw({ method: 'GET', path })
  let text = ''
  for await (const chunk of body) text += Buffer.from(chunk).toString()
  return { code, text }
}

const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'web' }] } }

test('the API answers before the loops are there; what needs them waits for them', { timeout: 60_000 }, async () => {
  await withGate(async (controlPlane, give) => {
    const { coreV1 } = createClientset(controlPlane.client)
    assert.deepEqual(await answerOf(controlPlane, '/readyz'), { code: 200, text: 'ok' })
    // A pod needs its namespace's service account.
    assert.equal((await coreV1().pods('default').create(pod)).spec?.serviceAccountName, 'default')
    assert.equal(controlPlane.scheduler, undefined)
    assert.match((await answerOf(controlPlane, '/metrics')).text, /apiserver_request_total/)

    let isExplained = false
    const explained = answerOf(controlPlane, '/api/v1/namespaces/default/pods/web/explain').then((answer) => {
      isExplained = true
      return answer
    })
    await answerOf(controlPlane, '/readyz')
    assert.equal(isExplained, false)
    give()
    await controlPlane.started
    assert.ok([200, 404].includes((await explained).code))
    assert.ok(controlPlane.scheduler)
    for await (const event of coreV1()
      .pods('default')
      .watch({ signal: AbortSignal.timeout(30_000) }))
      if (event.type !== 'BOOKMARK' && event.object.status?.conditions?.some((c) => c.reason === 'Unschedulable')) break
    assert.match((await answerOf(controlPlane, '/api/v1/namespaces/default/pods/web/explain')).text, /no nodes available/)
    await controlPlane.ready
    assert.match((await answerOf(controlPlane, '/metrics')).text, /workqueue_adds_total\{name="replicaset"\}/)
  })
})

test('a control plane that is closed before its loops have come never starts them', { timeout: 60_000 }, async () => {
  await withGate(async (controlPlane, give) => {
    await controlPlane.close()
    give()
    await assert.rejects(controlPlane.started, /stopping/)
    assert.equal(controlPlane.scheduler, undefined)
  })
})

test('loops that cannot be had are told to whoever waits for them', { timeout: 60_000 }, async () => {
  await withGate(async (controlPlane, _give, fail) => {
    fail(new Error('the file is gone'))
    await assert.rejects(controlPlane.started, /the file is gone/)
    assert.equal((await answerOf(controlPlane, '/readyz')).code, 200)
  })
})

const namesOf = (objects: readonly { readonly metadata: { readonly namespace?: string; readonly name?: string } }[]) =>
  objects.map(({ metadata }) => [metadata.namespace ?? '', metadata.name].join('/')).sort()

test('whoever is answered first finds all that every cluster has', { timeout: 60_000 }, async () => {
  await withGate(async (controlPlane) => {
    const { coreV1, rbacV1, schedulingV1, storageV1, flowcontrolV1 } = createClientset(controlPlane.client)
    assert.equal((await answerOf(controlPlane, '/readyz')).code, 200)
    const policy = bootstrapPolicy()
    assert.deepEqual(namesOf((await rbacV1().clusterRoles().list()).items), namesOf(policy.clusterRoles))
    assert.deepEqual(namesOf((await rbacV1().clusterRoleBindings().list()).items), namesOf(policy.clusterRoleBindings))
    assert.deepEqual(namesOf((await rbacV1().roles().list()).items), namesOf(policy.roles))
    assert.deepEqual(namesOf((await rbacV1().roleBindings().list()).items), namesOf(policy.roleBindings))
    assert.ok((await rbacV1().clusterRoles().get('edit')).rules?.length)
    const system = ['/default', '/kube-node-lease', '/kube-public', '/kube-system']
    assert.deepEqual(namesOf((await coreV1().namespaces().list()).items), system)
    assert.equal((await coreV1().serviceAccounts().list()).items.length, system.length)
    assert.equal((await schedulingV1().priorityClasses().list()).items.length, 2)
    assert.deepEqual(namesOf((await storageV1().storageClasses().list()).items), ['/local'])
    assert.ok((await coreV1().configMaps('kube-system').get('cluster-network')).data?.['cluster-dns'])
    assert.ok((await flowcontrolV1().flowSchemas().list()).items.length > 5)
  })
})

test('a start mends the default roles: what was added stays, what is missing comes back, what is to be left alone is', {
  timeout: 60_000,
}, async () => {
  const store = createMemoryStore({ clock: systemClock })
  const own = { verbs: ['get'], apiGroups: ['example.com'], resources: ['things'] }
  const leaveAlone = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' }
  await withGate(async ({ client }) => {
    const roles = createClientset(client).rbacV1().clusterRoles()
    const bindings = createClientset(client).rbacV1().clusterRoleBindings()
    await roles.update({ ...(await roles.get('system:discovery')), rules: [own] })
    const left = await roles.get('system:heapster')
    await roles.update({ ...left, rules: [own], metadata: { ...left.metadata, annotations: leaveAlone } })
    await roles.delete('system:monitoring')
    const binding = await bindings.get('system:monitoring')
    await bindings.update({ ...binding, subjects: [{ kind: 'User', name: 'ann' }] })
    const old = await bindings.get('system:discovery')
    await bindings.delete('system:discovery')
    const elsewhere = { ...old.roleRef, name: 'system:basic-user' }
    await bindings.create({ ...old, metadata: { name: 'system:discovery' }, roleRef: elsewhere })
  }, store)
  await withGate(async ({ client }) => {
    const { clusterRoles, clusterRoleBindings } = createClientset(client).rbacV1()
    const wanted = (name: string) => bootstrapPolicy().clusterRoles.find(({ metadata }) => metadata.name === name)?.rules
    assert.deepEqual((await clusterRoles().get('system:discovery')).rules?.[0], own)
    assert.ok((await clusterRoles().get('system:discovery')).rules!.some(({ nonResourceURLs }) => nonResourceURLs?.includes('/openapi')))
    assert.deepEqual((await clusterRoles().get('system:heapster')).rules, [own])
    assert.deepEqual((await clusterRoles().get('system:monitoring')).rules, wanted('system:monitoring'))
    assert.deepEqual(
      (await clusterRoleBindings().get('system:monitoring')).subjects?.map(({ name }) => name),
      ['ann', 'system:monitoring'],
    )
    assert.equal((await clusterRoleBindings().get('system:discovery')).roleRef.name, 'system:discovery')
  }, store)
})
