import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { JobSpec } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod, PodCondition } from '../../kinds/generated/types/core-v1.ts'
import { garbageCollectorController } from '../garbage-collector/controller.ts'
import { faultyClient, type PodOutcome, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { jobController } from './controller.ts'
import { indexAnnotation } from './pod-facts.ts'

async function inCluster(
  options: Partial<SimOptions> & { readonly outcome?: (pod: Pod) => PodOutcome | undefined },
  body: (cluster: SimCluster) => Promise<void>,
): Promise<void> {
  const { outcome = () => succeeds, ...rest } = options
  const cluster = await simCluster({ definitions: [jobController(), garbageCollectorController()], nodes: { outcome }, ...rest })
  try {
    await body(cluster)
    if (!options.wrap) assert.equal(cluster.metrics.panicsOf('job'), 0)
  } finally {
    await cluster.stop()
  }
}

const succeeds: PodOutcome = { afterMs: 1000, status: { phase: 'Succeeded' } }
const fails = (exitCode = 1, conditions?: PodCondition[]): PodOutcome => ({
  afterMs: 1000,
  status: {
    phase: 'Failed',
    containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode } } }],
    ...(conditions ? { conditions } : {}),
  },
})
const index = (pod: Pod) => Number(pod.metadata.annotations?.[indexAnnotation])

const job = (spec: Partial<JobSpec> = {}) => ({
  metadata: { name: 'sum', namespace: 'default' },
  spec: { template: { spec: { containers: [{ name: 'c', image: 'i' }], restartPolicy: 'Never' as const } }, ...spec },
})

const read = ({ clientset }: SimCluster) => clientset.batchV1().jobs('default').get('sum')
const podsOf = async ({ clientset }: SimCluster) => (await clientset.coreV1().pods('default').list()).items

/** Conditions that are true, in their order, with their reasons. */
async function verdictOf(cluster: SimCluster): Promise<string> {
  const { status } = await read(cluster)
  return (status?.conditions ?? [])
    .filter((condition) => condition.status === 'True')
    .map(({ type, reason }) => `${type}/${reason}`)
    .join(' ')
}

async function runs(cluster: SimCluster, spec: Partial<JobSpec>, expected: string, limitMs?: number): Promise<void> {
  await cluster.clientset.batchV1().jobs('default').create(job(spec))
  await cluster.until(expected, async () => (await verdictOf(cluster)) === expected, limitMs)
  const { status } = await read(cluster)
  assert.deepEqual([status?.active, status?.ready, status?.terminating, status?.uncountedTerminatedPods], [undefined, 0, 0, {}])
  await cluster.clock.advance(1000)
  for (const pod of await podsOf(cluster)) assert.deepEqual(pod.metadata.finalizers ?? [], [], 'a finalizer was left')
}

const complete = 'SuccessCriteriaMet/CompletionsReached Complete/CompletionsReached'

test('completes with as many pods as it needs, never more at once than it may', () => {
  let most = 0
  return inCluster({}, async (cluster) => {
    const watch = new AbortController()
    const watching = (async () => {
      for await (const _ of cluster.clientset.coreV1().pods('default').watch({ signal: watch.signal })) {
        const active = (await podsOf(cluster)).filter(({ status }) => status?.phase !== 'Succeeded').length
        most = Math.max(most, active)
      }
    })()
    await runs(cluster, { completions: 5, parallelism: 2 }, complete)
    watch.abort()
    await watching.catch(() => undefined)
    const { status } = await read(cluster)
    assert.equal(status?.succeeded, 5)
    assert.ok(status?.startTime && status.completionTime)
    assert.equal((await podsOf(cluster)).length, 5)
    assert.equal(most, 2)
    const reasons = (await cluster.clientset.coreV1().events('default').list()).items.map(({ reason }) => reason)
    assert.equal(reasons.filter((reason) => reason === 'SuccessfulCreate').length, 5)
    assert.ok(reasons.includes('Completed'))
  })
})

test('without completions the first success is enough, and the others may end', () =>
  inCluster({}, async (cluster) => {
    await runs(cluster, { parallelism: 3 }, complete)
    assert.equal((await read(cluster)).status?.succeeded, 3)
  }))

