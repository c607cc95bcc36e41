import { RawConnection, type RawReply, type Target, prepareRequest } from './raw-connection.ts'
import { cpuSeconds, percentile } from './measure.ts'

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
