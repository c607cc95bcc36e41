/** A framework that works off a list of tasks: one pod a task, as many at once as its offers hold, again where a pod failed. */
import {
  type coreV1,
  isStatus,
  kindRefs,
  ObjectInformer,
  podRequests,
  resourceAmounts,
  startFramework,
  type FrameworkOptions,
  type Offer,
  type OfferAnswer,
} from 'keelson/client'

export type BatchQueueOptions = Pick<FrameworkOptions, 'client' | 'clock' | 'random' | 'log' | 'namespace' | 'name'> & {
  readonly weight?: number
  /** Tasks are numbered from 0. */
  readonly tasks: number
  readonly image: string
  /** What one task asks for. */
  readonly requests: Readonly<Record<string, string>>
  /** For the pods: what simulated nodes make of them, for instance. */
  readonly annotations?: Readonly<Record<string, string>>
}

export type BatchQueue = {
  /** Resolves with the number of pods that it took when every task has succeeded, or when the signal aborts. */
  readonly done: Promise<{ readonly succeeded: number; readonly pods: number }>
}

const taskLabel = 'batch-queue/task'
const queueLabel = 'batch-queue/name'

/** All that it knows is in its pods: killed and started again it goes on where it was. */
export async function startBatchQueue(options: BatchQueueOptions, signal: AbortSignal): Promise<BatchQueue> {
  const { client, clock, random, log, namespace, name, weight = 1 } = options
  const pods = client.resource(kindRefs.coreV1.pods, namespace)
  const labelSelector = `${queueLabel}=${name}`
  const one = podRequests(podOf(options, 0, 0))
  const ended = new AbortController()
  const until = AbortSignal.any([signal, ended.signal])

  const onOffer = async ({ spec }: Offer): Promise<OfferAnswer> => {
    const { waiting, missing } = look((await pods.list({ labelSelector })).items, options.tasks)
    if (waiting.length + missing.length === 0) return { declineSeconds: 30 }
    const room = resourceAmounts(spec.resources)
    const count = Math.min(100, ...Object.keys(one).map((r) => Math.floor((room[r] ?? 0) / one[r]!)), room.pods ?? 0)
    const chosen = waiting.slice(0, count)
    for (const { task, attempt } of missing.slice(0, count - chosen.length)) {
      const pod = podOf(options, task, attempt)
      await pods.create(pod).catch((error: unknown) => {
        if (!isStatus(error, 'AlreadyExists')) throw error
      })
      chosen.push(pod.metadata.name!)
    }
    return chosen.length > 0 ? { accept: chosen } : { declineSeconds: 30 }
  }

  const framework = await startFramework(
    { client, clock, random, log, namespace, name, spec: { weight, minResources: { ...options.requests } }, onOffer },
    until,
  )
  const informer = new ObjectInformer({ client, clock, random, log, namespace, kind: kindRefs.coreV1.pods, labelSelector })
  const following = informer.run(until)
  // A failed pod needs a place again: what was declined for want of work is welcome.
  informer.onChange(({ current, old }) => {
    if (current?.status?.phase === 'Failed' && old?.status?.phase !== 'Failed') void framework.revive().catch(() => undefined)
    if (look(informer.list(), options.tasks).succeeded === options.tasks) ended.abort()
  })
  const done = Promise.all([framework.done, following]).then(() => {
    const all = informer.list()
    return { succeeded: look(all, options.tasks).succeeded, pods: all.length }
  })
  return { done }
}

/** What became of each task: its pods without a node, and tasks without a pod that may still succeed. */
function look(pods: readonly coreV1.Pod[], tasks: number) {
  const byTask = Map.groupBy(pods, (pod) => Number(pod.metadata.labels?.[taskLabel]))
  const waiting: string[] = []
  const missing: { readonly task: number; readonly attempt: number }[] = []
  let succeeded = 0
  for (let task = 0; task < tasks; task++) {
    const own = byTask.get(task) ?? []
    if (own.some((pod) => pod.status?.phase === 'Succeeded')) succeeded++
    else {
      const alive = own.filter((pod) => pod.status?.phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined)
      if (alive.length === 0) missing.push({ task, attempt: own.length })
      for (const pod of alive) if (!pod.spec?.nodeName) waiting.push(pod.metadata.name!)
    }
  }
  return { waiting, missing, succeeded }
}

function podOf({ name, image, requests, annotations }: BatchQueueOptions, task: number, attempt: number) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${task}-${attempt}`,
      labels: { [queueLabel]: name, [taskLabel]: String(task) },
      ...(annotations ? { annotations: { ...annotations } } : {}),
    },
    spec: {
      schedulerName: name,
      restartPolicy: 'Never' as const,
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'task',
          image,
          env: [{ name: 'TASK', value: String(task) }],
          resources: { requests: { ...requests } },
        },
      ],
    },
  }
}
