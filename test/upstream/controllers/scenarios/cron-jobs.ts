import type { CronJobSpec, Job } from '../../../../src/kinds/generated/types/batch-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld } from '../scenario.ts'
import { fails, succeeds } from './jobs.ts'

const cronJobsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.batchV1().cronJobs(namespace)
const jobsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.batchV1().jobs(namespace)

/** Runs every minute. */
async function cronJob(world: ScenarioWorld, image: string, more: Partial<CronJobSpec> = {}): Promise<void> {
  const template = { spec: podSpec(image, { restartPolicy: 'Never' }) }
  await cronJobsOf(world).create({
    metadata: { name: 'c' },
    spec: { schedule: '* * * * *', jobTemplate: { metadata: { labels: { of: 'c' } }, spec: { template, backoffLimit: 0 } }, ...more },
  })
}

/** Nothing more is to come. */
const stops = (world: ScenarioWorld) => cronJobsOf(world).patch('c', merge({ spec: { suspend: true } }))

async function told(world: ScenarioWorld, reason: string, times: number): Promise<void> {
  const events = world.clientset.coreV1().events(world.namespace)
  await world.until(`${times} ${reason}`, async () => (await events.list({ fieldSelector: `reason=${reason}` })).items.length >= times)
}

const isActive = async (world: ScenarioWorld) => ((await cronJobsOf(world).get('c')).status?.active ?? []).length > 0

/** What comes every minute, and what becomes of it. */
export const cronJobScenarios: Readonly<Record<string, Scenario>> = {
  'cronjob-keeps-the-last': async (world) => {
    await cronJob(world, succeeds, { successfulJobsHistoryLimit: 1 })
    await told(world, 'SawCompletedJob', 2)
    await stops(world)
  },
  'cronjob-keeps-no-failure': async (world) => {
    await cronJob(world, fails, { failedJobsHistoryLimit: 0 })
    await told(world, 'SuccessfulDelete', 1)
    await stops(world)
  },
  'cronjob-forbids-two': async (world) => {
    await cronJob(world, 'i:1', { concurrencyPolicy: 'Forbid' })
    await told(world, 'JobAlreadyActive', 1)
    await stops(world)
  },
  'cronjob-replaces': async (world) => {
    await cronJob(world, 'i:1', { concurrencyPolicy: 'Replace' })
    await told(world, 'SuccessfulCreate', 3)
    await stops(world)
  },
  'cronjob-loses-a-job': async (world) => {
    await cronJob(world, 'i:1')
    await world.until('active', () => isActive(world))
    await stops(world)
    await world.quiet()
    const [job] = (await jobsOf(world).list()).items
    await jobsOf(world).delete(job!.metadata.name!, { propagationPolicy: 'Background' })
    await world.until('missed', async () => !(await isActive(world)))
  },
  'cronjob-sees-a-stranger': async (world) => {
    await cronJob(world, succeeds, { schedule: '0 0 1 1 *' })
    const { metadata } = await cronJobsOf(world).get('c')
    const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'c', uid: metadata.uid ?? '', controller: true }
    const job: Job = {
      metadata: { name: 'stranger', ownerReferences: [owner] },
      spec: { template: { spec: podSpec(succeeds, { restartPolicy: 'Never' }) } },
    }
    await jobsOf(world).create(job)
    await world.until('it is over', async () => (await jobsOf(world).get('stranger')).status?.succeeded === 1)
  },
}