test('gives up after its limit of failures, each awaited twice as long', () =>
  inCluster({ outcome: () => fails() }, async (cluster) => {
    const startMs = cluster.clock.now()
    await runs(cluster, { backoffLimit: 3 }, 'FailureTarget/BackoffLimitExceeded Failed/BackoffLimitExceeded')
    const tookSeconds = (cluster.clock.now() - startMs) / 1000
    assert.ok(tookSeconds >= 70 && tookSeconds < 85, `it took ${tookSeconds} s`)
    const { status } = await read(cluster)
    assert.equal(status?.failed, 4)
    assert.equal(status?.conditions?.at(-1)?.message, 'Job has reached the specified backoff limit')
    const warnings = (await cluster.clientset.coreV1().events('default').list()).items.filter(({ type }) => type === 'Warning')
    assert.deepEqual(
      warnings.map(({ reason }) => reason),
      ['BackoffLimitExceeded'],
    )
  }))

test('an Indexed Job gives every index its pod, its name and its number', () =>
  inCluster({}, async (cluster) => {
    await runs(cluster, { completionMode: 'Indexed', completions: 5, parallelism: 3 }, complete)
    assert.equal((await read(cluster)).status?.completedIndexes, '0-4')
    const pods = (await podsOf(cluster)).sort((a, b) => index(a) - index(b))
    assert.deepEqual(pods.map(index), [0, 1, 2, 3, 4])
    const [first] = pods
    assert.match(first?.metadata.name ?? '', /^sum-0-.{5}$/)
    assert.equal(first?.spec?.hostname, 'sum-0')
    assert.equal(first?.metadata.labels?.[indexAnnotation], '0')
    const variable = first?.spec?.containers[0]?.env?.[0]
    assert.equal(variable?.name, 'JOB_COMPLETION_INDEX')
    assert.equal(variable?.valueFrom?.fieldRef?.fieldPath, `metadata.labels['${indexAnnotation}']`)
  }))

