import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Job, JobSpec } from '../../src/kinds/generated/types/batch-v1.ts'
import { runsForever } from '../../src/node/runtime/fake/fake-behaviour.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { exists, follow, isControlledBy } from './workloads.ts'

/** Exit codes by index, one digit each, in the image's tag: `indexed:0101`; `r` runs on, `p` too, until it was evicted once. */
const evicted = new Set<string>()
const c = await startConformanceCluster({
  runtime: {
    behaviourOf: ({ userImage, env, attempt }) => {
      const index = Number(env.find(({ name }) => name === 'JOB_COMPLETION_INDEX')?.value ?? 0)
      const [what = '', codes = ''] = userImage.split('/').at(-1)!.split(':')
      if (what === 'once') return { ...runsForever, exitAfterMs: 100, exitCode: attempt === 0 ? 1 : 0 }
      const code = what === 'indexed' ? codes[index] : undefined
      if (code === 'p') return evicted.has(String(index)) ? { ...runsForever, exitAfterMs: 100 } : runsForever
      if (code === undefined || code === 'r') return runsForever
      return { ...runsForever, exitAfterMs: 100, exitCode: Number(code) }
    },
  },
})
after(() => c.close())
const core = c.clientset.coreV1()
const ns = await c.namespace('jobs')
const jobs = c.clientset.batchV1().jobs(ns)
const indexed = (codes: string) => `registry.example/indexed:${codes}`

async function create(
  name: string,
  image: string,
  spec: Partial<JobSpec> = {},
  restartPolicy: 'Never' | 'OnFailure' = 'Never',
): Promise<Job> {
  return jobs.create({
    metadata: { name, labels: { job: name } },
    spec: { template: { spec: { restartPolicy, terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image }] } }, ...spec },
  })
}
const podsOfJob = async (name: string) => (await core.pods(ns).list({ labelSelector: `batch.kubernetes.io/job-name=${name}` })).items
const condition = async (name: string, type: string) =>
  (await jobs.get(name)).status?.conditions?.find((one) => one.type === type && one.status === 'True')
const untilIs = (name: string, type: 'Complete' | 'Failed') =>
  c.until(`${name} is ${type}`, async () => (await condition(name, type)) !== undefined)

test('Job should run a job to completion when tasks sometimes fail and are locally restarted', async () => {
  await create('restarted', 'registry.example/once:1', { parallelism: 2, completions: 4 }, 'OnFailure')
  await untilIs('restarted', 'Complete')
  const succeeded = (await podsOfJob('restarted')).filter(({ status }) => status?.phase === 'Succeeded')
  assert.equal(succeeded.length, 4)
  assert.ok(succeeded.every(({ status }) => status?.containerStatuses?.[0]?.restartCount === 1))
})

test('Job should create pods for an Indexed job with completion indexes and specified hostname', async () => {
  await create('indexed', indexed('0000'), { completionMode: 'Indexed', completions: 4, parallelism: 2 })
  await untilIs('indexed', 'Complete')
  const pods = await podsOfJob('indexed')
  const indexes = pods.map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-completion-index'])
  assert.deepEqual(new Set(indexes), new Set(['0', '1', '2', '3']))
  assert.equal(pods.length, 4)
  for (const { metadata, spec } of pods) {
    const index = metadata.annotations?.['batch.kubernetes.io/job-completion-index']
    assert.equal(metadata.labels?.['batch.kubernetes.io/job-completion-index'], index)
    assert.equal(spec?.hostname, `indexed-${index}`)
    assert.match(metadata.name!, new RegExp(`^indexed-${index}-`))
    assert.ok(spec?.containers[0]?.env?.some(({ name }) => name === 'JOB_COMPLETION_INDEX'))
  }
})

test('Job should execute all indexes despite some failing when using backoffLimitPerIndex', async () => {
  await create('per-index', indexed('0101'), { completionMode: 'Indexed', completions: 4, parallelism: 2, backoffLimitPerIndex: 1 })
  await untilIs('per-index', 'Failed')
  const { status } = await jobs.get('per-index')
  assert.deepEqual([status?.completedIndexes, status?.failedIndexes, status?.succeeded, status?.failed], ['0,2', '1,3', 2, 4])
  assert.equal((await condition('per-index', 'Failed'))?.reason, 'FailedIndexes')
})

