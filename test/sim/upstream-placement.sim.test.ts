import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { podCondition } from '../../src/kinds/pod-status.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
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
 * with the same victims, and, where several nodes are equally good, one of those that we find best too.
 */
const recorded = readFileSync(process.env.PLACEMENTS ?? new URL('upstream-placements.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as RecordedPlacement)

test('places as Kubernetes does', (t) =>
  withCluster(1, async (cluster) => {
    for (const { given, expected } of recorded)
      await t.test(given.name, async () => {
        try {
          await compare(cluster, given, expected)
        } finally {
          await wipe(cluster, given)
        }
      })
  }))

async function compare(cluster: SimCluster, given: PlacementCase, expected: PlacementOutcome): Promise<void> {
  for (const step of stepsBefore(given)) await create(cluster, step)
  await cluster.clock.settle()
  await create(cluster, stepOfPod(given))
  await cluster.clock.settle()
  const isHeldBack = expected.node === undefined && expected.message === undefined
  if (!isHeldBack) await cluster.until('a decision', async () => isDecided(await cluster.pod('p')))
  // What became of pods is told once the scheduler has been idle for a moment.
  const told = async () => (await outcome(cluster, given)).events?.length ?? 0
  await cluster.until('as many events', async () => (await told()) >= (expected.events?.length ?? 0))
  const { node, ...actual } = await outcome(cluster, given)
  const { node: wanted, ...others } = expected
  if (wanted === undefined || node === undefined) return assert.deepEqual({ node, ...actual }, { node: wanted, ...others })
  const text = cluster.scheduler.explain('default', 'p')?.text
  assert.ok(bestNodes(cluster).includes(wanted), `Kubernetes chose ${wanted}\n${text}`)
}

async function wipe({ client, clock }: SimCluster, given: PlacementCase): Promise<void> {
  const steps = [stepOfPod(given), ...stepsBefore(given).toReversed()]
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

async function outcome({ client }: SimCluster, given: PlacementCase): Promise<PlacementOutcome> {
  const list = async (namespace: string) => (await client.resource(kindRefs.coreV1.pods, namespace).list()).items
  const pods = [...(await list('default')), ...(await list('other'))]
  const pod = pods.find((p) => p.metadata.name === 'p')!
  const condition = podCondition(pod, 'PodScheduled')
  const victims = given.running
    .filter(
      ({ name }) =>
        pods.find((p) => p.metadata.name === name)?.metadata.deletionTimestamp !== undefined || !pods.some((p) => p.metadata.name === name),
    )
    .map(({ name }) => name)
    .sort()
  const events = [
    ...(await client.resource(kindRefs.coreV1.events, 'default').list()).items,
    ...(await client.resource(kindRefs.coreV1.events, 'other').list()).items,
  ]
  const texts = events.map(
    (e) => `${e.involvedObject.name} ${e.type} ${e.reason}: ${(e.message ?? '').replaceAll(pod.metadata.uid ?? '', 'UID')}`,
  )
  const said = [
    `p Warning FailedScheduling: ${condition?.message}`,
    `p Normal Scheduled: Successfully assigned default/p to ${pod.spec?.nodeName}`,
  ]
  const others = [...new Set(texts)].filter((text) => !said.includes(text)).sort()
  assert.ok(texts.length === others.length || texts.some((text) => said.includes(text)))
  const { nominatedNodeName } = pod.status ?? {}
  return {
    ...(pod.spec?.nodeName ? { node: pod.spec.nodeName } : {}),
    ...(condition?.status === 'False' ? { message: condition.message! } : {}),
    ...(condition?.status === 'False' && condition.reason !== 'Unschedulable' ? { reason: condition.reason! } : {}),
    ...(nominatedNodeName ? { nominated: nominatedNodeName } : {}),
    ...(victims.length > 0 ? { victims } : {}),
    ...(others.length > 0 ? { events: others } : {}),
  }
}

function bestNodes({ scheduler }: SimCluster): readonly string[] {
  const { nodes = [] } = scheduler.explain('default', 'p') ?? {}
  const feasible = nodes.filter((n) => n.verdict === 'Feasible')
  const best = Math.max(...feasible.map((n) => n.total))
  return feasible.filter((n) => n.total === best).map((n) => n.name)
}
