import { setTimeout as wait } from 'node:timers/promises'
import type { SuiteOptions } from './main.ts'
import { cpuOf, deleteNamespace, load, newNamespace, once, samplePod } from './load.ts'
import { type Figure, percentile, report } from './measure.ts'
import { startOwnServer } from './own-server.ts'
import { prepareRequest, type Target, targetOf } from './target.ts'
import { openWatch, type WatchConnection } from './watch-connection.ts'

export type Watched = { readonly target: Target; readonly pids: readonly number[]; readonly namespace: string }

/** One change told to many: watchers of a namespace's pods while pods are created there. */
export async function watchSuite(options: SuiteOptions): Promise<void> {
  const own = options.kubeconfig ? undefined : await startOwnServer({ nodes: 1 })
  const target = own?.target ?? targetOf(options.kubeconfig!)
  const creates = options.isQuick ? 200 : 500
  try {
    const namespace = await newNamespace(target, 'watch')
    const server: Watched = { target, pids: own ? [own.pid] : options.pids, namespace }
    await createPods(server, { name: 'warm', count: 500, perSecond: undefined })
    report(`100 watchers × ${creates} pods (of 3 KB as sent)`, [
      ...(await watchedBurst(server, creates)),
      ...(await withWatchers(server, 100, (watchers) => paced(server, watchers, options.isQuick ? 100 : 250))),
    ])
    report('1,000 watchers', await withWatchers(server, 1000, (watchers) => crowd(server, watchers, options.isQuick ? 50 : 100)))
    await deleteNamespace(target, namespace)
  } finally {
    await own?.stop()
  }
}

const podsOf = ({ namespace }: Watched) => `/api/v1/namespaces/${namespace}/pods`

/** Of 100 watchers of a namespace, each is told of so many pods that are created there at once. */
export const watchedBurst = (server: Watched, creates: number): Promise<Figure[]> =>
  withWatchers(server, 100, (watchers) => burst(server, watchers, creates))

async function burst(server: Watched, watchers: readonly WatchConnection[], count: number): Promise<Figure[]> {
  const cpu = cpuFigure(server)
  const ownCpu = process.cpuUsage()
  const startedMs = performance.now()
  const sentMs = await createPods(server, { name: 'burst', count, perSecond: undefined })
  const told = watchers.reduce((sum, { arrivals }) => sum + arrivals.length, 0)
  await Promise.all(watchers.map((watcher) => watcher.until(count)))
  const seconds = (performance.now() - startedMs) / 1000
  const events = count * watchers.length
  const { user, system } = process.cpuUsage(ownCpu)
  return [
    { name: 'every watcher has every event', value: seconds, unit: 's', better: 'lower' },
    { name: 'events', value: events / seconds, unit: 'per s', goal: 60_000, better: 'higher' },
    {
      name: 'create sent → event at a watcher, p50',
      value: percentile(delays(watchers, sentMs), 50),
      unit: 'ms',
      goal: 25,
      better: 'lower',
    },
    ...cpu((ms) => ({
      name: 'server CPU an event, its share of the creates in it',
      value: (ms * 1000) / events,
      unit: 'µs',
      better: 'lower',
    })),
    { name: 'CPU of this program an event', value: (user + system) / events, unit: 'µs', better: 'lower' },
    { name: 'events that had come with the last answer', value: (told / events) * 100, unit: '%', better: 'higher' },
  ]
}

async function paced(server: Watched, watchers: readonly WatchConnection[], count: number): Promise<Figure[]> {
  const sentMs = await createPods(server, { name: 'paced', count, perSecond: 50 })
  await Promise.all(watchers.map((watcher) => watcher.until(count)))
  const sorted = delays(watchers, sentMs)
  return [
    { name: 'the same, 50 creates a second, p50', value: percentile(sorted, 50), unit: 'ms', better: 'lower' },
    { name: 'the same, p99', value: percentile(sorted, 99), unit: 'ms', better: 'lower' },
  ]
}

