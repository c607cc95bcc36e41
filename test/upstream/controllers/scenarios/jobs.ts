import type { Job, JobSpec } from '../../../../src/kinds/generated/types/batch-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, untilReady } from '../scenario.ts'

export const job = (image: string, spec: Partial<JobSpec>): Job => ({
  metadata: { name: 'j' },
  spec: { template: { spec: podSpec(image, { restartPolicy: 'Never' }) }, ...spec },
})
export const indexed = { completionMode: 'Indexed' } as const

/** Makes the job and waits until it has ended. */
async function untilEnded({ clientset, namespace, until }: ScenarioWorld, made: Job): Promise<void> {
  const jobs = clientset.batchV1().jobs(namespace)
  await jobs.create(made)
  await until('ended', async () => {
    const { status } = await jobs.get('j')
    return status?.conditions?.some(({ type, status: is }) => is === 'True' && (type === 'Complete' || type === 'Failed')) ?? false
  })
}
export const ending =
  (image: string, spec: Partial<JobSpec>): Scenario =>
  (world) =>
    untilEnded(world, job(image, spec))

export const fails = 'fake-exit:3-500'
export const succeeds = 'fake-exit:0-500'
export const onExit = (action: 'FailJob' | 'FailIndex' | 'Count' | 'Ignore') => ({
  podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In' as const, values: [3] } }] },
})

/** `image`: whose end on a signal is a success (`i:1`), or none (`fake-stubborn`). */
async function deletesPod(world: ScenarioWorld, image: string, spec: Partial<JobSpec>): Promise<void> {
  const { clientset, namespace } = world
  await clientset.batchV1().jobs(namespace).create(job(image, spec))
  await untilReady(world, 'job-name=j', 1)
  const pods = clientset.coreV1().pods(namespace)
  const [first] = (await pods.list()).items
  await pods.delete(first?.metadata.name ?? '')
  await world.quiet()
  await untilReady(world, 'job-name=j', 1)
}

/** Jobs: failures by index and in all, policies, replacements, growing and shrinking. */
export const jobScenarios: Readonly<Record<string, Scenario>> = {
  'job-three': ending(succeeds, { completions: 3, parallelism: 1 }),
  'job-none': ending(succeeds, { completions: 0 }),
  'job-fails': ending(fails, { backoffLimit: 0, parallelism: 1, completions: 2 }),
  'job-deadline': ending('i:1', { activeDeadlineSeconds: 4 }),
  'job-index-fails': ending(fails, { ...indexed, completions: 2, parallelism: 1, backoffLimit: 0 }),
  'job-index-alone-fails': ending(fails, { ...indexed, completions: 3, parallelism: 3, backoffLimitPerIndex: 0 }),
  'job-index-tries-again': ending(fails, { ...indexed, completions: 1, parallelism: 1, backoffLimitPerIndex: 1 }),
  'job-indexes-failed-max': ending(fails, { ...indexed, completions: 4, parallelism: 1, backoffLimitPerIndex: 0, maxFailedIndexes: 1 }),
  'job-index-and-limit': ending(fails, { ...indexed, completions: 3, parallelism: 1, backoffLimitPerIndex: 2, backoffLimit: 0 }),
  'job-index-policy': ending(fails, { ...indexed, completions: 2, parallelism: 1, backoffLimitPerIndex: 3, ...onExit('FailIndex') }),
  'job-policy-fails': ending(fails, { completions: 2, parallelism: 1, ...onExit('FailJob') }),
  'job-policy-counts': ending(fails, { backoffLimit: 0, ...onExit('Count') }),
  'job-success-policy': ending(succeeds, {
    ...indexed,
    completions: 3,
    parallelism: 1,
    successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] },
  }),
  'job-pod-deleted': (world) => deletesPod(world, 'i:1', {}),
  'job-pod-deleted-replaced-late': (world) => deletesPod(world, 'fake-stubborn', { podReplacementPolicy: 'Failed' }),
  'job-pod-deleted-by-index': (world) => deletesPod(world, 'fake-stubborn', { ...indexed, completions: 1, backoffLimitPerIndex: 1 }),
  'job-shrinks': async (world) => {
    const jobs = world.clientset.batchV1().jobs(world.namespace)
    await jobs.create(job('i:1', { parallelism: 3, completions: 5 }))
    await untilReady(world, 'job-name=j', 3)
    await jobs.patch('j', merge({ spec: { parallelism: 1 } }))
    await world.quiet()
    await untilReady(world, 'job-name=j', 1)
  },
  'job-elastic': async (world) => {
    const jobs = world.clientset.batchV1().jobs(world.namespace)
    await jobs.create(job('i:1', { ...indexed, parallelism: 2, completions: 2 }))
    await untilReady(world, 'job-name=j', 2)
    await jobs.patch('j', merge({ spec: { parallelism: 1, completions: 1 } }))
    await world.quiet()
    await untilReady(world, 'job-name=j', 1)
  },
  'job-suspended-twice': async (world) => {
    const jobs = world.clientset.batchV1().jobs(world.namespace)
    await jobs.create(job('i:1', {}))
    await untilReady(world, 'job-name=j', 1)
    await jobs.patch('j', merge({ spec: { suspend: true } }))
    await world.quiet()
    await jobs.patch('j', merge({ spec: { suspend: false } }))
    await untilReady(world, 'job-name=j', 1)
  },
  'cronjob-time-zone': async (world) => {
    const crons = world.clientset.batchV1().cronJobs(world.namespace)
    const jobTemplate = { spec: { template: { spec: podSpec(succeeds, { restartPolicy: 'Never' as const }) } } }
    await crons.create({
      metadata: { name: 'c' },
      spec: { schedule: '* * * * *', timeZone: 'Europe/Berlin', concurrencyPolicy: 'Forbid', jobTemplate },
    })
    await world.until('it ran', async () => (await crons.get('c')).status?.lastSuccessfulTime !== undefined)
    await crons.patch('c', merge({ spec: { suspend: true } }))
  },
}
