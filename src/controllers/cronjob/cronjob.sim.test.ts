import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CronJobSpec } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { garbageCollectorController } from '../garbage-collector/controller.ts'
import { jobController } from '../job/controller.ts'
import { faultyClient, type PodOutcome, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { cronJobController } from './controller.ts'

async function inCluster(
  options: Partial<SimOptions> & { readonly runMs?: number | undefined; readonly fails?: (pod: Pod) => boolean },
  body: (cluster: SimCluster) => Promise<void>,
): Promise<void> {
  const { runMs = 1000, fails = () => false, ...rest } = options
  const outcome = (pod: Pod): PodOutcome => ({ afterMs: runMs, status: { phase: fails(pod) ? 'Failed' : 'Succeeded' } })
  const definitions = [cronJobController(), jobController(), garbageCollectorController()]
  const cluster = await simCluster({ definitions, nodes: { outcome }, ...rest })
  try {
    await body(cluster)
    if (!options.wrap) assert.equal(cluster.metrics.panicsOf('cronjob'), 0)
  } finally {
    await cluster.stop()
  }
}

const cronJob = (spec: Partial<CronJobSpec> = {}) => ({
  metadata: { name: 'tick', namespace: 'default' },
  spec: {
    schedule: '* * * * *',
    jobTemplate: {
      metadata: { labels: { app: 'tick' }, annotations: { note: 'x' } },
      spec: { backoffLimit: 0, template: { spec: { containers: [{ name: 'c', image: 'i' }], restartPolicy: 'Never' as const } } },
    },
    ...spec,
  },
})

const read = ({ clientset }: SimCluster) => clientset.batchV1().cronJobs('default').get('tick')
const create = ({ clientset }: SimCluster, spec: Partial<CronJobSpec> = {}) => clientset.batchV1().cronJobs('default').create(cronJob(spec))
const change = ({ clientset }: SimCluster, spec: Partial<CronJobSpec>) =>
  clientset.batchV1().cronJobs('default').patch('tick', { type: 'merge', body: { spec } })
const jobsOf = async ({ clientset }: SimCluster) => (await clientset.batchV1().jobs('default').list()).items
const minute = 60_000

/** Every Job that was made, in order: minutes since the first. */
async function started({ clientset }: SimCluster): Promise<number[]> {
  const { items } = await clientset.coreV1().events('default').list()
  const names = items
    .filter(({ reason }) => reason === 'SuccessfulCreate')
    .map(({ message }) => /^Created job tick-(\d+)$/.exec(message ?? '')?.[1])
  const minutes = [...new Set(names.filter((name) => name !== undefined).map(Number))].sort((a, b) => a - b)
  return minutes.map((at) => at - minutes[0]!)
}

test('starts a Job at its time, with its name, time and owner, and keeps the last three', () =>
  inCluster({}, async (cluster) => {
    await create(cluster)
    await cluster.clock.advance(5 * minute + 30_000)
    assert.deepEqual(await started(cluster), [0, 1, 2, 3, 4])
    const jobs = await jobsOf(cluster)
    assert.equal(jobs.length, 3)
    const [job] = jobs
    const scheduled = job?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'] ?? ''
    assert.equal(job?.metadata.name, `tick-${Date.parse(scheduled) / minute}`)
    assert.deepEqual(
      [job?.metadata.labels?.app, job?.metadata.annotations?.note, job?.metadata.ownerReferences?.[0]?.kind],
      ['tick', 'x', 'CronJob'],
    )
    const { status } = await read(cluster)
    assert.deepEqual([status?.active, Date.parse(status?.lastScheduleTime ?? '') % minute], [undefined, 0])
    assert.ok(status?.lastSuccessfulTime)
    const reasons = new Set((await cluster.clientset.coreV1().events('default').list()).items.map(({ reason }) => reason))
    for (const reason of ['SuccessfulCreate', 'SawCompletedJob', 'SuccessfulDelete']) assert.ok(reasons.has(reason), reason)
  }))

test('of failed Jobs it keeps one', () =>
  inCluster({ fails: () => true }, async (cluster) => {
    await create(cluster)
    await cluster.clock.advance(4 * minute)
    assert.equal((await jobsOf(cluster)).length, 1)
    assert.equal((await read(cluster)).status?.lastSuccessfulTime, undefined)
  }))

for (const [concurrencyPolicy, active, made] of [
  ['Allow', 3, 4],
  ['Forbid', 1, 2],
  ['Replace', 1, 4],
] as const)
  test(`with policy ${concurrencyPolicy} ${active} of ${made} Jobs run at once`, () =>
    inCluster({ runMs: 150_000 }, async (cluster) => {
      await create(cluster, { concurrencyPolicy })
      await cluster.clock.advance(4 * minute + 5_000)
      assert.equal((await read(cluster)).status?.active?.length, active)
      assert.equal((await started(cluster)).length, made)
    }))

test('suspended it starts nothing; resumed it makes up for the last start only', () =>
  inCluster({}, async (cluster) => {
    await create(cluster, { suspend: true })
    await cluster.clock.advance(5 * minute + 30_000)
    assert.equal((await jobsOf(cluster)).length, 0)
    await change(cluster, { suspend: false })
    await cluster.clock.advance(1000)
    assert.equal((await jobsOf(cluster)).length, 1)
    await cluster.clock.advance(minute)
    assert.deepEqual(await started(cluster), [0, 1])
  }))

test('a start that is too late is not made up for', () =>
  inCluster({}, async (cluster) => {
    await create(cluster, { suspend: true, schedule: '*/10 * * * *', startingDeadlineSeconds: 30 })
    await cluster.clock.advance(12 * minute)
    await change(cluster, { suspend: false })
    await cluster.clock.advance(minute)
    assert.equal((await jobsOf(cluster)).length, 0)
    await cluster.until('the next one comes', async () => (await jobsOf(cluster)).length === 1, 10 * minute)
  }))

test('after very many missed starts it warns, and starts the last', () =>
  inCluster({}, async (cluster) => {
    await create(cluster, { suspend: true })
    await cluster.clock.advance(150 * minute)
    await change(cluster, { suspend: false })
    await cluster.clock.advance(1000)
    assert.equal((await jobsOf(cluster)).length, 1)
    const events = (await cluster.clientset.coreV1().events('default').list()).items
    assert.match(events.find(({ reason }) => reason === 'TooManyMissedTimes')?.message ?? '', /^too many missed start times\. /)
  }))

test('a changed schedule begins when it is changed', () =>
  inCluster({}, async (cluster) => {
    await create(cluster, { schedule: '0 0 1 1 *' })
    await cluster.clock.advance(10 * minute)
    await change(cluster, { schedule: '*/5 * * * *' })
    await cluster.clock.advance(1000)
    assert.equal((await jobsOf(cluster)).length, 0)
    await cluster.until('the first comes', async () => (await jobsOf(cluster)).length === 1, 5 * minute)
  }))

test('a Job of its that it did not make is told and left alone; one that was deleted leaves the list', () =>
  inCluster({ runMs: 600_000 }, async (cluster) => {
    await create(cluster, { schedule: '*/30 * * * *' })
    const { metadata } = await read(cluster)
    const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: metadata.uid ?? '', controller: true }
    const jobs = cluster.clientset.batchV1().jobs('default')
    await jobs.create({
      metadata: { name: 'by-hand', namespace: 'default', ownerReferences: [owner] },
      spec: cronJob().spec.jobTemplate.spec,
    })
    await cluster.until('it runs one', async () => (await read(cluster)).status?.active?.length === 1, 31 * minute)
    await jobs.delete((await read(cluster)).status?.active?.[0]?.name ?? '', { propagationPolicy: 'Background' })
    await cluster.until('the list is empty', async () => (await read(cluster)).status?.active === undefined)
    const reasons = new Set((await cluster.clientset.coreV1().events('default').list()).items.map(({ reason }) => reason))
    assert.ok(reasons.has('UnexpectedJob') && reasons.has('MissingJob'))
    assert.ok((await jobsOf(cluster)).some(({ metadata: { name } }) => name === 'by-hand'))
  }))

for (const seed of [1, 2, 3])
  test(`misses no start and makes none twice, whatever is lost or late (seed ${seed})`, () =>
    inCluster({ seed, watchLagMs: 20, wrap: (client) => faultyClient(client, { seed, share: 0.08 }) }, async (cluster) => {
      await create(cluster, { successfulJobsHistoryLimit: 100 })
      await cluster.clock.advance(20 * minute + 50_000)
      const names = (await jobsOf(cluster)).map(({ metadata }) => Number(metadata.name?.slice('tick-'.length))).sort((a, b) => a - b)
      assert.deepEqual(
        names,
        Array.from({ length: 20 }, (_, i) => names[0]! + i),
      )
      await cluster.until('none is active', async () => (await read(cluster)).status?.active === undefined, minute)
      assert.ok(cluster.metrics.panicsOf('cronjob') > 0, 'no fault struck')
    }))
