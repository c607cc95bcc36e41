import { setTimeout as wait } from 'node:timers/promises'
import { cpuSeconds, percentile } from './measure.ts'
import { RawConnection } from './raw-connection.ts'
import type { RawReply } from './reply-reader.ts'
import { prepareRequest, type Target } from './target.ts'

export type LoadResult = {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU of the server a request; undefined when its processes are not known. */
  readonly serverCpuMs: number | undefined
  readonly failures: number
}

/** Sends `count` requests over `concurrency` connections, each the next as soon as its last is answered. */
export async function load(options: {
  target: Target
  concurrency: number
  count: number
  /** Of several processes their CPU together. */
  serverPid: number | readonly number[] | undefined
  request: (i: number) => Buffer | Promise<Buffer>
}): Promise<LoadResult> {
  const connections = await Promise.all(Array.from({ length: options.concurrency }, () => RawConnection.open(options.target)))
  const latencies: number[] = []
  let failures = 0
  let next = 0
  const cpuBefore = cpuOf(options.serverPid)
  const startedAt = performance.now()
  await Promise.all(
    connections.map(async (connection) => {
      for (let i = next++; i < options.count; i = next++) {
        const request = await options.request(i)
        const sentAt = performance.now()
        const reply = await connection.send(request)
        latencies.push(performance.now() - sentAt)
        if (reply.code >= 300) {
          failures++
          if (failures === 1) console.error(`first failure: ${reply.code} ${reply.body.toString('utf8', 0, 300)}`)
        }
      }
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = cpuBefore === undefined ? undefined : ((cpuOf(options.serverPid)! - cpuBefore) * 1000) / options.count
  for (const connection of connections) connection.close()
  latencies.sort((a, b) => a - b)
  return {
    requests: options.count,
    perSecond: options.count / seconds,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    serverCpuMs: cpu,
    failures,
  }
}

/** Undefined without processes. */
export function cpuOf(pids: number | readonly number[] = []): number | undefined {
  const all = typeof pids === 'number' ? [pids] : pids
  return all.length === 0 ? undefined : all.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
}

export async function once(
  target: Target,
  request: { method: string; path: string; body?: string; contentType?: string },
): Promise<RawReply> {
  const connection = await RawConnection.open(target)
  try {
    return await connection.send(prepareRequest(target, request))
  } finally {
    connection.close()
  }
}

/** A namespace of its own, in which pods can be made: that takes a service account, which some clusters make a little later. */
export async function newNamespace(target: Target, purpose: string): Promise<string> {
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: `keelson-bench-${purpose}-` } })
  const made = await once(target, { method: 'POST', path: '/api/v1/namespaces', body })
  if (made.code !== 201) throw new Error(`no namespace could be made: ${made.code} ${made.body.toString('utf8', 0, 300)}`)
  const { name } = (JSON.parse(made.body.toString()) as { metadata: { name: string } }).metadata
  const account = { method: 'GET', path: `/api/v1/namespaces/${name}/serviceaccounts/default` }
  for (let tries = 0; (await once(target, account)).code !== 200; tries++) {
    if (tries === 600) throw new Error(`namespace ${name} got no service account within a minute`)
    await wait(100)
  }
  return name
}

export async function deleteNamespace(target: Target, name: string): Promise<void> {
  await once(target, { method: 'DELETE', path: `/api/v1/namespaces/${name}` })
}

/** A pod as applications write them, about 1.5 KB before defaulting. `schedulerName` keeps the scheduler out of a pure API measurement. */
export function samplePod(name: string, options: { namespace: string; schedulerName?: string; labels?: Record<string, string> }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: options.namespace,
      labels: { app: 'bench', group: `g${name.length % 10}`, ...options.labels },
      annotations: { note: 'made by the load generator' },
    },
    spec: {
      ...(options.schedulerName ? { schedulerName: options.schedulerName } : {}),
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'main',
          image: 'registry.example/bench:1',
          command: ['sleep', '3600'],
          env: [
            { name: 'A', value: 'one' },
            { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          ],
          ports: [{ name: 'http', containerPort: 8080 }],
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '100m', memory: '64Mi' } },
          readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 5 },
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  })
}

/** What an agent says of a pod that runs, as a patch of its status. */
export function runningStatus(i: number): string {
  const time = '2026-01-01T00:00:00Z'
  const condition = (type: string) => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: time })
  const state = { running: { startedAt: time } }
  const container = { name: 'main', state, ready: true, restartCount: i % 7, image: 'registry.example/bench:1', imageID: '', started: true }
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(condition)
  return JSON.stringify({
    status: { phase: 'Running', startTime: time, podIP: `10.0.0.${i % 250}`, conditions, containerStatuses: [container] },
  })
}
