import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withCluster } from './sim-cluster.ts'

test('attempts are counted by profile and outcome, and timed, those of a pod together too', () =>
  withCluster(1, async (c) => {
    const line = (start: string) =>
      Number(
        c.scheduler.metrics
          .render()
          .split('\n')
          .find((one) => one.startsWith(start))
          ?.split(' ')
          .at(-1) ?? 0,
      )
    const attempts = (result: string) => line(`scheduler_schedule_attempts_total{profile="default-scheduler",result="${result}"}`)
    await c.addPod({ name: 'early', requests: { cpu: '100m' } })
    await c.until('it finds no node', async () => attempts('unschedulable') === 1)
    await c.clock.advance(20_000)
    await c.addNode({ name: 'n', cpu: '1' })
    await c.until('it is bound', async () => attempts('scheduled') === 1)
    await c.addPod({ name: 'late', requests: { cpu: '100m' } })
    await c.until('so is the other', async () => attempts('scheduled') === 2)
    const timed = 'scheduler_scheduling_attempt_duration_seconds_count{profile="default-scheduler",result="scheduled"}'
    assert.equal(line(timed), 2)
    assert.equal(line('scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"}'), 1)
    assert.equal(line('scheduler_pod_scheduling_sli_duration_seconds_count{attempts="2"}'), 1)
    assert.ok(line('scheduler_pod_scheduling_sli_duration_seconds_sum{attempts="2"}') >= 20)
    assert.equal(attempts('error'), 0)
  }))
