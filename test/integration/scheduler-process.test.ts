/** `keelson scheduler`: two processes beside a server without schedulers; one is killed, its share taken over; each tells why. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { SchedulingExplanation } from '../../src/scheduler/explain/explanation.ts'
import { ownerOf, shardKeyOf } from '../../src/scheduler/shards/shard-of.ts'
import { eventually, freePort, type ServerProcess, startServerProcess } from './server-process.ts'

const limitMs = 120_000
const dataDir = mkdtempSync(join(tmpdir(), 'keelson-'))
let server: ServerProcess
let schedulers: readonly ChildProcess[]
let metricsPort: number

function startScheduler(name: string, ...more: readonly string[]): ChildProcess {
  const command = [resolve('src/roles/main.ts'), 'scheduler', '--kubeconfig', join(dataDir, 'admin.kubeconfig'), '--name', name, ...more]
  return spawn(process.execPath, command, { stdio: 'ignore' })
}
const pods = () => server.client.resource(kindRefs.coreV1.pods, 'default')
async function addPod(name: string, cpu = '100m'): Promise<void> {
  const containers = [{ name: 'c', image: 'example.com/c', resources: { requests: { cpu } } }]
  await pods().create({ metadata: { name }, spec: { automountServiceAccountToken: false, containers } })
}
const allBound = (names: readonly string[]) =>
  eventually(
    'all bound',
    async () => {
      const { items } = await pods().list()
      return items.filter(({ metadata, spec }) => names.includes(metadata.name!) && spec?.nodeName).length === names.length
        ? items
        : undefined
    },
    limitMs,
  )
const members = (count: number) =>
  eventually(
    `${count} schedulers`,
    async () => {
      const { items } = await server.client
        .resource(kindRefs.coordinationV1.leases, 'kube-system')
        .list({ labelSelector: 'keelson.dev/scheduler' })
      const held = items.flatMap(({ spec }) => (spec?.holderIdentity ? [spec.holderIdentity] : []))
      return held.length === count ? held.sort() : undefined
    },
    limitMs,
  )
const explain = (name: string) =>
  eventually(
    'an explanation',
    async () => (await server.clientset.coreV1().pods('default').explain(name)) as SchedulingExplanation,
    limitMs,
  )

before(async () => {
  const args = ['--runtime', 'fake', '--nodes', '2', '--schedulers', '0']
  server = await startServerProcess({ dataDir, port: await freePort(), args })
  metricsPort = await freePort()
  schedulers = [startScheduler('one'), startScheduler('two', '--metrics-address', `127.0.0.1:${metricsPort}`)]
})
after(async () => {
  for (const child of schedulers) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
  await server.stop()
  rmSync(dataDir, { recursive: true })
})

test('processes of their own bind, tell why, and take over the share of one that is killed', async () => {
  const identities = await members(2)
  assert.deepEqual(identities, ['one-1', 'two-1'])
  const first = Array.from({ length: 12 }, (_, i) => `p${i}`)
  for (const name of first) await addPod(name)
  const bound = await allBound(first)
  const shares = new Set(bound.map((pod) => ownerOf(shardKeyOf(pod), identities)))
  assert.equal(shares.size, 2)
  for (const pod of bound.slice(0, 4)) {
    const { outcome, winner } = await explain(pod.metadata.name!)
    assert.deepEqual([outcome, winner?.node], ['Placed', pod.spec!.nodeName])
  }
  await addPod('huge', '1000')
  const waiting = await eventually(
    'a reason',
    async () => {
      const document = await explain('huge')
      return document.message ? document : undefined
    },
    limitMs,
  )
  assert.equal(waiting.outcome, 'Pending')
  assert.match(waiting.message ?? '', /0\/2 nodes are available: 2 Insufficient cpu/)

  const killed = once(schedulers[0]!, 'exit')
  schedulers[0]!.kill('SIGKILL')
  await killed
  const second = Array.from({ length: 12 }, (_, i) => `q${i}`)
  for (const name of second) await addPod(name)
  const taken = await allBound(second)
  const ofTheDead = taken.filter((pod) => second.includes(pod.metadata.name!) && ownerOf(shardKeyOf(pod), identities) === 'one-1')
  assert.ok(ofTheDead.length > 0)
  assert.equal((await explain(ofTheDead[0]!.metadata.name!)).outcome, 'Placed')
})

test('a process tells what it decided and what it asked the API for', async () => {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  assert.match(text, /^scheduler_schedule_attempts_total\{.*result="scheduled"\} [1-9]/m)
  assert.match(text, /^rest_client_requests_total\{code="201",host="127\.0\.0\.1:\d+",method="POST"\} [1-9]/m)
  assert.match(text, /^process_cpu_seconds_total /m)
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/healthz`)).status, 200)
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/api`)).status, 404)
})

test('no question is left behind', async () => {
  const { items } = await server.client.resource(kindRefs.coordinationV1.leases, 'kube-system').list()
  assert.deepEqual(
    items.filter(({ metadata }) => metadata.name?.startsWith('keelson-explain-')),
    [],
  )
})
