import assert from 'node:assert/strict'
import type { Pod, ResourceRequirements } from '../../../src/kinds/generated/types/core-v1.ts'
import { cpuQuotaUs, cpuShares, cpuWeight } from '../../../src/node/resources/container-resources.ts'
import { readCgroupTree } from '../../../src/platform/cgroup.ts'
import { quantityMilli, quantityValue } from '../../../src/machinery/quantity.ts'
import { type AgentWorld, isReady, shell } from '../agent-world.ts'
import { execIn, longMs, type Scenario, statusOf, untilTold } from './scenario.ts'

type Resize = {
  readonly title: string
  readonly covers?: readonly string[]
  readonly before: Readonly<Record<string, ResourceRequirements>>
  readonly after: Readonly<Record<string, ResourceRequirements>>
  /** Back again afterwards: what a limit is added to cannot. */
  readonly rollback: boolean
  /** The containers restart for any change. */
  readonly restarts?: boolean
}

const fixed = (cpu: string, memory: string): ResourceRequirements => ({ requests: { cpu, memory }, limits: { cpu, memory } })
const three = {
  before: { c1: fixed('20m', '35Mi'), c2: fixed('22m', '37Mi'), c3: fixed('24m', '39Mi') },
  rollback: true,
}
const guaranteed = 'Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers -'

const resizes: readonly Resize[] = [
  {
    title: `${guaranteed} increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase`,
    ...three,
    after: { c1: fixed('25m', '40Mi'), c2: fixed('27m', '42Mi'), c3: fixed('19m', '34Mi') },
  },
  {
    title: `${guaranteed} increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease`,
    ...three,
    after: { c1: fixed('25m', '40Mi'), c2: fixed('17m', '32Mi'), c3: fixed('19m', '34Mi') },
  },
  {
    title: `${guaranteed} increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2)`,
    ...three,
    after: { c1: fixed('25m', '35Mi'), c2: fixed('17m', '42Mi'), c3: fixed('29m', '44Mi') },
  },
  {
    title:
      'Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed (including adding limits and requests)',
    before: {
      c1: { requests: { cpu: '20m' } },
      c2: { requests: { memory: '35Mi' } },
      c3: { requests: { cpu: '20m', memory: '35Mi' } },
      c4: { requests: { cpu: '20m' } },
      c5: { requests: { memory: '35Mi' } },
    },
    after: {
      c1: { requests: { cpu: '25m' }, limits: { cpu: '35m' } },
      c2: { requests: { memory: '30Mi' }, limits: { memory: '50Mi' } },
      c3: { requests: { cpu: '20m', memory: '30Mi' } },
      c4: { requests: { cpu: '15m', memory: '35Mi' } },
      c5: { requests: { cpu: '20m', memory: '40Mi' } },
    },
    rollback: false,
  },
  {
    title: 'Pod InPlace Resize Container burstable pods - extended resize with equivalents',
    before: { c1: { requests: { cpu: '2m' }, limits: { cpu: '10m' } } },
    after: { c1: { requests: { cpu: '1m' }, limits: { cpu: '5m' } } },
    rollback: true,
  },
  {
    title: 'Pod InPlace Resize restarts a container whose policy asks for it',
    covers: [],
    before: { c1: fixed('20m', '35Mi') },
    after: { c1: fixed('15m', '30Mi') },
    rollback: true,
    restarts: true,
  },
]

const isV2 = readCgroupTree().mode === 'unified'

