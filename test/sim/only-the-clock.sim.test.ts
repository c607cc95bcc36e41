/** A cluster under the virtual clock waits for that clock alone: for what it waits otherwise, a busy machine would let time run past. */
import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { newSigningRequest } from '../../src/platform/pki/signing-request.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { startCluster } from '../../src/roles/embedded.ts'
import { deployment } from './scenario.ts'

/** What a turn of the event loop takes with it: the clock waits for some turns before it goes on. */
const ofTheTurn = new Set(['PROMISE', 'TickObject', 'Microtask', 'Immediate'])

test('nothing waits for real time, for files or for other threads', async () => {
  const clock = virtualClock()
  const cluster = await startCluster({ clock, random: seededRandom(3) })
  const { clientset } = cluster
  const begun = new Map<number, string>()
  const waitedFor: string[] = []
  const hook = createHook({
    init: (id, type) => {
      if (!ofTheTurn.has(type)) begun.set(id, `${type} ${new Error('begun').stack?.split('\n').slice(4, 9).join(' < ')}`)
    },
    // What was done at once (signatures) never comes to this.
    before: (id) => {
      const what = begun.get(id)
      if (what !== undefined) waitedFor.push(what)
    },
  })
  const until = async (what: string, condition: () => Promise<boolean>) => {
    for (const end = clock.now() + 120_000; clock.now() < end; await clock.advance(500)) if (await condition().catch(() => false)) return
    assert.fail(`did not happen: ${what}`)
  }
  hook.enable()
  try {
    const deployments = clientset.appsV1().deployments('default')
    await until('an account', async () => (await clientset.coreV1().serviceAccounts('default').list()).items.length > 0)
    await deployments.create(deployment('web', { replicas: 2 }))
    await until('two pods', async () => (await deployments.get('web')).status?.readyReplicas === 2)
    const requests = clientset.certificatesV1().certificateSigningRequests()
    const request = Buffer.from(newSigningRequest({ commonName: 'system:node:n', organizations: ['system:nodes'] }).request)
    const usages = ['client auth' as const, 'digital signature' as const]
    const signerName = 'kubernetes.io/kube-apiserver-client-kubelet'
    await requests.create({ metadata: { name: 'r' }, spec: { request: request.toString('base64'), signerName, usages } })
    await until('approved', async () => (await requests.get('r')).status?.conditions?.[0]?.type === 'Approved')
    await deployments.delete('web', { propagationPolicy: 'Foreground' })
    await until('nothing is left', async () => (await clientset.coreV1().pods('default').list()).items.length === 0)
  } finally {
    hook.disable()
    let isClosed = false
    const closing = cluster.close().then(() => (isClosed = true))
    await clock.runUntil(() => isClosed, 60_000)
    await closing
  }
  assert.deepEqual(waitedFor, [])
})
