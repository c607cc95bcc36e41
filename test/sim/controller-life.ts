/** One scenario of some controllers on a real API under the virtual clock, undisturbed or not, and what is left of it at rest. */
import assert from 'node:assert/strict'
import type { Client, ResourceClient } from '../../src/client/contract.ts'
import type { ControllerDefinition } from '../../src/control/contract.ts'
import { simCluster, type SimCluster, type SimOptions } from '../../src/controllers/sim-cluster.ts'
import { allKinds } from '../../src/kinds/all.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { endState } from './end-state.ts'
import { createFaults, type FaultRates, gatedClient } from './faults.ts'

export type Scenario = {
  /** Names of the controllers whose writes count and whose death is tried. */
  readonly of: readonly string[]
  readonly nodes?: SimOptions['nodes']
  /** What happens. Waits by `until` only for what does not depend on how often a step was tried. */
  run(world: ControllerWorld): Promise<void>
  /** Where chance or the number of attempts shows in what is left. */
  neutral?(line: string): string
}

export type ControllerWorld = Pick<SimCluster, 'clientset' | 'client' | 'clock'> & {
  until(what: string, condition: () => Promise<boolean> | boolean, limitMs?: number): Promise<void>
  advance(ms: number): Promise<void>
}

export type Disturbance = {
  /** The controllers die right after this write of theirs, and others take their place. */
  readonly crashAfterWrite?: number
  readonly faults?: FaultRates
  readonly watchLagMs?: number
}

export type Life = {
  readonly end: readonly string[]
  readonly writes: number
  /** What the controllers wrote, in order. */
  readonly trace: readonly string[]
  readonly writesAfterRestart: number
  readonly crashes: number
}

const stepMs = 100
/** Nothing was written for so long: at rest. Longer than every delay of a controller that is no deadline of its own. */
const quietMs = 40_000
const restMsMax = 1_800_000

export async function live(
  scenario: Scenario,
  definitions: () => readonly ControllerDefinition[],
  { crashAfterWrite = Number.POSITIVE_INFINITY, faults: rates = {}, watchLagMs }: Disturbance = {},
): Promise<Life> {
  let writes = 0
  const trace: string[] = []
  let crashes = 0
  type ProcessLife = { isDead: boolean }
  let life: ProcessLife = { isDead: false }
  let faults: ReturnType<typeof createFaults> | undefined
  const cluster = await simCluster({
    definitions,
    ...(scenario.nodes === undefined ? {} : { nodes: scenario.nodes }),
    ...(watchLagMs === undefined ? {} : { watchLagMs }),
    wrap: (client, clock) => {
      faults ??= createFaults({ seed: 5, clock, rates })
      const own: ProcessLife = { isDead: false }
      life = own
      const current = faults.wrap(client)
      const onWrite = (what: string) => {
        trace.push(what)
        if (++writes === crashAfterWrite) own.isDead = true
      }
      const gated = gatedClient({ current: () => current, isDead: () => own.isDead, onWrite })
      return {
        ...gated,
        resource: (kind, namespace) => withoutTelling(kind.kind, gated.resource(kind, namespace), current.resource(kind, namespace)),
      }
    },
    wrapWatches: (client, clock) => {
      faults ??= createFaults({ seed: 5, clock, rates })
      return faults.wrap(client)
    },
  })
  const { clock, client } = cluster
  let lastWrites = 0
  let lastWriteMs = clock.now()
  const restartIfDead = async () => {
    if (!life.isDead) return
    crashes++
    await cluster.restart()
  }
  const advance = async (ms: number) => {
    // Who waits for an hour need not look ten times a second.
    const ownStepMs = Math.max(stepMs, ms / 200)
    for (const endMs = clock.now() + ms; clock.now() < endMs; ) {
      await clock.advance(Math.min(ownStepMs, endMs - clock.now()))
      if (writes !== lastWrites) lastWriteMs = clock.now()
      lastWrites = writes
      await restartIfDead()
    }
  }
  const until: ControllerWorld['until'] = async (what, condition, limitMs = 600_000) => {
    for (const endMs = clock.now() + limitMs; !(await condition()); await advance(stepMs))
      assert.ok(clock.now() < endMs, `${what}: not within ${limitMs / 1000} s`)
  }
  const rest = async () => {
    lastWriteMs = clock.now()
    const endMs = clock.now() + restMsMax
    while (clock.now() - lastWriteMs < quietMs) {
      assert.ok(clock.now() < endMs, 'the controllers never come to rest')
      await advance(5 * stepMs)
    }
  }
  try {
    await scenario.run({ clientset: cluster.clientset, client, clock, until, advance })
    faults?.stop()
    await rest()
    const atRest = writes
    await cluster.restart()
    await rest()
    for (const name of scenario.of)
      if (Object.keys(rates).length === 0 && !crashes) assert.equal(cluster.metrics.panicsOf(name), 0, `${name} threw`)
    return { end: await endOf(client, scenario), writes: atRest, trace, writesAfterRestart: writes - atRest, crashes }
  } finally {
    await cluster.stop()
  }
}

/** Events are told on the side: making them does not count as writing, for it is nothing that the end depends on. */
function withoutTelling<T extends KubeObject>(kind: string, gated: ResourceClient<T>, plain: ResourceClient<T>): ResourceClient<T> {
  if (kind !== 'Event') return gated
  return { ...gated, create: (object, more) => plain.create(object, more), patch: (name, patch, more) => plain.patch(name, patch, more) }
}

/** Every object, as text without what chance or the clock decided. */
async function endOf(client: Client, { neutral = (line) => line }: Scenario): Promise<readonly string[]> {
  const found = new Map<string, KubeObject>()
  for (const kind of allKinds) {
    if (!kind.persisted || !kind.verbs.includes('list') || kind.storedAs) continue
    const { items } = await client.resource(kind).list()
    const { group, plural } = kind
    for (const item of items)
      found.set(`/registry/${group || 'core'}/${plural}/${item.metadata.namespace ?? ''}/${item.metadata.name}`, item)
  }
  return endState({ live: found }).map(neutral).sort()
}
