/** What a node's agent says of itself and its containers at one moment: counters and sizes. */
export type Counter = {
  readonly atMs: number
  /** Since the container (or the machine) started. */
  readonly cpuSeconds: number
  readonly memoryBytes: number
  /** Undefined: not told. */
  readonly startedAtMs: number | undefined
}

export type NodeSample = {
  readonly node: Counter | undefined
  /** By `namespace/pod`, then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Counter>>
}

const fields = {
  container_cpu_usage_seconds_total: 'cpuSeconds',
  container_memory_working_set_bytes: 'memoryBytes',
  container_start_time_seconds: 'startedAtSeconds',
  node_cpu_usage_seconds_total: 'cpuSeconds',
  node_memory_working_set_bytes: 'memoryBytes',
} as const

type Field = (typeof fields)[keyof typeof fields]
type Raw = { atMs: number } & Partial<Record<Field, number>>

const linePattern = /^(container|node)_([a-z_]+)(?:\{([^}]*)\})? (\S+)(?: (\d+))?$/
const labelPattern = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g

/**
 * Reads `/metrics/resource` (https://kubernetes.io/docs/reference/instrumentation/node-metrics/). Lines that are none of the five families,
 * and what lacks its CPU or its memory, are left out. `nowMs` stands in for times that are not told. Pure.
 */
export function readNodeSample(text: string, nowMs: number): NodeSample {
  let node: Raw | undefined
  const pods = new Map<string, Map<string, Raw>>()
  for (const line of text.split('\n')) {
    const [, scope, metric, labelText = '', value, time] = linePattern.exec(line) ?? []
    const field = fields[`${scope}_${metric}` as keyof typeof fields] as Field | undefined
    if (!field || !Number.isFinite(Number(value))) continue
    const raw = scope === 'node' ? (node ??= { atMs: nowMs }) : containerOf(pods, labelText, nowMs)
    if (!raw) continue
    raw[field] = Number(value)
    if (field === 'cpuSeconds' && time !== undefined) raw.atMs = Number(time)
  }
  return {
    node: node && counterOf(node),
    pods: new Map(
      [...pods].map(([key, containers]) => {
        const counters = [...containers].map(([name, raw]) => [name, counterOf(raw)] as const)
        return [key, new Map(counters.filter((entry): entry is readonly [string, Counter] => entry[1] !== undefined))]
      }),
    ),
  }
}

function containerOf(pods: Map<string, Map<string, Raw>>, labelText: string, nowMs: number): Raw | undefined {
  const labels = Object.fromEntries([...labelText.matchAll(labelPattern)].map(([, name, value]) => [name, value]))
  const { namespace, pod, container } = labels
  if (!namespace || !pod || !container) return undefined
  const key = `${namespace}/${pod}`
  let containers = pods.get(key)
  if (!containers) pods.set(key, (containers = new Map()))
  let raw = containers.get(container)
  if (!raw) containers.set(container, (raw = { atMs: nowMs }))
  return raw
}

function counterOf({ atMs, cpuSeconds, memoryBytes, startedAtSeconds }: Raw): Counter | undefined {
  if (cpuSeconds === undefined || memoryBytes === undefined) return undefined
  return { atMs, cpuSeconds, memoryBytes, startedAtMs: startedAtSeconds === undefined ? undefined : startedAtSeconds * 1000 }
}
