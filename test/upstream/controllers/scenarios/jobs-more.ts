import type { Job, JobSpec } from '../../../../src/kinds/generated/types/batch-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, untilReady } from '../scenario.ts'
import { ending, fails, indexed, job, onExit, succeeds } from './jobs.ts'

const jobsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.batchV1().jobs(namespace)

async function until(world: ScenarioWorld, what: string, holds: (job: Job) => boolean): Promise<void> {
  await world.until(what, async () => holds(await jobsOf(world).get('j')))
}

const suspended = (isIt: boolean) => merge({ spec: { suspend: isIt } })

/** Suspends it while pods run, and lets it go on. */
const resuming =
  (image: string, spec: Partial<JobSpec>, active: number): Scenario =>
  async (world) => {
    await jobsOf(world).create(job(image, spec))
    await untilReady(world, 'job-name=j', active)
    await jobsOf(world).patch('j', suspended(true))
    await world.quiet()
    await jobsOf(world).patch('j', suspended(false))
    await untilReady(world, 'job-name=j', active)
  }

/** Evicts one pod of it by the API; one that fails of it, for whether one that does not is counted hangs on who looks first. */
const evicting =
  (spec: Partial<JobSpec>): Scenario =>
  async (world) => {
    const { clientset, namespace, client } = world
    await jobsOf(world).create(job('fake-stubborn', spec))
    await untilReady(world, 'job-name=j', 1)
    const [first] = (await clientset.coreV1().pods(namespace).list()).items
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: first!.metadata.name, namespace } }
    await client.raw({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods/${first!.metadata.name}/eviction`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    await world.quiet()
  }

const ignoresDisruption = {
  podFailurePolicy: { rules: [{ action: 'Ignore' as const, onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] },
}

/** Jobs: what of their rules meets what. */
export const moreJobScenarios: Readonly<Record<string, Scenario>> = {
  'job-suspended-at-first': async (world) => {
    await jobsOf(world).create(job(succeeds, { suspend: true }))
    await world.quiet()
    await jobsOf(world).patch('j', suspended(false))
    await until(world, 'complete', ({ status }) => status?.succeeded === 1)
  },
  'job-suspended-replaces-late': resuming('i:1', { podReplacementPolicy: 'Failed', parallelism: 2 }, 2),
  'job-suspended-by-index': resuming('i:1', { ...indexed, completions: 2, parallelism: 1, backoffLimitPerIndex: 1 }, 1),
  'job-suspended-template-changes': async (world) => {
    await jobsOf(world).create(job('i:1', { suspend: true }))
    await world.quiet()
    await jobsOf(world).patch(
      'j',
      merge({ spec: { template: { metadata: { labels: { queue: 'q' } }, spec: { nodeSelector: { 'kubernetes.io/os': 'linux' } } } } }),
    )
    await jobsOf(world).patch('j', suspended(false))
    await untilReady(world, 'job-name=j', 1)
  },
  'job-success-of-all-indexes': ending(succeeds, {
    ...indexed,
    completions: 2,
    parallelism: 1,
    successPolicy: { rules: [{ succeededIndexes: '0' }, { succeededCount: 2 }] },
  }),
  'job-success-policy-and-limit': ending(fails, {
    ...indexed,
    completions: 2,
    parallelism: 1,
    backoffLimit: 0,
    successPolicy: { rules: [{ succeededCount: 1 }] },
  }),
  'job-success-policy-by-index': ending(fails, {
    ...indexed,
    completions: 2,
    parallelism: 2,
    backoffLimitPerIndex: 0,
    successPolicy: { rules: [{ succeededIndexes: '1' }] },
  }),
  'job-all-indexes-fail': ending(fails, {
    ...indexed,
    completions: 2,
    parallelism: 2,
    backoffLimitPerIndex: 0,
    podReplacementPolicy: 'Failed',
  }),
  'job-index-policy-of-all': ending(fails, {
    ...indexed,
    completions: 3,
    parallelism: 1,
    backoffLimitPerIndex: 1,
    maxFailedIndexes: 0,
    ...onExit('FailIndex'),
  }),
  'job-policy-fails-by-index': ending(fails, { ...indexed, completions: 2, parallelism: 1, backoffLimitPerIndex: 1, ...onExit('FailJob') }),
  'job-evicted': evicting({ backoffLimit: 0 }),
  'job-evicted-is-ignored': async (world) => {
    await evicting({ backoffLimit: 0, ...ignoresDisruption })(world)
    await untilReady(world, 'job-name=j', 1)
  },
  'job-ends-and-goes': async (world) => {
    await jobsOf(world).create(job(succeeds, { ttlSecondsAfterFinished: 1 }))
    await world.until('it is gone', async () => (await jobsOf(world).list()).items.length === 0)
  },
  'job-without-parallelism': async (world) => {
    await jobsOf(world).create(job('i:1', { parallelism: 0 }))
    await world.quiet()
    await jobsOf(world).patch('j', merge({ spec: { parallelism: 2 } }))
    await untilReady(world, 'job-name=j', 2)
  },
  'job-own-selector': async (world) => {
    const template = { metadata: { labels: { mine: 'yes' } }, spec: podSpec(succeeds, { restartPolicy: 'Never' }) }
    await jobsOf(world).create(job(succeeds, { manualSelector: true, selector: { matchLabels: { mine: 'yes' } }, template }))
    await until(world, 'over', ({ status }) => status?.conditions?.some(({ type }) => type === 'Complete') ?? false)
  },
  'job-deadline-while-suspended': async (world) => {
    await jobsOf(world).create(job('i:1', { activeDeadlineSeconds: 60, suspend: true }))
    await world.quiet()
    await jobsOf(world).patch('j', merge({ spec: { activeDeadlineSeconds: 2, suspend: false } }))
    await until(world, 'over', ({ status }) => status?.conditions?.some(({ type }) => type === 'Failed') ?? false)
  },
  'job-pod-taken-away': async (world) => {
    await jobsOf(world).create(job('fake-stubborn', { backoffLimit: 1 }))
    await untilReady(world, 'job-name=j', 1)
    const pods = world.clientset.coreV1().pods(world.namespace)
    const [first] = (await pods.list()).items
    await pods.delete(first!.metadata.name!, { gracePeriodSeconds: 0 })
    await world.quiet()
    await untilReady(world, 'job-name=j', 1)
  },
  'job-deleted-with-orphans': async (world) => {
    await jobsOf(world).create(job('i:1', {}))
    await untilReady(world, 'job-name=j', 1)
    await jobsOf(world).delete('j', { propagationPolicy: 'Orphan' })
  },
}
