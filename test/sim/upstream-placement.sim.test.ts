import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { load } from 'js-yaml'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { podCondition } from '../../src/kinds/pod-status.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { readConfiguration } from '../../src/scheduler/config/scheduler-configuration.ts'
import type { FeasibleNode } from '../../src/scheduler/explain/explanation.ts'
import { type SimCluster, withCluster } from '../../src/scheduler/sim-cluster.ts'
import {
  type PlacementCase,
  type PlacementOutcome,
  type PlacementStep,
  type RecordedPlacement,
  stepOfPod,
  stepsBefore,
} from './placement-case.ts'

/**
 * Small clusters with one pod to place, and what Kubernetes 1.36 did: the same message word by word, the same events, the same node
 * with the same victims, and, where several nodes are equally good, one of those that we find best too. In random ones (their names are
 * seeds) a profile of `upstream-profiles.yaml` may decide, and every plugin's score of every node is the same.
 */
const config = readConfiguration(load(readFileSync(new URL('upstream-profiles.yaml', import.meta.url), 'utf8')))
const recorded = readFileSync(process.env.PLACEMENTS ?? new URL('upstream-placements.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as RecordedPlacement)

test('places as Kubernetes does', (t) =>
  withCluster(
    1,
    async (cluster) => {
      for (const { given, expected } of recorded)
        await t.test(given.name, async () => {
          try {
            await compare(cluster, given, expected)
          } finally {
            await wipe(cluster, given)
          }
        })
    },
    config,
  ))

async function compare(cluster: SimCluster, given: PlacementCase, expected: PlacementOutcome): Promise<void> {
  for (const step of stepsBefore(given)) await create(cluster, step)
  await cluster.clock.settle()
  for (const waiting of given.waiting ?? []) await makeRoomFor(cluster, waiting)
  await create(cluster, stepOfPod(given))
  await cluster.clock.settle()
  const isHeldBack = expected.node === undefined && expected.message === undefined
  if (!isHeldBack) await cluster.until('a decision', async () => isDecided(await cluster.pod(given.pod.name)))
  // What became of pods is told once the scheduler has been idle for a moment.
  const told = async () => (await outcome(cluster, given)).events?.length ?? 0
  await cluster.until('as many events', async () => (await told()) >= (expected.events?.length ?? 0))
  const { node, ...actual } = await outcome(cluster, given)
  const { node: wanted, scores, ...others } = expected
  if (wanted === undefined || node === undefined) return assert.deepEqual({ node, ...actual }, { node: wanted, ...others })
  const { nodes = [], text } = cluster.scheduler.explain('default', given.pod.name) ?? {}
  const feasible = nodes.filter((n) => n.verdict === 'Feasible')
  const best = Math.max(...feasible.map((n) => n.total))
  assert.ok(
    feasible.some((n) => n.name === wanted && n.total === best),
    `Kubernetes chose ${wanted}\n${text}`,
  )
  if (scores) assert.deepEqual(Object.fromEntries(feasible.map((n) => [n.name, weighted(n)])), scores)
}

async function makeRoomFor(cluster: SimCluster, { pod, on, victims }: NonNullable<PlacementCase['waiting']>[number]): Promise<void> {
  await create(cluster, stepOfPod({ pod }))
  const leave = async () =>
    (await podsOf(cluster)).filter((p) => p.metadata.deletionTimestamp !== undefined).map((p) => p.metadata.name ?? '')
  await cluster.until('all told to leave', async () => (await leave()).length === victims.length)
  await cluster.clock.settle()
  assert.deepEqual((await leave()).sort(), victims)
  assert.equal((await cluster.pod(pod.name)).status?.nominatedNodeName, on)
}

/** What each plugin adds to the node's total, where that is something. */
const weighted = ({ scores }: FeasibleNode) =>
  Object.fromEntries(scores.map(({ plugin, score, weight }) => [plugin, score * weight]).filter(([, added]) => added !== 0))

async function wipe({ client, clock }: SimCluster, given: PlacementCase): Promise<void> {
  const steps = [stepOfPod(given), ...(given.waiting ?? []).map(stepOfPod), ...stepsBefore(given).toReversed()]
  for (const { ref, object } of steps) {
    if (object.kind === 'Namespace') continue
    const resource = client.resource<KubeObject>(ref as never, object.metadata.namespace)
    const { name = '' } = object.metadata
    const left = await resource.delete(name, { gracePeriodSeconds: 0 }).catch(() => undefined)
    if (left && (await resource.get(name).catch(() => undefined))?.metadata.finalizers?.length)
      await resource.patch(name, { type: 'merge', body: { metadata: { finalizers: null } } })
  }
  // What is still to be told of it.
  await clock.advance(2_000)
  for (const namespace of ['default', 'other']) await client.resource(kindRefs.coreV1.events, namespace).deleteCollection()
  await clock.settle()
}

async function create({ client }: SimCluster, { ref, object }: PlacementStep): Promise<void> {
  const resource = client.resource<KubeObject & { status?: unknown }>(ref as never, object.metadata.namespace)
  try {
    const made = await resource.create(object)
    if (object.status && Object.keys(object.status).length > 0)
      await resource.updateStatus({ ...made, status: { ...(made.status ?? {}), ...object.status } })
  } catch (error) {
    if (object.kind !== 'Namespace') throw error
  }
}

const isDecided = (pod: Pod) => pod.spec?.nodeName !== undefined || podCondition(pod, 'PodScheduled') !== undefined

async function podsOf({ client }: SimCluster): Promise<readonly Pod[]> {
  const list = async (namespace: string) => (await client.resource(kindRefs.coreV1.pods, namespace).list()).items
  return [...(await list('default')), ...(await list('other'))]
}

async function outcome(cluster: SimCluster, given: PlacementCase): Promise<PlacementOutcome> {
  const { client } = cluster
  const pods = await podsOf(cluster)
  const { name } = given.pod
  const pod = pods.find((p) => p.metadata.name === name)!
  const condition = podCondition(pod, 'PodScheduled')
  const gone = (given.waiting ?? []).flatMap((w) => w.victims)
  const stays = (running: string) => pods.some((p) => p.metadata.name === running && p.metadata.deletionTimestamp === undefined)
  const victims = given.running
    .map((running) => running.name)
    .filter((running) => !stays(running) && !gone.includes(running))
    .sort()
  const events = [
    ...(await client.resource(kindRefs.coreV1.events, 'default').list()).items,
    ...(await client.resource(kindRefs.coreV1.events, 'other').list()).items,
  ]
  const others = [...gone, ...(given.waiting ?? []).map((w) => w.pod.name)]
  const own = events.filter((e) => !others.includes(e.involvedObject.name ?? ''))
  const texts = own.map(
    (e) => `${e.involvedObject.name} ${e.type} ${e.reason}: ${(e.message ?? '').replaceAll(pod.metadata.uid ?? '', 'UID')}`,
  )
  const said = [
    `${name} Warning FailedScheduling: ${condition?.message}`,
    `${name} Normal Scheduled: Successfully assigned default/${name} to ${pod.spec?.nodeName}`,
  ]
  const beside = [...new Set(texts)].filter((text) => !said.includes(text)).sort()
  assert.ok(texts.length === beside.length || texts.some((text) => said.includes(text)))
  const { nominatedNodeName } = pod.status ?? {}
  return {
    ...(pod.spec?.nodeName ? { node: pod.spec.nodeName } : {}),
    ...(condition?.status === 'False' ? { message: condition.message! } : {}),
    ...(condition?.status === 'False' && condition.reason !== 'Unschedulable' ? { reason: condition.reason! } : {}),
    ...(nominatedNodeName ? { nominated: nominatedNodeName } : {}),
    ...(victims.length > 0 ? { victims } : {}),
    ...(beside.length > 0 ? { events: beside } : {}),
  }
}
