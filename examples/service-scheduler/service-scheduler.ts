/** A framework that places the pods of Deployments and StatefulSets whose template names it as `schedulerName`, spread over the nodes. */
import {
  kindRefs,
  ObjectInformer,
  podRequests,
  resourceAmounts,
  startFramework,
  type FrameworkOptions,
  type Offer,
  type OfferAnswer,
} from 'keelson/client'

export type ServiceSchedulerOptions = Pick<FrameworkOptions, 'client' | 'clock' | 'random' | 'log' | 'namespace' | 'name'> & {
  readonly weight?: number
  /** The label by which replicas of one service are known. Default `app`. */
  readonly serviceLabel?: string
}

const idleSeconds = 60

/** Runs until the signal aborts; then, and after a crash, running services stay, and the next one to start goes on with those that wait. */
export async function startServiceScheduler(
  options: ServiceSchedulerOptions,
  signal: AbortSignal,
): Promise<{ readonly done: Promise<void> }> {
  const { client, clock, random, log, namespace, name, weight = 1, serviceLabel = 'app' } = options
  const pods = client.resource(kindRefs.coreV1.pods, namespace)
  const fieldSelector = `spec.schedulerName=${name}`

  const onOffer = async ({ spec }: Offer): Promise<OfferAnswer> => {
    const { items } = await pods.list({ fieldSelector })
    const here = new Set(items.filter((pod) => pod.spec?.nodeName === spec.nodeName).map((pod) => pod.metadata.labels?.[serviceLabel]))
    const waiting = items.filter((pod) => !pod.spec?.nodeName && pod.metadata.deletionTimestamp === undefined)
    // Services that have no replica on this node come first; then, while there is room, whoever waits.
    waiting.sort((a, b) => Number(here.has(a.metadata.labels?.[serviceLabel])) - Number(here.has(b.metadata.labels?.[serviceLabel])))
    const room = resourceAmounts(spec.resources)
    const accept: string[] = []
    const taken = new Set<string | undefined>()
    for (const pod of waiting) {
      const service = pod.metadata.labels?.[serviceLabel]
      const wanted = { ...podRequests(pod), pods: 1 }
      // One replica of a service in one offer: the others go to other nodes.
      if (taken.has(service) || Object.entries(wanted).some(([r, amount]) => amount > (room[r] ?? 0))) continue
      for (const [r, amount] of Object.entries(wanted)) room[r]! -= amount
      taken.add(service)
      accept.push(pod.metadata.name!)
    }
    return accept.length > 0 ? { accept } : { declineSeconds: idleSeconds }
  }

  const framework = await startFramework({ client, clock, random, log, namespace, name, spec: { weight }, onOffer }, signal)
  const informer = new ObjectInformer({ client, clock, random, log, namespace, kind: kindRefs.coreV1.pods, fieldSelector })
  const following = informer.run(signal)
  informer.onChange(({ current, old }) => {
    // A new replica waits: offers of nodes that were declined for want of work are welcome again.
    if (current && !old && !current.spec?.nodeName) void framework.revive().catch(() => undefined)
  })
  return { done: Promise.all([framework.done, following]).then(() => {}) }
}
