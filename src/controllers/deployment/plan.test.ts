import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Deployment, DeploymentSpec, ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'
import { boundsOf, sum } from './bounds.ts'
import { type Action, planDeployment } from './plan.ts'
import { templateHashLabel } from '../../control/template-hash.ts'

const startMs = Date.UTC(2026, 0, 1)

function deployment(spec: Partial<DeploymentSpec> & { image?: string }): Deployment {
  const { image = 'v1', ...rest } = spec
  const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image }] } }
  return {
    metadata: { name: 'web', namespace: 'd', uid: 'dep', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { replicas: 4, selector: { matchLabels: { app: 'a' } }, progressDeadlineSeconds: 600, template, ...rest },
  }
}

/** A Deployment, its ReplicaSets, and what the controller has said; pods become available when the test says so. */
class World {
  nowMs = startMs
  deployment: Deployment
  sets: ReplicaSet[] = []
  readonly events: string[] = []
  /** Old pods that have not ended although their ReplicaSet counts them no more. */
  lingering = 0
  requeueAfterMs: number | undefined

  constructor(first: Deployment) {
    this.deployment = first
  }

  change(spec: Partial<DeploymentSpec> & { image?: string }): void {
    const { image, ...rest } = spec
    const old = this.deployment.spec!
    const template = image ? { ...old.template, spec: { containers: [{ name: 'c', image }] } } : old.template
    const generation = (this.deployment.metadata.generation ?? 0) + 1
    this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, generation }, spec: { ...old, ...rest, template } }
  }

  step(): readonly Action[] {
    this.nowMs += 1_000
    const plan = planDeployment(
      { deployment: this.deployment, replicaSets: this.sets, hasRunningPods: () => this.lingering > 0 },
      this.nowMs,
    )
    this.requeueAfterMs = plan.requeueAfterMs
    for (const action of plan.actions) this.#perform(action)
    return plan.actions
  }

  #perform(action: Action): void {
    const replace = (set: ReplicaSet) => this.sets.map((other) => (other.metadata.name === set.metadata.name ? set : other))
    switch (action.type) {
      case 'create-replica-set': {
        const creationTimestamp = new Date(this.nowMs).toISOString()
        this.sets.push({ ...action.set, metadata: { ...action.set.metadata, creationTimestamp, generation: 1 }, status: { replicas: 0 } })
        break
      }
      case 'update-replica-set':
        this.sets = replace(action.set)
        break
      case 'delete-replica-set':
        this.sets = this.sets.filter((set) => set.metadata.name !== action.set.metadata.name)
        break
      case 'update-status': {
        const { annotations } = this.deployment.metadata
        if (action.revision) this.deployment.metadata.annotations = { ...annotations, 'deployment.kubernetes.io/revision': action.revision }
        this.deployment = { ...this.deployment, status: action.status }
        break
      }
      case 'event':
        this.events.push(`${action.event.reason}: ${action.event.message}`)
    }
  }

  /** What the ReplicaSets' controller and the nodes do: pods come and go; of the missing ones `count` become available. */
  pods(count = Number.POSITIVE_INFINITY): void {
    let left = count
    this.sets = this.sets.map((set) => {
      const replicas = set.spec?.replicas ?? 0
      const before = Math.min(set.status?.availableReplicas ?? 0, replicas)
      const more = isBroken(set) ? 0 : Math.min(left, replicas - before)
      left -= more
      const available = before + more
      return { ...set, status: { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 99 } }
    })
  }

  settle(limit = 60): void {
    for (let i = 0; i < limit; i++) {
      const actions = this.step()
      this.pods()
      if (actions.length === 0) return
    }
    assert.fail('the plan does not come to rest')
  }

  get sizes(): Record<string, number> {
    return Object.fromEntries(this.sets.map((set) => [set.spec?.template?.spec?.containers[0]?.image ?? '', set.spec?.replicas ?? 0]))
  }

  condition(type: string): string {
    const condition = this.deployment.status?.conditions?.find((c) => c.type === type)
    return condition ? `${condition.status} ${condition.reason}` : 'none'
  }
}

const isBroken = (set: ReplicaSet) => set.spec?.template?.spec?.containers[0]?.image === 'broken'

function rolledOut(spec: Parameters<typeof deployment>[0] = {}): World {
  const world = new World(deployment(spec))
  world.settle()
  return world
}

test('the first rollout makes one ReplicaSet, says so, and ends complete', () => {
  const world = new World(deployment({}))
  world.step()
  assert.equal(world.condition('Progressing'), 'True NewReplicaSetCreated')
  assert.equal(world.condition('Available'), 'False MinimumReplicasUnavailable')
  world.pods()
  world.settle()
  const [set] = world.sets
  const hash = set?.metadata.labels?.[templateHashLabel]
  assert.equal(set?.metadata.name, `web-${hash}`)
  assert.deepEqual(set?.spec?.selector.matchLabels, { app: 'a', [templateHashLabel]: hash })
  assert.deepEqual(world.events, [`ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 4`])
  assert.equal(world.deployment.metadata.annotations?.['deployment.kubernetes.io/revision'], '1')
  assert.deepEqual(
    [world.condition('Progressing'), world.condition('Available')],
    ['True NewReplicaSetAvailable', 'True MinimumReplicasAvailable'],
  )
})

