import type { SuiteOptions } from './main.ts'
import { load, once, samplePod } from './load.ts'
import { type Figure, median, report } from './measure.ts'
import { startOwnServer, targetOf } from './own-server.ts'
import { prepareRequest, RawConnection, type Target } from './raw-connection.ts'

const namespace = 'keelson-bench'
const pods = `/api/v1/namespaces/${namespace}/pods`
const configMapsPath = `/api/v1/namespaces/${namespace}/configmaps`

/** Durable pod creates, gets, patches and a whole list at 64 connections, through HTTPS with the whole chain on. */
export async function apiSuite(options: SuiteOptions): Promise<void> {
  const own = options.kubeconfig ? undefined : await startOwnServer({ nodes: 1 })
  const target = own?.target ?? targetOf(options.kubeconfig!)
  try {
    report(
      'API at 64 connections (pods of 1.5 KB, no scheduling)',
      await measure(target, own ? [own.pid] : options.pids, options.isQuick ? 2000 : 5000),
    )
  } finally {
    await own?.stop()
  }
}

async function measure(target: Target, pids: readonly number[], count: number): Promise<Figure[]> {
  const run = (n: number, request: (i: number) => Buffer) => load({ target, concurrency: 64, count: n, serverPid: pids, request })
  await once(target, {
    method: 'POST',
    path: '/api/v1/namespaces',
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
  })
  const createPod = (name: string) => prepareRequest(target, { method: 'POST', path: pods, body: podOf(name) })
  await run(500, (i) => createPod(`warm-${i}`))
  const create = await run(count, (i) => createPod(`pod-${i}`))
  const get = await run(count * 2, (i) => prepareRequest(target, { method: 'GET', path: `${pods}/pod-${i % count}` }))
  const patchBody = (i: number) => JSON.stringify({ metadata: { annotations: { round: String(i) } } })
  const patch = await run(count, (i) =>
    prepareRequest(target, {
      method: 'PATCH',
      path: `${pods}/pod-${i % count}`,
      body: patchBody(i),
      contentType: 'application/merge-patch+json',
    }),
  )
  const statusPatch = await run(count, (i) =>
    prepareRequest(target, {
      method: 'PATCH',
      path: `${pods}/pod-${i % count}/status`,
      body: statusBody(i),
      contentType: 'application/strategic-merge-patch+json',
    }),
  )
  const configMaps = await run(count, (i) => prepareRequest(target, { method: 'POST', path: configMapsPath, body: configMapOf(i) }))
  const listFigures = await measureLists(target, count)
  const startedAt = performance.now()
  await once(target, { method: 'DELETE', path: `${pods}?gracePeriodSeconds=0` })
  const deleteMs = performance.now() - startedAt
  await once(target, { method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })
  const cpu = (value: number | undefined, name: string, goal: number): Figure[] =>
    value === undefined ? [] : [{ name, value, unit: 'ms', goal, better: 'lower' }]
  return [
    { name: 'create pods', value: create.perSecond, unit: 'per s', goal: 3000, better: 'higher' },
    { name: 'create p99', value: create.p99Ms, unit: 'ms', goal: 80, better: 'lower' },
    ...cpu(create.serverCpuMs, 'server CPU a create', 0.36),
    { name: 'get', value: get.perSecond, unit: 'per s', better: 'higher' },
    { name: 'get p99', value: get.p99Ms, unit: 'ms', better: 'lower' },
    ...cpu(get.serverCpuMs, 'server CPU a get', 0.116),
    { name: 'merge patch', value: patch.perSecond, unit: 'per s', better: 'higher' },
    ...cpu(patch.serverCpuMs, 'server CPU a patch', 0.4),
    { name: 'status patch', value: statusPatch.perSecond, unit: 'per s', better: 'higher' },
    ...cpu(statusPatch.serverCpuMs, 'server CPU a status patch', 0.4),
    { name: 'ConfigMap creates', value: configMaps.perSecond, unit: 'per s', better: 'higher' },
    ...cpu(configMaps.serverCpuMs, 'server CPU a ConfigMap create', 0.3),
    ...listFigures,
    { name: `deletecollection of ${count + 500} pods`, value: deleteMs, unit: 'ms', goal: 2000, better: 'lower' },
    {
      name: 'failed requests',
      value: [create, get, patch, statusPatch, configMaps].reduce((sum, { failures }) => sum + failures, 0),
      unit: '',
      goal: 0,
      better: 'lower',
    },
  ]
}

/** Each on a connection of its own, the median of several. */
async function measureLists(target: Target, count: number): Promise<Figure[]> {
  const all: number[] = []
  const hundredth: number[] = []
  const pages: number[] = []
  let bytes = 0
  for (let i = 0; i < 7; i++) {
    let startedAt = performance.now()
    bytes = (await once(target, { method: 'GET', path: `${pods}?resourceVersion=0` })).body.length
    all.push(performance.now() - startedAt)
    const connection = await RawConnection.open(target)
    const get = (path: string) => connection.send(prepareRequest(target, { method: 'GET', path }))
    startedAt = performance.now()
    await get(`${pods}?labelSelector=slice%3Ds7`)
    hundredth.push(performance.now() - startedAt)
    for (let next: string | undefined = ''; next !== undefined; ) {
      startedAt = performance.now()
      const { body } = await get(`${pods}?limit=500${next && `&continue=${next}`}`)
      pages.push(performance.now() - startedAt)
      next = /"continue":"([^"]+)"/.exec(body.toString('latin1', 0, 1000))?.[1]
    }
    connection.close()
  }
  const of = `of ${count + 500} pods`
  return [
    { name: `list ${of} (${(bytes / 1e6).toFixed(1)} MB), connection included`, value: median(all), unit: 'ms', goal: 60, better: 'lower' },
    { name: `list of a hundredth ${of} by label`, value: median(hundredth), unit: 'ms', goal: 3, better: 'lower' },
    { name: `a page of 500 ${of}`, value: median(pages), unit: 'ms', goal: 8, better: 'lower' },
  ]
}

function podOf(name: string): string {
  const slice = `s${Number(name.slice(name.lastIndexOf('-') + 1)) % 100}`
  return samplePod(name, { namespace, schedulerName: 'none', labels: { slice } })
}

/** What an agent says of a pod that runs. */
function statusBody(i: number): string {
  const time = '2026-01-01T00:00:00Z'
  const condition = (type: string) => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: time })
  const state = { running: { startedAt: time } }
  const container = { name: 'main', state, ready: true, restartCount: i % 7, image: 'registry.example/bench:1', imageID: '', started: true }
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(condition)
  return JSON.stringify({
    status: { phase: 'Running', startTime: time, podIP: `10.0.0.${i % 250}`, conditions, containerStatuses: [container] },
  })
}

function configMapOf(i: number): string {
  const data = { 'app.properties': `index=${i}\nmode=bench\n`, note: 'made by the load generator' }
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `config-${i}`, namespace }, data })
}
