import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
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
): Promise<void> {
  const gate = Promise.withResolvers<void>()
  const store = createMemoryStore({ clock: systemClock })
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
    await store.close()
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
    const { coreV1, rbacV1 } = createClientset(controlPlane.client)
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
    assert.ok((await rbacV1().clusterRoles().get('view')).metadata.uid)
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