const strategies: [number, string | number, string | number][] = [
  [4, '25%', '25%'],
  [10, 3, 0],
  [10, 0, 2],
  [1, '25%', '25%'],
  [7, 0, 0],
  [3, '100%', '100%'],
]

for (const [replicas, maxSurge, maxUnavailable] of strategies)
  test(`rolling ${replicas} with surge ${maxSurge} and ${maxUnavailable} unavailable stays within its bounds`, () => {
    for (let seed = 0; seed < 10; seed++) {
      const random = seededRandom(seed)
      const world = rolledOut({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } })
      const bounds = boundsOf(world.deployment)
      world.change({ image: 'v2' })
      for (let i = 0; i < 40; i++) {
        world.step()
        const total = sum(world.sets, (set) => set.spec?.replicas ?? 0)
        const kept = sum(world.sets, (set) => Math.min(set.spec?.replicas ?? 0, set.status?.availableReplicas ?? 0))
        assert.ok(total <= replicas + bounds.maxSurge, `seed ${seed}: ${total} pods`)
        assert.ok(kept >= replicas - bounds.maxUnavailable, `seed ${seed}: ${kept} available`)
        world.pods(random.below(3))
      }
      world.settle()
      assert.deepEqual(world.sizes, { v1: 0, v2: replicas })
    }
  })

test('percentages: surge rounds up, unavailable rounds down', () => {
  const bounds = boundsOf(deployment({ replicas: 5, strategy: { rollingUpdate: { maxSurge: '30%', maxUnavailable: '30%' } } }))
  assert.deepEqual(bounds, { replicas: 5, maxSurge: 2, maxUnavailable: 1 })
})

test('Recreate waits until the last old pod has ended', () => {
  const world = rolledOut({ strategy: { type: 'Recreate' } })
  world.change({ image: 'v2' })
  world.lingering = 1
  world.step()
  world.pods()
  world.step()
  assert.deepEqual(world.sizes, { v1: 0 })
  world.lingering = 0
  world.settle()
  assert.deepEqual(world.sizes, { v1: 0, v2: 4 })
})

test('an old template gets its ReplicaSet back under a new revision', () => {
  const world = rolledOut()
  world.change({ image: 'v2' })
  world.settle()
  world.change({ image: 'v1' })
  world.settle()
  assert.deepEqual(world.sizes, { v1: 4, v2: 0 })
  const first = world.sets[0]?.metadata.annotations
  assert.equal(first?.['deployment.kubernetes.io/revision'], '3')
  assert.equal(first?.['deployment.kubernetes.io/revision-history'], '1')
  assert.equal(world.deployment.metadata.annotations?.['deployment.kubernetes.io/revision'], '3')
})

test('a rollout that does not move is reported after its deadline, and again as progressing when it does', () => {
  const world = rolledOut()
  world.change({ image: 'broken', progressDeadlineSeconds: 60 })
  for (let i = 0; i < 10; i++) {
    world.step()
    world.pods()
  }
  assert.equal(world.condition('Progressing'), 'True ReplicaSetUpdated')
  assert.ok((world.requeueAfterMs ?? 0) > 0 && (world.requeueAfterMs ?? 0) <= 61_000)
  world.nowMs += world.requeueAfterMs ?? 0
  world.step()
  assert.equal(world.condition('Progressing'), 'False ProgressDeadlineExceeded')
  assert.equal(world.requeueAfterMs, undefined)
  assert.equal(world.condition('Available'), 'True MinimumReplicasAvailable')
  world.change({ image: 'v3' })
  world.settle()
  assert.equal(world.condition('Progressing'), 'True NewReplicaSetAvailable')
})

test('scaling in the middle of a rollout spreads the change in proportion', () => {
  const world = rolledOut({ replicas: 10, strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } })
  world.change({ image: 'broken' })
  for (let i = 0; i < 4; i++) {
    world.step()
    world.pods()
  }
  assert.deepEqual(world.sizes, { v1: 8, broken: 5 })
  world.change({ replicas: 15 })
  world.step()
  assert.deepEqual(world.sizes, { v1: 11, broken: 7 })
  world.change({ replicas: 0 })
  world.step()
  assert.deepEqual(world.sizes, { v1: 0, broken: 0 })
})

test('a paused Deployment scales but does not roll', () => {
  const world = rolledOut()
  world.change({ paused: true, image: 'v2', replicas: 6 })
  world.settle()
  assert.deepEqual(world.sizes, { v1: 6 })
  assert.equal(world.condition('Progressing'), 'Unknown DeploymentPaused')
  world.change({ paused: false })
  world.settle()
  assert.deepEqual(world.sizes, { v1: 0, v2: 6 })
})

test('keeps only as much history as it is asked to', () => {
  const world = rolledOut({ revisionHistoryLimit: 1 })
  for (const image of ['v2', 'v3', 'v4']) {
    world.change({ image })
    world.settle()
  }
  assert.deepEqual(world.sizes, { v3: 0, v4: 4 })
})

test('a plan at rest asks for nothing, and one being deleted touches only its status', () => {
  const world = rolledOut()
  assert.deepEqual(world.step(), [])
  world.deployment.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
  world.change({ image: 'v2' })
  assert.deepEqual(
    world.step().map((action) => action.type),
    ['update-status'],
  )
})

test('a Deployment that selects everything is refused', () => {
  const world = new World(deployment({ selector: {} }))
  world.step()
  assert.match(world.events[0] ?? '', /^SelectingAll/)
  assert.equal(world.sets.length, 0)
})