export const resizeScenarios: readonly Scenario[] = [
  ...resizes.map(
    ({ title, covers, before, after, rollback, restarts }): Scenario => ({
      title,
      ...(covers ? { covers } : {}),
      run: async (world, name) => {
        const policy = (['cpu', 'memory'] as const).map((resourceName) => ({ resourceName, restartPolicy: 'RestartContainer' }))
        const containers = Object.entries(before).map(([container, resources]) => ({
          ...{ ...shell('trap exit TERM; sleep 1000 & wait'), name: container, resources },
          ...(restarts ? { resizePolicy: policy } : {}),
        }))
        await world.create(name, { restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 0, containers })
        await check(world, await world.until(name, isReady, longMs), before, 0)
        await resize(world, name, after)
        await check(world, await settled(world, name), after, restarts ? 1 : 0)
        if (!rollback) return
        await resize(world, name, before)
        await check(world, await settled(world, name), before, restarts ? 2 : 0)
        const told = await untilTold(world, name, (all) => all.filter((line) => line.startsWith('ResizeCompleted')).length === 2)
        assert.equal(told.filter((line) => line.startsWith('ResizeStarted')).length, 2)
      },
    }),
  ),
  {
    title: 'Pod InPlace Resize Container resize pod via the replace endpoint',
    run: async (world, name) => {
      await world.create(name, { containers: [{ ...shell('sleep 1000'), resources: { requests: { cpu: '20m', memory: '35Mi' } } }] })
      const pod = (await world.until(name, isReady, longMs))!
      const wanted = { requests: { cpu: '25m', memory: '40Mi' } }
      const main = { ...pod.spec!.containers![0]!, resources: wanted }
      const replaced = await world
        .pods()
        .subresource<Pod, Pod>(name, 'resize', { ...pod, spec: { ...pod.spec, containers: [main] } }, { method: 'PUT' })
      assert.equal(replaced.metadata.generation, 2)
      const resized = await settled(world, name)
      await check(world, resized, { main: wanted }, 0)
      const read = await world.pods().subresource<undefined, Pod>(name, 'resize', undefined, { method: 'GET' })
      assert.deepEqual(read.spec, resized.spec)
    },
  },
  {
    title: 'Pod InPlace Resize of what does not fit waits, and comes when there is room',
    covers: [],
    run: async (world, name) => {
      const cpu = (milli: number) => ({ requests: { cpu: `${milli}m` } })
      await world.create(`${name}-other`, { containers: [{ ...shell('sleep 1000'), resources: cpu(300) }] })
      await world.create(name, { containers: [{ ...shell('sleep 1000'), resources: cpu(100) }] })
      await world.until(`${name}-other`, isReady, longMs)
      await world.until(name, isReady, longMs)
      await resize(world, name, { main: cpu(1_000_000) })
      const infeasible = await world.until(name, (pod) => pending(pod)?.reason === 'Infeasible', longMs)
      assert.deepEqual(statusOf(infeasible, 'main')?.allocatedResources, { cpu: '100m' })
      assert.deepEqual(statusOf(infeasible, 'main')?.resources, cpu(100))
      assert.equal(infeasible?.status?.observedGeneration, 2)
      await resize(world, name, { main: cpu(200) })
      await check(world, await settled(world, name), { main: cpu(200) }, 0)
      await untilTold(world, name, (all) => all.some((line) => line.startsWith('ResizeInfeasible: Pod resize Infeasible: {"containers"')))
    },
  },
]

const pending = (pod: Pod | undefined) => pod?.status?.conditions?.find((c) => c.type === 'PodResizePending')

function resize(world: AgentWorld, name: string, wanted: Resize['after']): Promise<Pod> {
  const containers = Object.entries(wanted).map(([container, resources]) => ({ name: container, resources }))
  return world.pods().patch(name, { type: 'strategic', body: { spec: { containers } } }, { subresource: 'resize' })
}

/** As the suite waits: the newest generation has been looked at, and nothing more is to be done for it. */
async function settled(world: AgentWorld, name: string): Promise<Pod> {
  const isSettled = (pod: Pod | undefined) =>
    isReady(pod) &&
    pod!.status!.observedGeneration === pod!.metadata.generation &&
    !pod!.status!.conditions!.some((c) => c.type.startsWith('PodResize'))
  return (await world.until(name, isSettled, longMs))!
}

async function check(world: AgentWorld, pod: Pod | undefined, wanted: Resize['after'], restartCount: number): Promise<void> {
  for (const [name, resources] of Object.entries(wanted)) {
    const status = statusOf(pod, name)!
    assert.deepEqual(status.allocatedResources, resources.requests)
    assert.deepEqual(status.resources, resources)
    assert.equal(status.restartCount, restartCount)
    assert.deepEqual(await cgroupOf(world, pod, name), expected(resources), `cgroup of ${name}`)
  }
}

const files = isV2 ? ['cpu.weight', 'cpu.max', 'memory.max'] : ['cpu/cpu.shares', 'cpu/cpu.cfs_quota_us', 'memory/memory.limit_in_bytes']

async function cgroupOf(world: AgentWorld, pod: Pod | undefined, container: string): Promise<string[]> {
  const values = (await execIn(world, pod, container, 'cat', ...files.map((file) => `/sys/fs/cgroup/${file}`))).split('\n')
  // No limit is a huge number of pages in v1.
  return values.map((value) => (Number(value) > 2 ** 60 ? 'none' : value.replace(/^max.*|^-1$/, 'none')))
}

function expected({ requests, limits }: ResourceRequirements): string[] {
  const shares = cpuShares(quantityMilli(requests?.cpu ?? limits?.cpu ?? 0))
  const quota = limits?.cpu === undefined ? undefined : cpuQuotaUs(quantityMilli(limits.cpu))
  const memory = limits?.memory === undefined ? 'none' : String(quantityValue(limits.memory))
  if (isV2) return [String(cpuWeight(shares)), quota === undefined ? 'none' : `${quota} 100000`, memory]
  return [String(shares), quota === undefined ? 'none' : String(quota), memory]
}