/** How others fare while each create becomes a thousand events. */
async function crowd(server: Watched, watchers: readonly WatchConnection[], count: number): Promise<Figure[]> {
  const { target, pids } = server
  const cpu = cpuFigure(server)
  const startedMs = performance.now()
  const get = prepareRequest(target, { method: 'GET', path: `${podsOf(server)}/warm-0` })
  const [sentMs, others] = await Promise.all([
    createPods(server, { name: 'crowd', count, perSecond: 25 }),
    load({ target, concurrency: 4, count: count * 10, serverPid: pids, request: () => get }),
  ])
  await Promise.all(watchers.map((watcher) => watcher.until(count)))
  const events = count * watchers.length
  const sorted = delays(watchers, sentMs)
  return [
    { name: '25 creates a second → event, p50', value: percentile(sorted, 50), unit: 'ms', better: 'lower' },
    { name: 'the same, p99', value: percentile(sorted, 99), unit: 'ms', better: 'lower' },
    { name: 'gets of four clients meanwhile, p99', value: others.p99Ms, unit: 'ms', goal: 150, better: 'lower' },
    { name: 'events', value: (events / (performance.now() - startedMs)) * 1000, unit: 'per s', better: 'higher' },
    ...cpu((ms) => ({ name: 'server CPU an event, creates and gets in it', value: (ms * 1000) / events, unit: 'µs', better: 'lower' })),
  ]
}

async function withWatchers<T>(server: Watched, count: number, use: (watchers: readonly WatchConnection[]) => Promise<T>): Promise<T> {
  const { target } = server
  const pods = podsOf(server)
  const list = await once(target, { method: 'GET', path: `${pods}?limit=1` })
  const { metadata } = JSON.parse(list.body.toString()) as { metadata: { resourceVersion: string } }
  const path = `${pods}?watch=1&resourceVersion=${metadata.resourceVersion}`
  const watchers: WatchConnection[] = []
  // Some at a time: a thousand TLS handshakes at once are another measurement.
  while (watchers.length < count) {
    const group = Array.from({ length: 20 }, (_, i) => openWatch(target, path, { readsNames: watchers.length + i === 0 }))
    watchers.push(...(await Promise.all(group)))
  }
  try {
    return await use(watchers)
  } finally {
    for (const watcher of watchers) watcher.close()
    await wait(500)
  }
}

/** When each pod's create was sent, by its name. `perSecond` undefined: as fast as 16 connections go. */
async function createPods(
  server: Watched,
  options: { readonly name: string; readonly count: number; readonly perSecond: number | undefined },
): Promise<ReadonlyMap<string, number>> {
  const { target, pids, namespace } = server
  const { count, perSecond } = options
  const path = podsOf(server)
  const sentMs = new Map<string, number>()
  const requests = Array.from({ length: count }, (_, i) =>
    prepareRequest(target, { method: 'POST', path, body: samplePod(`${options.name}-${i}`, { namespace, schedulerName: 'none' }) }),
  )
  const send = (i: number) => {
    sentMs.set(`${options.name}-${i}`, performance.now())
    return requests[i]!
  }
  if (perSecond === undefined) await load({ target, concurrency: 16, count, serverPid: pids, request: send })
  else {
    const startedMs = performance.now()
    const next = async (i: number) => {
      await wait(Math.max(0, startedMs + (i * 1000) / perSecond - performance.now()))
      return send(i)
    }
    await load({ target, concurrency: 1, count, serverPid: pids, request: next })
  }
  return sentMs
}

/** From sending a create to its event, over all watchers, sorted. All see the events in the order in which the first does. */
function delays(watchers: readonly WatchConnection[], sentMs: ReadonlyMap<string, number>): number[] {
  const order = watchers[0]!.names.map((name) => sentMs.get(name) ?? Number.NaN)
  return watchers.flatMap(({ arrivals }) => arrivals.slice(0, order.length).map((at, i) => at - order[i]!)).sort((a, b) => a - b)
}

/** Nothing where the server's processes are not known. */
function cpuFigure({ pids }: Watched): (figure: (ms: number) => Figure) => Figure[] {
  const before = cpuOf(pids)
  return (figure) => (before === undefined ? [] : [figure((cpuOf(pids)! - before) * 1000)])
}
