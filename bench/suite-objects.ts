import { setTimeout as wait } from 'node:timers/promises'
import type { SuiteOptions } from './main.ts'
import { load, type LoadResult, samplePod } from './load.ts'
import { type Figure, mainThreadSeconds, median, percentile, report, residentMiB } from './measure.ts'
import { type OwnServer, startOwnServer } from './own-server.ts'
import { prepareRequest, RawConnection } from './raw-connection.ts'

const namespaceCount = 100
const namespaceOf = (i: number) => `keelson-bench-${i % namespaceCount}`
const podsOf = (i: number) => `/api/v1/namespaces/${namespaceOf(i)}/pods`

/** A cluster's worth of pods in one server: what they take, what requests cost beside them, and a restart with them. */
export async function objectsSuite({ isQuick }: SuiteOptions): Promise<void> {
  const count = isQuick ? 15_000 : 150_000
  const pausesMs: number[] = []
  const server = await startOwnServer({ nodes: 1, onGcPause: (ms) => pausesMs.push(ms) })
  try {
    await wait(2000)
    const emptyMiB = residentMiB(server.pid)
    const fill = await createPods(server, count)
    const filledMiB = residentMiB(server.pid)
    const requests = await measureRequests(server, count)
    const sortedMs = pausesMs.splice(0).sort((a, b) => a - b)
    const { ran, waited } = mainThreadSeconds(server.pid)
    const lists = await measureLists(server)
    const churnedMiB = residentMiB(server.pid)
    await server.stop({ keepData: true })
    const { restarted, figures } = await measureRestart(server.dataDir)
    await restarted.stop()
    report(`${count} pods of 3 KB`, [
      { name: 'created', value: fill.perSecond, unit: 'per s', better: 'higher' },
      { name: 'server CPU a create', value: fill.serverCpuMs!, unit: 'ms', better: 'lower' },
      { name: 'resident, nothing there', value: emptyMiB, unit: 'MiB', better: 'lower' },
      { name: 'resident, all created', value: filledMiB, unit: 'MiB', ...(isQuick ? {} : { goal: 1536 }), better: 'lower' },
      {
        name: 'resident, after patches and whole lists',
        value: churnedMiB,
        unit: 'MiB',
        ...(isQuick ? {} : { goal: 1536 }),
        better: 'lower',
      },
      { name: 'memory an object', value: ((filledMiB - emptyMiB) * 1024) / count, unit: 'KiB', better: 'lower' },
      { name: 'pauses for garbage collection, p99', value: percentile(sortedMs, 99), unit: 'ms', goal: 20, better: 'lower' },
      { name: 'the longest of them', value: sortedMs.at(-1) ?? Number.NaN, unit: 'ms', better: 'lower' },
      { name: 'the event loop had a processor when it wanted one', value: (ran / (ran + waited)) * 100, unit: '% of it', better: 'higher' },
      ...requests,
      ...lists,
      ...figures,
    ])
  } finally {
    await server.stop()
  }
}

async function createPods({ target, pid }: OwnServer, count: number): Promise<LoadResult> {
  const send = (path: string, body: string) => prepareRequest(target, { method: 'POST', path, body })
  await load({
    target,
    concurrency: 8,
    count: namespaceCount,
    serverPid: pid,
    request: (i) => send('/api/v1/namespaces', JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespaceOf(i) } })),
  })
  return load({
    target,
    concurrency: 64,
    count,
    serverPid: pid,
    request: (i) =>
      send(
        podsOf(i),
        samplePod(`pod-${i}`, {
          namespace: namespaceOf(i),
          schedulerName: 'none',
          labels: { slice: `s${Math.floor(i / namespaceCount) % 100}` },
        }),
      ),
  })
}

async function measureRequests({ target, pid }: OwnServer, count: number): Promise<Figure[]> {
  const rounds = Math.min(count, 5000)
  const spread = (i: number) => (i * 7919) % count
  const get = await load({
    ...{ target, concurrency: 64, count: rounds * 2, serverPid: pid },
    request: (i) => prepareRequest(target, { method: 'GET', path: `${podsOf(spread(i))}/pod-${spread(i)}` }),
  })
  const patch = await load({
    ...{ target, concurrency: 64, count: rounds, serverPid: pid },
    request: (i) =>
      prepareRequest(target, {
        method: 'PATCH',
        path: `${podsOf(spread(i))}/pod-${spread(i)}`,
        body: JSON.stringify({ metadata: { annotations: { round: String(i) } } }),
        contentType: 'application/merge-patch+json',
      }),
  })
  return [
    { name: 'server CPU a get', value: get.serverCpuMs!, unit: 'ms', goal: 0.116, better: 'lower' },
    { name: 'server CPU a merge patch', value: patch.serverCpuMs!, unit: 'ms', goal: 0.4, better: 'lower' },
    { name: 'failed requests', value: get.failures + patch.failures, unit: '', goal: 0, better: 'lower' },
  ]
}

async function measureLists({ target }: OwnServer): Promise<Figure[]> {
  const connection = await RawConnection.open(target)
  const times = async (path: string) => {
    const took: number[] = []
    for (let i = 0; i < 7; i++) {
      const startedAt = performance.now()
      await connection.send(prepareRequest(target, { method: 'GET', path }))
      took.push(performance.now() - startedAt)
    }
    return median(took)
  }
  const figures: Figure[] = [
    { name: 'list of a hundredth by label', value: await times('/api/v1/pods?labelSelector=slice%3Ds7'), unit: 'ms', better: 'lower' },
    { name: 'first page of 500', value: await times('/api/v1/pods?limit=500'), unit: 'ms', goal: 8, better: 'lower' },
    { name: 'list of one namespace, a hundredth', value: await times(podsOf(3)), unit: 'ms', better: 'lower' },
  ]
  connection.close()
  return figures
}

/** Ready means that the watch cache has them all: the first answer after it is whole. */
async function measureRestart(dataDir: string): Promise<{ restarted: OwnServer; figures: Figure[] }> {
  const restarted = await startOwnServer({ nodes: 1, dataDir })
  const residentAtReady = residentMiB(restarted.pid)
  return {
    restarted,
    figures: [
      { name: 'exec to ready with all of them', value: restarted.readyMs / 1000, unit: 's', goal: 3, better: 'lower' },
      { name: 'resident then', value: residentAtReady, unit: 'MiB', better: 'lower' },
    ],
  }
}
