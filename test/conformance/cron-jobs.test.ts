import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { CronJobSpec } from '../../src/kinds/generated/types/batch-v1.ts'
import { checkApiOperations } from './api-operations.ts'
import { startConformanceApi } from './conformance-api.ts'
import { startConformanceCluster } from './conformance-cluster.ts'

const c = await startConformanceCluster()
after(() => c.close())
const ns = await c.namespace('cron')
const cronJobs = c.clientset.batchV1().cronJobs(ns)
const jobTemplate = {
  spec: { template: { spec: { restartPolicy: 'OnFailure' as const, containers: [{ name: 'c', image: 'registry.example/pause:1' }] } } },
}
const create = (name: string, spec: Partial<CronJobSpec> = {}) =>
  cronJobs.create({ metadata: { name }, spec: { schedule: '*/1 * * * ?', jobTemplate, ...spec } })
const jobsOf = async (name: string) =>
  (await c.clientset.batchV1().jobs(ns).list()).items.filter(({ metadata }) =>
    metadata.ownerReferences?.some((owner) => owner.name === name),
  )
const active = async (name: string) => (await cronJobs.get(name)).status?.active ?? []
const minutes = (count: number) => count * 60_000

test('CronJob should schedule multiple jobs concurrently', async () => {
  await create('concurrent', { concurrencyPolicy: 'Allow' })
  await c.until('two run', async () => (await active('concurrent')).length >= 2, minutes(4))
  const running = (await jobsOf('concurrent')).filter(({ status }) => status?.active === 1 && status.completionTime === undefined)
  assert.ok(running.length >= 2)
  await cronJobs.delete('concurrent')
})

test('CronJob should not schedule jobs when suspended', async () => {
  await create('suspended', { suspend: true })
  await c.throughout('none runs', async () => (await jobsOf('suspended')).length === 0, minutes(3))
  assert.equal((await active('suspended')).length, 0)
  await cronJobs.delete('suspended')
})

test('CronJob should not schedule new jobs when ForbidConcurrent', async () => {
  await create('forbid', { concurrencyPolicy: 'Forbid' })
  await c.until('one runs', async () => (await active('forbid')).length === 1, minutes(3))
  const [first] = await active('forbid')
  await c.throughout('no other is made', async () => (await jobsOf('forbid')).length === 1, minutes(3))
  assert.equal((await active('forbid'))[0]?.name, first?.name)
  await cronJobs.delete('forbid')
})

test('CronJob should replace jobs when ReplaceConcurrent', async () => {
  await create('replace', { concurrencyPolicy: 'Replace' })
  await c.until('one runs', async () => (await active('replace')).length === 1, minutes(3))
  const [first] = await active('replace')
  const before = await c.clientset.batchV1().jobs(ns).get(first!.name!)
  await c.until(
    'another in its place',
    async () => {
      const now = await active('replace')
      return now.length === 1 && now[0]?.name !== first?.name
    },
    minutes(3),
  )
  await c.until('the first is gone', async () => (await jobsOf('replace')).every(({ metadata }) => metadata.name !== first?.name))
  const [newer, ...others] = await jobsOf('replace')
  assert.deepEqual(others, [])
  assert.ok(newer!.metadata.creationTimestamp! > before.metadata.creationTimestamp!, 'the newer one is left')
})

test('CronJob should support CronJob API operations', async () => {
  const conformance = await startConformanceApi()
  const namespace = await conformance.namespace('operations')
  await checkApiOperations(conformance, {
    group: 'batch',
    version: 'v1',
    plural: 'cronjobs',
    namespace,
    make: (name) => ({ metadata: { name }, spec: { schedule: '* */1 * * ?', concurrencyPolicy: 'Allow', jobTemplate } }),
    status: { lastScheduleTime: '2026-01-01T00:00:00Z' },
  })
  await conformance.close()
})
