import type { SuiteOptions } from './main.ts'
import { deleteNamespace, load, newNamespace, once, runningStatus, samplePod } from './load.ts'
import { cpuGoalsMs, type Figure, median, report } from './measure.ts'
import { startOwnServer } from './own-server.ts'
import { RawConnection } from './raw-connection.ts'
import { prepareRequest, type Target, targetOf } from './target.ts'

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
  const namespace = await newNamespace(target, 'api')
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const createPod = (name: string) => prepareRequest(target, { method: 'POST', path: pods, body: podOf(namespace, name) })
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
      body: runningStatus(i),
      contentType: 'application/strategic-merge-patch+json',
    }),
  )
  const configMaps = await run(count, (i) =>
    prepareRequest(target, { method: 'POST', path: `/api/v1/namespaces/${namespace}/configmaps`, body: configMapOf(i) }),
  )
  const listFigures = await measureLists(target, pods, count)
  const startedAt = performance.now()
  await once(target, { method: 'DELETE', path: `${pods}?gracePeriodSeconds=0` })
  const deleteMs = performance.now() - startedAt
  await deleteNamespace(target, namespace)
  const cpu = (value: number | undefined, name: string, goal: number): Figure[] =>
    value === undefined ? [] : [{ name, value, unit: 'ms', goal, better: 'lower' }]
  return [
    { name: 'create pods', value: create.perSecond, unit: 'per s', goal: 3000, better: 'higher' },
    { name: 'create p99', value: create.p99Ms, unit: 'ms', goal: 80, better: 'lower' },
    ...cpu(create.serverCpuMs, 'server CPU a create', cpuGoalsMs.create),
    { name: 'get', value: get.perSecond, unit: 'per s', better: 'higher' },
    { name: 'get p99', value: get.p99Ms, unit: 'ms', better: 'lower' },
    ...cpu(get.serverCpuMs, 'server CPU a get', cpuGoalsMs.get),
    { name: 'merge patch', value: patch.perSecond, unit: 'per s', better: 'higher' },
    ...cpu(patch.serverCpuMs, 'server CPU a patch', cpuGoalsMs.patch),
    { name: 'status patch', value: statusPatch.perSecond, unit: 'per s', better: 'higher' },
    ...cpu(statusPatch.serverCpuMs, 'server CPU a status patch', cpuGoalsMs.patch),
    { name: 'ConfigMap creates', value: configMaps.perSecond, unit: 'per s', better: 'higher' },
    ...cpu(configMaps.serverCpuMs, 'server CPU a ConfigMap create', cpuGoalsMs.configMap),
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

/**
 * The median of several. One kind after another, for this program takes some milliseconds to clear away a whole list; and where the
 * connection is not measured, the first request of it, for which its certificates are read, is not either.
 */
async function measureLists(target: Target, pods: string, count: number): Promise<Figure[]> {
  const connection = await RawConnection.open(target)
  const get = (query: string) => connection.send(prepareRequest(target, { method: 'GET', path: `${pods}?${query}` }))
  await get('limit=1')
  const hundredth: number[] = []
  for (let i = 0; i < 31; i++) hundredth.push(await timed(() => get('labelSelector=slice%3Ds7')))
  const pages: number[] = []
  for (let i = 0; i < 7; i++) {
    for (let next: string | undefined = ''; next !== undefined; ) {
      let body = ''
      pages.push(
        await timed(async () => {
          body = (await get(`limit=500${next && `&continue=${encodeURIComponent(next)}`}`)).body.toString('latin1', 0, 1000)
        }),
      )
      next = /"continue":"([^"]+)"/.exec(body)?.[1]
    }
  }
  connection.close()
  const all: number[] = []
  let bytes = 0
  for (let i = 0; i < 7; i++) {
    all.push(
      await timed(async () => {
        bytes = (await once(target, { method: 'GET', path: `${pods}?resourceVersion=0` })).body.length
      }),
    )
  }
  const of = `of ${count + 500} pods`
  return [
    { name: `list ${of} (${(bytes / 1e6).toFixed(1)} MB), connection included`, value: median(all), unit: 'ms', goal: 60, better: 'lower' },
    { name: `list of a hundredth ${of} by label`, value: median(hundredth), unit: 'ms', goal: 3, better: 'lower' },
    { name: `a page of 500 ${of}`, value: median(pages), unit: 'ms', goal: 8, better: 'lower' },
  ]
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function podOf(namespace: string, name: string): string {
  const slice = `s${Number(name.slice(name.lastIndexOf('-') + 1)) % 100}`
  return samplePod(name, { namespace, schedulerName: 'none', labels: { slice } })
}

function configMapOf(i: number): string {
  const data = { 'app.properties': `index=${i}\nmode=bench\n`, note: 'made by the load generator' }
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `config-${i}` }, data })
}
