import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodSpec } from '../../kinds/generated/types/core-v1.ts'
import { planPod } from './plan.ts'
import { rememberCleared, restartingAll } from './plan-restart-all.ts'
import { containerFixture, fixtureNowMs, healthyRecord, viewFixture, type ViewFixture } from './pod-fixtures.ts'
import { type ContainerRecord, type PodRecords, rememberEnd } from './pod-records.ts'
import { podStatus } from './pod-status.ts'
import { specHashOf } from './spec-hash.ts'

/** The steps for a pod of an init container `i`, an app `a` and a worker `w` whose exit code 42 has all run again. */
function check(title: string, fixture: ViewFixture, expected: readonly string[], wakeInMs?: number): void {
  test(title, () => {
    const plan = planPod(viewFixture({ spec, ...fixture }))
    assert.deepEqual(
      plan.actions.map((action) => {
        const { type, ...rest } = action
        const what = 'containerId' in rest ? rest.containerId : 'name' in rest ? rest.name : 'key' in rest ? rest.key : ''
        return ['forRestart' in rest ? rest.forRestart : '', type, what].join(' ').trim()
      }),
      expected,
    )
    assert.equal(plan.wakeAtMs === undefined ? undefined : plan.wakeAtMs - fixtureNowMs, wakeInMs)
  })
}

const worker = containerFixture('w', {
  restartPolicy: 'Never',
  restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }],
})
const spec: Partial<PodSpec> = {
  restartPolicy: 'Never',
  initContainers: [containerFixture('i')],
  containers: [containerFixture('a'), worker],
}
const asked = { containerID: 'containerd://w-0', exitCode: 42 }
const cleared = { ...restartingAll, exitCode: 137 }
/** All of them removed, as the agent remembers it, or a new one reads it from the status. */
const removed = {
  i: { rememberedRestarts: 0, rememberedEnd: cleared },
  a: { rememberedRestarts: 0, rememberedEnd: cleared },
  w: { rememberedRestarts: 0, rememberedEnd: asked },
}

check(
  'an exit code that its rule names ends and removes all but the one that asked for it',
  { containers: { i: { is: 0 }, a: { is: 'running' }, w: { is: 42 } }, containerRecords: { a: healthyRecord('a') } },
  ['target removeContainer i-0', 'killContainer a-0'],
)
check('a start under way is given up', { containers: { i: { is: 0 }, w: { is: 42 } }, records: { busy: new Set(['container/a']) } }, [
  'target removeContainer i-0',
  'abort container/a',
])
check('the one that asked for it goes last', { containers: { w: { is: 42 } }, containerRecords: { i: removed.i, a: removed.a } }, [
  'source removeContainer w-0',
])
check('then the init container runs again first', { containerRecords: removed }, ['startContainer i'])
check(
  'then the others, in the sandbox that is there',
  { containers: { i: { is: 0, attempt: 1 } }, containerRecords: { a: removed.a, w: removed.w } },
  ['startContainer a', 'startContainer w'],
)
check(
  'who asks for it again backs off, beside the others',
  {
    containers: { i: { is: 0, attempt: 1 } },
    containerRecords: {
      a: removed.a,
      w: { ...removed.w, ended: { containerId: 'w-0', atMs: fixtureNowMs - 4_000 }, backoff: backoff() },
    },
  },
  ['startContainer a', 'noteCrashBackoff w'],
  6_000,
)
check('another exit code has no such effect', { containers: { i: { is: 0 }, a: { is: 'running' }, w: { is: 1 } } }, [])
check(
  'a pod that is being deleted begins nothing anew',
  {
    metadata: { deletionTimestamp: '2026-01-01T12:00:20Z', deletionGracePeriodSeconds: 20 },
    containers: { i: { is: 0 }, a: { is: 'running' }, w: { is: 42 } },
  },
  ['killContainer a-0'],
)

function told(title: string, fixture: ViewFixture, expected: { phase: string; restarting: string }): void {
  test(title, () => {
    const status = podStatus(viewFixture({ spec, ...fixture }), { hostIPs: [] })
    const condition = status.conditions?.find((c) => c.type === 'AllContainersRestarting')
    const text = [condition?.status, condition?.reason, condition?.message].filter(Boolean).join(' ')
    assert.deepEqual({ phase: status.phase, restarting: text }, { phase: expected.phase, restarting: expected.restarting })
  })
}

told(
  'the condition tells of a restart of all',
  { containers: { i: { is: 0 }, a: { is: 'running' }, w: { is: 42 } }, containerRecords: { a: healthyRecord('a') } },
  { phase: 'Running', restarting: 'True RestartAllContainersStarted container exited with restart policy rule' },
)
told(
  'and that it is over when all have been removed; the pod runs though none of its containers does',
  { containerRecords: removed },
  { phase: 'Running', restarting: 'False' },
)
told(
  'a pod that has ended restarts nothing',
  { containers: { i: { is: 0 }, a: { is: 0 }, w: { is: 1 } } },
  { phase: 'Failed', restarting: 'False PodFailed' },
)

test('what was initialized once is told to be so while the init containers run again', () => {
  const status = { conditions: [{ type: 'Initialized', status: 'True' as const }] }
  const view = viewFixture({ spec, status, containerRecords: removed })
  const { conditions, initContainerStatuses } = podStatus(view, { hostIPs: [] })
  assert.equal(conditions?.find((c) => c.type === 'Initialized')?.status, 'True')
  assert.deepEqual(initContainerStatuses?.[0]?.lastState, { terminated: cleared })
})

function backoff(): NonNullable<ReturnType<PodRecords['containers']['get']>>['backoff'] {
  const { pod } = viewFixture({ spec })
  return { specHash: specHashOf(pod, { container: worker, role: 'app' }), delayMs: 10_000, updatedMs: fixtureNowMs - 60_000 }
}

test('a look that began before a container was cleared away says no more how it ended', () => {
  const record: ContainerRecord = {}
  const end = (exitCode: number) => ({
    rememberedEnd: { exitCode, reason: 'Error' },
    rememberedRestarts: 0,
    rememberedImage: { image: 'app', imageID: 'sha256:0' },
  })
  rememberEnd(record, 'a-0', end(137))
  rememberCleared(record, 'a-0')
  rememberEnd(record, 'a-0', end(137))
  assert.equal(record.rememberedEnd?.reason, restartingAll.reason)
  rememberEnd(record, 'a-1', end(1))
  assert.deepEqual(record.rememberedEnd, { exitCode: 1, reason: 'Error' })
})