test('Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy', async () => {
  const rules = [{ action: 'FailIndex' as const, onExitCodes: { operator: 'In' as const, values: [4] } }]
  const spec = { completionMode: 'Indexed' as const, completions: 2, parallelism: 1, backoffLimitPerIndex: 3, podFailurePolicy: { rules } }
  await create('fail-index', indexed('40'), spec)
  await untilIs('fail-index', 'Failed')
  const { status } = await jobs.get('fail-index')
  assert.deepEqual([status?.completedIndexes, status?.failedIndexes, status?.failed], ['1', '0', 1])
})

test('Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes', async () => {
  const spec = { completionMode: 'Indexed' as const, completions: 10, parallelism: 10, backoffLimitPerIndex: 0, maxFailedIndexes: 4 }
  await create('max-failed', indexed('1r1r1r1r1r'), spec)
  await untilIs('max-failed', 'Failed')
  assert.equal((await condition('max-failed', 'Failed'))?.reason, 'MaxFailedIndexesExceeded')
  assert.equal((await jobs.get('max-failed')).status?.failed, 10)
})

test('Job should allow to use the pod failure policy on exit code to fail the job early', async () => {
  const rules = [{ action: 'FailJob' as const, onExitCodes: { operator: 'In' as const, values: [3] } }]
  await create('fail-early', indexed('3r'), {
    completionMode: 'Indexed',
    completions: 2,
    parallelism: 2,
    backoffLimit: 1,
    podFailurePolicy: { rules },
  })
  await untilIs('fail-early', 'Failed')
  assert.equal((await condition('fail-early', 'Failed'))?.reason, 'PodFailurePolicy')
})

test('Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition', async () => {
  const rules = [{ action: 'Ignore' as const, onPodConditions: [{ type: 'DisruptionTarget', status: 'True' as const }] }]
  await create('disrupted', indexed('pp'), {
    completionMode: 'Indexed',
    completions: 2,
    parallelism: 2,
    backoffLimit: 0,
    podFailurePolicy: { rules },
  })
  await c.until('both run', async () => (await jobs.get('disrupted')).status?.ready === 2)
  for (const { metadata } of await podsOfJob('disrupted')) {
    evicted.add(metadata.annotations!['batch.kubernetes.io/job-completion-index']!)
    await core.pods(ns).subresource(metadata.name!, 'eviction', {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: metadata.name!, namespace: ns },
    })
  }
  await untilIs('disrupted', 'Complete')
})

test('Job with successPolicy should succeeded when all indexes succeeded', async () => {
  const successPolicy = { rules: [{ succeededIndexes: '0-1' }] }
  await create('all-succeed', indexed('00'), { completionMode: 'Indexed', completions: 2, parallelism: 2, successPolicy })
  await untilIs('all-succeed', 'Complete')
  assert.match((await condition('all-succeed', 'SuccessCriteriaMet'))?.reason ?? '', /^(SuccessPolicy|CompletionsReached)$/)
})

test('Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending', async () => {
  const successPolicy = { rules: [{ succeededIndexes: '0' }] }
  await create('by-index', indexed('0r'), { completionMode: 'Indexed', completions: 2, parallelism: 2, successPolicy })
  await untilIs('by-index', 'Complete')
  assert.equal((await condition('by-index', 'SuccessCriteriaMet'))?.reason, 'SuccessPolicy')
  assert.equal((await jobs.get('by-index')).status?.completedIndexes, '0')
})

test('Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending', async () => {
  const successPolicy = { rules: [{ succeededCount: 1 }] }
  await create('by-count', indexed('r0rrr'), { completionMode: 'Indexed', completions: 5, parallelism: 2, successPolicy })
  await untilIs('by-count', 'Complete')
  assert.equal((await condition('by-count', 'SuccessCriteriaMet'))?.reason, 'SuccessPolicy')
})

test('Job should delete a job', async () => {
  await create('deleted', 'registry.example/pause:1', { parallelism: 2, completions: 4 })
  await c.until('two are active', async () => (await jobs.get('deleted')).status?.active === 2)
  await jobs.delete('deleted', { propagationPolicy: 'Foreground' })
  await c.until('it is gone', async () => !(await exists(() => jobs.get('deleted'))))
  assert.equal((await podsOfJob('deleted')).length, 0)
})

