import type { SuiteOptions } from './main.ts'
import { load, once, samplePod } from './load.ts'
import { type Figure, median, report } from './measure.ts'
import { type OwnServer, startOwnServer, targetOf } from './own-server.ts'
import { prepareRequest, type Target } from './raw-connection.ts'

const namespace = 'keelson-bench'

/** Durable pod creates, gets, patches and a whole list at 64 connections, through HTTPS with the whole chain on. */
export async function apiSuite(options: SuiteOptions): Promise<void> {
  const own = options.kubeconfig ? undefined : await startOwnServer({ nodes: 1 })
  const target = own?.target ?? targetOf(options.kubeconfig!)
  try {
    report('API at 64 connections (pods of 1.5 KB, no scheduling)', await measure(target, own, options.isQuick ? 2000 : 5000))
  } finally {
    await own?.stop()
  }
}

async function measure(target: Target, own: OwnServer | undefined, count: number): Promise<Figure[]> {
  const run = (name: string, n: number, request: (i: number) => Buffer) => {
    void name
    return load({ target, concurrency: 64, count: n, serverPid: own?.pid, request })
  }
  await once(target, {
    method: 'POST',
    path: '/api/v1/namespaces',
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
  })
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const createPod = (name: string) =>
    prepareRequest(target, { method: 'POST', path: pods, body: samplePod(name, { namespace, schedulerName: 'none' }) })
  await run('warm-up', 500, (i) => createPod(`warm-${i}`))
  const create = await run('create', count, (i) => createPod(`pod-${i}`))
  const get = await run('get', count * 2, (i) => prepareRequest(target, { method: 'GET', path: `${pods}/pod-${i % count}` }))
  const patchBody = (i: number) => JSON.stringify({ metadata: { annotations: { round: String(i) } } })
  const patch = await run('patch', count, (i) =>
    prepareRequest(target, {
      method: 'PATCH',
      path: `${pods}/pod-${i % count}`,
      body: patchBody(i),
      contentType: 'application/merge-patch+json',
    }),
  )
  const lists: number[] = []
  const selectorLists: number[] = []
  let bytes = 0
  for (let i = 0; i < 7; i++) {
    let startedAt = performance.now()
    bytes = (await once(target, { method: 'GET', path: `${pods}?resourceVersion=0` })).body.length
    lists.push(performance.now() - startedAt)
    startedAt = performance.now()
    await once(target, { method: 'GET', path: `${pods}?labelSelector=group%3Dg7` })
    selectorLists.push(performance.now() - startedAt)
  }
  const startedAt = performance.now()
  await once(target, { method: 'DELETE', path: `${pods}?gracePeriodSeconds=0` })
  const deleteMs = performance.now() - startedAt
  await once(target, { method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })
  const cpu = (value: number | undefined, name: string, goal: number): Figure[] =>
    value === undefined ? [] : [{ name, value, unit: 'ms', goal, better: 'lower' }]
  return [
    { name: 'create pods', value: create.perSecond, unit: 'per s', goal: 3000, better: 'higher' },
    { name: 'create p99', value: create.p99Ms, unit: 'ms', goal: 80, better: 'lower' },
    ...cpu(create.serverCpuMs, 'server CPU a create', 0.4),
    { name: 'get', value: get.perSecond, unit: 'per s', better: 'higher' },
    { name: 'get p99', value: get.p99Ms, unit: 'ms', better: 'lower' },
    ...cpu(get.serverCpuMs, 'server CPU a get', 0.1),
    { name: 'merge patch', value: patch.perSecond, unit: 'per s', better: 'higher' },
    ...cpu(patch.serverCpuMs, 'server CPU a patch', 0.4),
    {
      name: `list of ${count + 500} pods (${(bytes / 1e6).toFixed(1)} MB), connection included`,
      value: median(lists),
      unit: 'ms',
      goal: 60,
      better: 'lower',
    },
    { name: 'list by label selector', value: median(selectorLists), unit: 'ms', better: 'lower' },
    { name: `deletecollection of ${count + 500} pods`, value: deleteMs, unit: 'ms', better: 'lower' },
    { name: 'failed requests', value: create.failures + get.failures + patch.failures, unit: '', goal: 0, better: 'lower' },
  ]
}
