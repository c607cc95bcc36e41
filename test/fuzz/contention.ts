/**
 * Many clients at once on the same few objects and names, with every verb and subresource, and what must hold then:
 *  1. No refusal but those that such a request can get, no 500, no request without an answer.
 *  2. Every answered write is in the watch, at its version, once; events are in order and possible; the list is what they leave.
 *  3. No address and no node port has two owners, no quota is overrun, no budget broken, at any moment.
 *  4. When the clients are gone everything comes to rest: nothing is written any more.
 */
import assert from 'node:assert/strict'
import { type Clock, sleep } from '../../src/base/clock.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { Client } from '../../src/client/contract.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { Pod, Service } from '../../src/kinds/generated/types/core-v1.ts'
import { isPodActive, isPodReady, isPodTerminal } from '../../src/kinds/pod-status.ts'
import type { KindRef } from '../../src/kinds/kind.ts'
import { keyOf, type KubeObject, type ObjectList } from '../../src/machinery/object.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { budgetNamespace, contended, definitions, nextAct, quotaHard, quotaNamespace, reasonOf, type Told } from './contention-acts.ts'
import { type AnsweredWrite, KindHistory, type ObjectEvent } from './contention-history.ts'

export type Contention = {
  /** One connection each. */
  readonly clients: readonly Client[]
  readonly observer: Client
  readonly clock: Clock
  readonly seed: number
  /** Acts of one client. */
  readonly acts: number
  /** The mean pause between two of a client's acts. */
  readonly pauseMs: number
  /** Answers that a server may give which is being killed. */
  readonly mayFail?: (reason: string) => boolean
  /** What befalls the servers from when all is prepared until the clients are gone. */
  readonly trouble?: { begin(): void; end(): Promise<void> }
  /** Simulated nodes die with their server: no budget holds then. */
  readonly nodesDie?: boolean
}

export type Outcome = {
  readonly faults: readonly string[]
  /** How often which act was answered how. */
  readonly counts: ReadonlyMap<string, number>
  readonly events: number
  /** How often a watch had to begin anew from a list: only after a server died. */
  readonly restarts: number
  /** After the clients were gone. */
  readonly lateWrites: readonly string[]
}

const guardedPods = 4
const eraActs = 25
const actMsMax = 120_000
const restMsMax = 600_000
const quietMs = 60_000
/** The server marks its progress once a minute. */
const bookmarkTriesMax = 600

export async function contend(options: Contention): Promise<Outcome> {
  const { clients, observer, clock, seed, acts, pauseMs, mayFail = () => false, trouble, nodesDie = false } = options
  const faults: string[] = []
  const counts = new Map<string, number>()
  const answered = new Map<string, AnsweredWrite[]>()
  let events = 0
  const late: string[] = []
  let lastChangeMs = clock.monotonicMs()
  let isQuietDue = false
  const onEvent = (history: KindHistory, event: ObjectEvent) => {
    events++
    if (isHeartbeat(event.object)) return
    lastChangeMs = clock.monotonicMs()
    if (isQuietDue) late.push(`${event.type} ${history.kind.plural} ${keyOf(event.object)}`)
    const broken = brokenRule(history, nodesDie)
    if (broken !== undefined && faults.length < 50)
      faults.push(`after ${event.type} of ${history.kind.plural} ${keyOf(event.object)}: ${broken}`)
  }
  await prepare(observer, clock)
  const kinds = [kindRefs.coreV1.namespaces, definitions, ...contended.map(({ kind }) => kind)]
  const histories = kinds.map((kind) => new KindHistory(observer, kind, onEvent))
  for (const history of histories) await history.begin()
  const watching = new AbortController()
  const followed = histories.map((history) =>
    history.follow(watching.signal, {
      random: seededRandom(seed),
      pause: () => sleep(clock, 50, watching.signal),
    }),
  )

  const told: Told = ({ kind, what, answer, type }) => {
    const write = writeOf(what, answer as KubeObject, type)
    if (write) answered.set(kind.plural, [...(answered.get(kind.plural) ?? []), write])
  }
  const live = async (client: Client, random: Random) => {
    for (let i = 0; i < acts; i++) {
      await sleep(clock, random.next() * 2 * pauseMs)
      const { what, may, do: run } = nextAct(client, { random, told, era: Math.floor(i / eraActs) + seed })
      const cancel = clock.schedule(actMsMax, () => faults.push(`no answer: ${what}`))
      const reason = await run().then(
        () => '',
        (error: unknown) => {
          const refusal = reasonOf(error)
          if (!may.includes(refusal) && !mayFail(refusal)) faults.push(`${what}: ${refusal} ${String(error)}`)
          return refusal
        },
      )
      cancel()
      const line = `${what.split(' ').slice(0, 2).join(' ')} ${reason || 'ok'}`
      counts.set(line, (counts.get(line) ?? 0) + 1)
    }
  }
  trouble?.begin()
  await Promise.all(clients.map((client, i) => live(client, seededRandom(seed * 1000 + i))))
  await trouble?.end()
  await release(observer, clock)
  const endMs = clock.monotonicMs() + restMsMax
  while (clock.monotonicMs() - lastChangeMs < quietMs && clock.monotonicMs() < endMs) await sleep(clock, 1_000)
  if (clock.monotonicMs() >= endMs) {
    isQuietDue = true
    await sleep(clock, quietMs)
  }
  // All at once: each may have to wait for the next mark of its watch.
  const found = await Promise.all(
    histories.map((history) => verified(history, { observer, clock, writes: answered.get(history.kind.plural) ?? [] })),
  )
  faults.push(...found.flat())
  watching.abort(new Error('the end'))
  await Promise.all(followed)
  return { faults, counts, events, lateWrites: late, restarts: histories.reduce((sum, { restarts }) => sum + restarts, 0) }
}