test('Job should adopt matching orphans and release non-matching pods', async () => {
  const job = await create('adopting', 'registry.example/pause:1', { parallelism: 2, completions: 4 })
  await c.until('two are active', async () => (await jobs.get('adopting')).status?.active === 2)
  const made = await podsOfJob('adopting')
  assert.equal(made.length, 2)
  const [pod] = made
  const name = pod!.metadata.name!
  await core.pods(ns).patch(name, { type: 'merge', body: { metadata: { ownerReferences: null } } })
  await c.until('adopted', async () => isControlledBy(await c.pod(ns, name), job))
  await core.pods(ns).patch(name, { type: 'merge', body: { metadata: { labels: null } } })
  await c.until('released', async () => !(await c.pod(ns, name)).metadata.ownerReferences?.length)
  await c.until('another in its place', async () => (await podsOfJob('adopting')).length === 2)
})

test('Job should apply changes to a job status', async () => {
  await create('told', 'registry.example/pause:1', { parallelism: 2, completions: 4 })
  await c.until('two are active', async () => (await jobs.get('told')).status?.active === 2)
  const condition = (type: string) => ({
    type,
    status: 'True' as const,
    reason: 'E2E',
    message: 'told',
    lastProbeTime: null,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  })
  const patched = await jobs.patch(
    'told',
    { type: 'merge', body: { metadata: { annotations: { patched: 'true' } }, status: { conditions: [condition('Patched')] } } },
    { subresource: 'status' },
  )
  assert.deepEqual([patched.metadata.annotations?.patched, patched.status?.conditions?.[0]?.type], ['true', 'Patched'])
  assert.equal((await jobs.get('told')).metadata.annotations?.patched, 'true')
  const current = await jobs.get('told')
  const conditions = [condition('Patched'), condition('Updated')]
  const updated = await jobs.updateStatus({
    ...current,
    metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, updated: 'true' } },
    status: { ...current.status, conditions },
  })
  assert.equal(updated.metadata.annotations?.updated, 'true')
  const read = await jobs.subresource<undefined, Job>('told', 'status', undefined, { method: 'GET' })
  assert.deepEqual([read.kind, read.status?.active, read.status?.conditions], ['Job', 2, conditions])
})

test('Job should manage the lifecycle of a job', async () => {
  const watch = await follow(c, jobs, 'job=suspended')
  await create('suspended', 'registry.example/pause:1', { suspend: true, parallelism: 2, completions: 2 })
  await watch.until('created', 'ADDED')
  const isSuspended = ({ status }: Job) =>
    status?.conditions?.some(({ type, status }) => type === 'Suspended' && status === 'True') === true
  await watch.until('it says so', 'MODIFIED', isSuspended)
  await jobs.patch('suspended', { type: 'strategic', body: { metadata: { labels: { patched: 'yes' } } } })
  await watch.until('patched', 'MODIFIED', ({ metadata }) => metadata.labels?.patched === 'yes')
  const current = await jobs.get('suspended')
  await jobs.update({ ...current, metadata: { ...current.metadata, annotations: { updated: 'true' } } })
  await watch.until('updated', 'MODIFIED', ({ metadata }) => metadata.annotations?.updated === 'true')
  await c.throughout('it runs nothing', async () => (await podsOfJob('suspended')).length === 0, 3_000)
  await jobs.patch('suspended', { type: 'merge', body: { spec: { suspend: false } } })
  await watch.until('it runs', 'MODIFIED', (job) => job.status?.active === 2 && !isSuspended(job))
  assert.equal((await c.clientset.batchV1().jobs().list({ labelSelector: 'patched=yes' })).items.length, 1)
  await jobs.deleteCollection({ labelSelector: 'patched=yes', propagationPolicy: 'Background' })
  await watch.until('it is gone', 'DELETED')
  await watch.stop()
  assert.equal((await c.clientset.batchV1().jobs().list({ labelSelector: 'patched=yes' })).items.length, 0)
  await c.until('and its pods', async () => (await podsOfJob('suspended')).length === 0)
})
