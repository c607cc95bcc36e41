import { setTimeout as wait } from 'node:timers/promises'
import type { SuiteOptions } from './main.ts'
import { load, type LoadResult, once, runningStatus, samplePod } from './load.ts'
import { cpuGoalsMs, cpuSeconds, type Figure, mainThreadSeconds, median, percentile, report, residentMiB } from './measure.ts'
import { type OwnServer, startOwnServer } from './own-server.ts'
import { RawConnection } from './raw-connection.ts'
import { watchedBurst } from './suite-watch.ts'
import { prepareRequest } from './target.ts'

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
    const requests = await measureRequests(server, count, fill.failures)
    const sortedMs = pausesMs.splice(0).sort((a, b) => a - b)
    const { ran, waited } = mainThreadSeconds(server.pid)
    const lists = await measureLists(server)
    const watched = await watchedBurst({ target: server.target, pids: [server.pid], namespace: namespaceOf(3) }, isQuick ? 200 : 500)
    const churnedMiB = residentMiB(server.pid)
    const deletion = await measureDeletion(server)
    await server.stop({ keepData: true })
    const { restarted, figures } = await measureRestart(server.dataDir)
    await restarted.stop()
    report(`${count} pods of 3 KB`, [
      { name: 'created', value: fill.perSecond, unit: 'per s', better: 'higher' },
      { name: 'server CPU a create', value: fill.serverCpuMs!, unit: 'ms', goal: cpuGoalsMs.create, better: 'lower' },
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
      ...watched.map((figure) => ({ ...figure, name: `100 watchers: ${figure.name}` })),
      ...deletion,
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

async function measureRequests({ target, pid }: OwnServer, count: number, failedCreates: number): Promise<Figure[]> {
  const rounds = Math.min(count, 5000)
  const spread = (i: number) => (i * 7919) % count
  const get = await load({
    ...{ target, concurrency: 64, count: rounds * 2, serverPid: pid },
    request: (i) => prepareRequest(target, { method: 'GET', path: `${podsOf(spread(i))}/pod-${spread(i)}` }),
  })
  const patches = (subresource: string, contentType: string, bodyOf: (i: number) => string) =>
    load({
      ...{ target, concurrency: 64, count: rounds, serverPid: pid },
      request: (i) => {
        const path = `${podsOf(spread(i))}/pod-${spread(i)}${subresource}`
        return prepareRequest(target, { method: 'PATCH', path, body: bodyOf(i), contentType })
      },
    })
  const annotated = (i: number) => JSON.stringify({ metadata: { annotations: { round: String(i) } } })
  const patch = await patches('', 'application/merge-patch+json', annotated)
  const status = await patches('/status', 'application/strategic-merge-patch+json', runningStatus)
  const cpu = (name: string, { serverCpuMs }: LoadResult, goal: number): Figure => ({
    name: `server CPU a ${name}`,
    value: serverCpuMs!,
    unit: 'ms',
    goal,
    better: 'lower',
  })
  const failures = [get, patch, status].reduce((sum, result) => sum + result.failures, failedCreates)
  return [
    cpu('get', get, cpuGoalsMs.get),
    cpu('merge patch', patch, cpuGoalsMs.patch),
    cpu('status patch', status, cpuGoalsMs.patch),
    { name: 'failed requests', value: failures, unit: '', goal: 0, better: 'lower' },
  ]
}

/** Each with the time that its client sees, and with the CPU of the server: on a busy machine only that says what it costs. */
async function measureLists({ target, pid }: OwnServer): Promise<Figure[]> {
  const connection = await RawConnection.open(target)
  const measured = async (name: string, path: string, { times = 7, goal }: { times?: number; goal?: number } = {}): Promise<Figure[]> => {
    const request = prepareRequest(target, { method: 'GET', path })
    const took: number[] = []
    // The first may have an index to make.
    await connection.send(request)
    const before = cpuSeconds(pid)
    for (let i = 0; i < times; i++) {
      const startedAt = performance.now()
      await connection.send(request)
      took.push(performance.now() - startedAt)
    }
    const cpuMs = ((cpuSeconds(pid) - before) * 1000) / times
    return [
      { name, value: median(took), unit: 'ms', ...(goal === undefined ? {} : { goal }), better: 'lower' },
      { name: 'server CPU of it', value: cpuMs, unit: 'ms', better: 'lower' },
    ]
  }
  const figures = [
    ...(await measured('list of a hundredth by label', '/api/v1/pods?labelSelector=slice%3Ds7', { times: 31 })),
    ...(await measured('first page of 500', '/api/v1/pods?limit=500', { times: 31, goal: 8 })),
    ...(await measured('list of one namespace, a hundredth', podsOf(3), { times: 31 })),
    ...(await measured('whole list', '/api/v1/pods', { times: 1 })),
  ]
  connection.close()
  return figures
}

async function measureDeletion({ target, pid }: OwnServer): Promise<Figure[]> {
  const before = cpuSeconds(pid)
  const startedAt = performance.now()
  await once(target, { method: 'DELETE', path: `${podsOf(5)}?gracePeriodSeconds=0` })
  return [
    { name: 'deletecollection of one namespace, a hundredth', value: performance.now() - startedAt, unit: 'ms', better: 'lower' },
    { name: 'server CPU of it', value: (cpuSeconds(pid) - before) * 1000, unit: 'ms', better: 'lower' },
  ]
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