type Verifying = { readonly observer: Client; readonly clock: Clock; readonly writes: readonly AnsweredWrite[] }

/** What is wrong with a history, once it has come to what a list shows. */
async function verified(history: KindHistory, { observer, clock, writes }: Verifying): Promise<readonly string[]> {
  const { items, metadata } = await listed(observer, history.kind)
  const revision = Number(metadata.resourceVersion ?? 0)
  for (let i = 0; i < bookmarkTriesMax && history.revision < revision; i++) await sleep(clock, 200)
  history.checkList(items)
  for (const write of writes) history.checkAnswer(write)
  return history.faults
}

/** What goes on as long as there are nodes and loops. */
const isHeartbeat = ({ kind, metadata }: KubeObject) => kind === 'Lease' && /^kube-/.test(metadata.namespace ?? '')

function writeOf(what: string, answer: KubeObject & { details?: { uid?: string } }, type: 'put' | 'delete'): AnsweredWrite | undefined {
  if (answer.kind !== 'Status') return { what, type: 'put', object: answer }
  const { uid } = answer.details ?? {}
  return uid === undefined ? undefined : { what, type, object: { ...answer, metadata: { uid } } }
}

async function prepare(client: Client, clock: Clock): Promise<void> {
  const { coreV1, appsV1, policyV1 } = kindRefs
  for (const name of ['c-all', quotaNamespace, budgetNamespace]) await client.resource(coreV1.namespaces).create({ metadata: { name } })
  await client.resource(coreV1.resourceQuotas, quotaNamespace).create({ metadata: { name: 'q' }, spec: { hard: quotaHard } })
  const labels = { guarded: 'yes' }
  await client.resource(policyV1.podDisruptionBudgets, budgetNamespace).create({
    metadata: { name: 'b' },
    spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
  })
  await client.resource(appsV1.deployments, budgetNamespace).create({
    metadata: { name: 'guarded' },
    spec: {
      replicas: guardedPods,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'i' }] } },
    },
  })
  for (let i = 0; i < 600; i++) {
    const { items } = await client.resource(coreV1.pods, budgetNamespace).list()
    if (items.filter((pod) => isPodReady(pod)).length === guardedPods) return
    await sleep(clock, 200)
  }
  assert.fail('the guarded pods never came up')
}

/** Takes every finalizer of the clients away, so that what is to go can go. */
async function release(client: Client, clock: Clock): Promise<void> {
  for (let i = 0; i < 100; i++) {
    let held = 0
    for (const { kind } of contended) {
      const { items } = await listed(client, kind)
      for (const { metadata } of items) {
        if (!metadata.finalizers?.includes('example.com/held')) continue
        held++
        const resource = client.resource(kind, metadata.namespace)
        const finalizers = metadata.finalizers.filter((one) => one !== 'example.com/held')
        await resource.patch(metadata.name!, { type: 'merge', body: { metadata: { finalizers } } }).catch((error: unknown) => {
          if (!isStatus(error, 'NotFound') && !isStatus(error, 'Invalid')) throw error
        })
      }
    }
    if (held === 0) return
    await sleep(clock, 500)
  }
  assert.fail('finalizers come back')
}

/** Nothing of a kind that nobody serves now. */
async function listed(client: Client, kind: KindRef): Promise<Pick<ObjectList<KubeObject>, 'items' | 'metadata'>> {
  try {
    return await client.resource(kind).list()
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
    return { items: [], metadata: {} }
  }
}

/** Which rule the present objects of the kind break. */
function brokenRule({ kind, live }: KindHistory, nodesDie: boolean): string | undefined {
  if (kind.plural === 'services') return sharedNumbers([...live.values()] as Service[]) ?? overrun(kind.plural, live)
  if (kind.plural === 'pods') return overrun(kind.plural, live) ?? (nodesDie ? undefined : brokenBudget([...live.values()] as Pod[]))
  return kind.plural === 'configmaps' || kind.plural === 'secrets' ? overrun(`count/${kind.plural}`, live) : undefined
}

function sharedNumbers(services: readonly Service[]): string | undefined {
  const owners = new Map<string, string>()
  for (const { metadata, spec } of services) {
    const name = `${metadata?.namespace}/${metadata?.name}`
    const ports = new Set((spec?.ports ?? []).flatMap((port) => (port.nodePort ? [`port ${port.nodePort}`] : [])))
    for (const held of [...(spec?.clusterIPs ?? []).filter((ip) => ip !== 'None'), ...ports]) {
      if (owners.has(held)) return `${held} is ${owners.get(held)}'s and ${name}'s`
      owners.set(held, name)
    }
  }
  return undefined
}

function overrun(name: string, live: ReadonlyMap<string, KubeObject>): string | undefined {
  const most = Number((quotaHard as Record<string, string>)[name])
  let count = 0
  for (const [key, object] of live) if (key.startsWith(`${quotaNamespace}/`) && !(name === 'pods' && isPodTerminal(object as Pod))) count++
  return count > most ? `${count} ${name} where ${most} are allowed` : undefined
}

function brokenBudget(pods: readonly Pod[]): string | undefined {
  const healthy = pods.filter((pod) => pod.metadata?.namespace === budgetNamespace && isPodActive(pod) && isPodReady(pod)).length
  return healthy < guardedPods - 1 ? `${healthy} of ${guardedPods} guarded pods are healthy` : undefined
}