test('an index fails by itself, and the others go on', () =>
  inCluster({ outcome: (pod) => (index(pod) % 2 === 1 ? fails() : succeeds) }, async (cluster) => {
    const spec = { completionMode: 'Indexed', completions: 5, parallelism: 5, backoffLimitPerIndex: 1 } as const
    await runs(cluster, spec, 'FailureTarget/FailedIndexes Failed/FailedIndexes')
    const { status } = await read(cluster)
    assert.deepEqual([status?.completedIndexes, status?.failedIndexes, status?.succeeded, status?.failed], ['0,2,4', '1,3', 3, 4])
    const counts = (await podsOf(cluster))
      .filter((pod) => index(pod) === 1)
      .map((pod) => pod.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count'])
    assert.deepEqual(new Set(counts), new Set(['0', '1']))
  }))

test('too many failed indexes end it', () =>
  inCluster({ outcome: (pod) => (index(pod) < 2 ? fails() : undefined) }, async (cluster) => {
    const spec = { completionMode: 'Indexed', completions: 5, parallelism: 5, backoffLimitPerIndex: 0, maxFailedIndexes: 1 } as const
    await runs(cluster, spec, 'FailureTarget/MaxFailedIndexesExceeded Failed/MaxFailedIndexesExceeded')
    assert.equal((await read(cluster)).status?.failedIndexes, '0,1')
  }))

test('the failure policy fails the Job at once, or ignores a disruption', async () => {
  const rules = [
    { action: 'FailJob' as const, onExitCodes: { containerName: 'c', operator: 'In' as const, values: [42] } },
    { action: 'Ignore' as const, onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
  ]
  await inCluster({ outcome: () => fails(42) }, async (cluster) => {
    await runs(cluster, { podFailurePolicy: { rules } }, 'FailureTarget/PodFailurePolicy Failed/PodFailurePolicy')
    const { status } = await read(cluster)
    assert.match(
      status?.conditions?.at(-1)?.message ?? '',
      /^Container c for pod default\/sum-\w+ failed with exit code 42 matching FailJob rule at index 0$/,
    )
  })
  let count = 0
  const disrupted = [{ type: 'DisruptionTarget', status: 'True' as const }]
  await inCluster({ outcome: () => (count++ < 6 ? fails(1, disrupted) : succeeds) }, async (cluster) => {
    await runs(cluster, { backoffLimit: 0, podFailurePolicy: { rules } }, complete)
    assert.equal((await read(cluster)).status?.failed, undefined)
  })
})

test('a success policy ends it early; what still runs is stopped and no failure', () =>
  inCluster({ outcome: (pod) => (index(pod) === 0 ? succeeds : undefined) }, async (cluster) => {
    const successPolicy = { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] }
    const spec: Partial<JobSpec> = { completionMode: 'Indexed', completions: 3, parallelism: 3, successPolicy }
    await runs(cluster, spec, 'SuccessCriteriaMet/SuccessPolicy Complete/SuccessPolicy')
    const { status } = await read(cluster)
    assert.deepEqual([status?.succeeded, status?.failed, status?.completedIndexes], [1, undefined, '0'])
    assert.equal(status?.conditions?.at(-1)?.message, 'Matched rules at index 0')
  }))

test('is suspended and resumed: its clock starts anew and the stopped pods are no failures', () =>
  inCluster({ outcome: () => ({ ...succeeds, afterMs: 20_000 }) }, async (cluster) => {
    const { clientset, until, clock } = cluster
    const suspend = (value: boolean) =>
      clientset
        .batchV1()
        .jobs('default')
        .patch('sum', { type: 'merge', body: { spec: { suspend: value } } })
    await clientset
      .batchV1()
      .jobs('default')
      .create(job({ parallelism: 2, completions: 2, backoffLimit: 0, activeDeadlineSeconds: 30 }))
    await until('two run', async () => (await read(cluster)).status?.ready === 2)
    const started = (await read(cluster)).status?.startTime
    await suspend(true)
    await until('suspended', async () => (await verdictOf(cluster)) === 'Suspended/JobSuspended' && (await podsOf(cluster)).length === 0)
    await clock.advance(60_000)
    await suspend(false)
    await until('complete', async () => (await verdictOf(cluster)) === complete)
    const { status } = await read(cluster)
    assert.ok(Date.parse(status?.startTime ?? '') >= Date.parse(started ?? '') + 60_000)
    assert.equal(status?.failed, undefined)
    const reasons = (await clientset.coreV1().events('default').list()).items.map(({ reason }) => reason)
    assert.ok(reasons.includes('Suspended') && reasons.includes('Resumed'))
  }))

test('ends at its deadline, when its pods have', () =>
  inCluster({ outcome: () => undefined, nodes: { endAfterMs: 5_000 } }, async (cluster) => {
    await cluster.clientset
      .batchV1()
      .jobs('default')
      .create(job({ activeDeadlineSeconds: 20 }))
    await cluster.until('it is to fail', async () => (await verdictOf(cluster)) === 'FailureTarget/DeadlineExceeded', 22_000)
    assert.equal((await read(cluster)).status?.terminating, 1)
    const both = 'FailureTarget/DeadlineExceeded Failed/DeadlineExceeded'
    await cluster.until(both, async () => (await verdictOf(cluster)) === both)
    assert.equal((await read(cluster)).status?.failed, 1)
  }))

for (const [podReplacementPolicy, expected] of [
  ['TerminatingOrFailed', 2],
  ['Failed', 1],
] as const)
  test(`a pod on its way out is replaced by policy ${podReplacementPolicy}`, () =>
    inCluster({ nodes: { endAfterMs: 60_000 } }, async (cluster) => {
      await cluster.clientset.batchV1().jobs('default').create(job({ podReplacementPolicy }))
      await cluster.until('it runs', async () => (await read(cluster)).status?.ready === 1)
      const [pod] = await podsOf(cluster)
      await cluster.clientset
        .coreV1()
        .pods('default')
        .delete(pod?.metadata.name ?? '')
      await cluster.clock.advance(30_000)
      assert.equal((await podsOf(cluster)).length, expected)
      await cluster.until('another runs', async () => (await read(cluster)).status?.ready === 1)
      assert.equal((await read(cluster)).status?.failed, 1)
    }))

test('grows and shrinks with its parallelism; superfluous pods are no failures', () =>
  inCluster({ outcome: () => undefined }, async (cluster) => {
    const scale = (parallelism: number) =>
      cluster.clientset
        .batchV1()
        .jobs('default')
        .patch('sum', { type: 'merge', body: { spec: { parallelism } } })
    await cluster.clientset
      .batchV1()
      .jobs('default')
      .create(job({ completions: 10, parallelism: 5 }))
    await cluster.until('five', async () => (await read(cluster)).status?.ready === 5)
    await scale(2)
    await cluster.until('two', async () => (await podsOf(cluster)).length === 2 && (await read(cluster)).status?.active === 2)
    await scale(3)
    await cluster.until('three', async () => (await read(cluster)).status?.ready === 3)
    assert.equal((await read(cluster)).status?.failed, undefined)
  }))

for (const propagationPolicy of ['Background', 'Foreground', 'Orphan'] as const)
  test(`deletion (${propagationPolicy}) leaves no finalizer behind`, () =>
    inCluster({ outcome: () => undefined }, async (cluster) => {
      const { clientset, until } = cluster
      await clientset
        .batchV1()
        .jobs('default')
        .create(job({ parallelism: 3 }))
      await until('three', async () => (await read(cluster)).status?.ready === 3)
      await clientset.batchV1().jobs('default').delete('sum', { propagationPolicy })
      const left = propagationPolicy === 'Orphan' ? 3 : 0
      await until(`${left} pods, untracked`, async () => {
        const pods = await podsOf(cluster)
        const isFree = pods.every(({ metadata }) => (metadata.finalizers ?? []).length === 0 && !metadata.ownerReferences?.length)
        return pods.length === left && isFree && (await clientset.batchV1().jobs('default').list()).items.length === 0
      })
    }))

test('adopts a matching pod and releases one that matches no more', () =>
  inCluster({ outcome: () => undefined }, async (cluster) => {
    const { clientset, until } = cluster
    await clientset
      .batchV1()
      .jobs('default')
      .create(job({ parallelism: 2 }))
    await until('two', async () => (await read(cluster)).status?.ready === 2)
    const pods = clientset.coreV1().pods('default')
    const [first, second] = await podsOf(cluster)
    const name = first?.metadata.name ?? ''
    await pods.patch(name, { type: 'merge', body: { metadata: { ownerReferences: null } } })
    await until('adopted again', async () => (await pods.get(name)).metadata.ownerReferences?.length === 1)
    await pods.patch(second?.metadata.name ?? '', { type: 'merge', body: { metadata: { labels: null } } })
    await until('released', async () => {
      const { metadata } = await pods.get(second?.metadata.name ?? '')
      return !metadata.ownerReferences?.length && !metadata.finalizers?.length
    })
    await until('replaced', async () => (await podsOf(cluster)).length === 3 && (await read(cluster)).status?.ready === 2)
  }))

/** Every third pod fails once. */
function flaky(): (pod: Pod) => PodOutcome {
  const verdicts = new Map<string, PodOutcome>()
  let count = 0
  return (pod) => {
    const uid = pod.metadata.uid ?? ''
    const verdict = verdicts.get(uid) ?? (++count % 3 === 0 ? fails() : succeeds)
    verdicts.set(uid, verdict)
    return verdict
  }
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8])
  test(`counts every pod once, whatever is lost or late (seed ${seed})`, () =>
    inCluster(
      { seed, watchLagMs: seed * 10, outcome: flaky(), wrap: (client) => faultyClient(client, { seed, share: 0.05 }) },
      async (cluster) => {
        const spec = { completionMode: 'Indexed', completions: 12, parallelism: 4, backoffLimit: 100 } as const
        await runs(cluster, spec, complete, 3_600_000)
        const { status } = await read(cluster)
        const phases = (await podsOf(cluster)).map((pod) => pod.status?.phase)
        assert.deepEqual([status?.succeeded, status?.completedIndexes], [12, '0-11'])
        assert.equal(status?.failed ?? 0, phases.filter((phase) => phase === 'Failed').length, 'failures are counted once')
        assert.ok(cluster.metrics.panicsOf('job') > 0, 'no fault struck')
      },
    ))

test('failed pods of the past slow a Job down also after a restart', () =>
  inCluster({ nodes: false }, async ({ clientset, clock }) => {
    const created = await clientset
      .batchV1()
      .jobs('default')
      .create(job({ backoffLimit: 10 }))
    await clock.advance(1000)
    const pods = clientset.coreV1().pods('default')
    const [pod] = (await pods.list()).items
    const ready = { type: 'Ready', status: 'False' as const, lastTransitionTime: toTime(clock.now()) }
    await pods.updateStatus({ ...pod!, status: { phase: 'Failed', conditions: [ready] } })
    await clock.advance(5000)
    assert.equal((await pods.list()).items.length, 1, 'ten seconds are not over')
    await clock.advance(6000)
    assert.equal((await pods.list()).items.length, 2)
    assert.ok(created.metadata.uid)
  }))
