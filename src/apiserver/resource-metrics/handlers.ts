import { toTime } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { nodes } from '../../kinds/core/node.ts'
import { pods } from '../../kinds/core/pod.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ContainerMetrics, NodeMetrics, PodMetrics } from '../../kinds/metrics/resource-metrics.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { Core, RequestContext } from '../core.ts'
import type { VerbHandler } from '../dispatch.ts'
import type { Dialer } from '../reach/node-dialer.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { viewOf } from '../objects/object-storage.ts'
import { nodeTarget } from '../subresources/node-target.ts'
import { methodNotAllowed, type VerbRequest } from '../verb-request.ts'
import { listObjects } from '../verbs/list.ts'
import { readNodeSample } from './node-sample.ts'
import { NodeUsages } from './node-usage.ts'
import { durationText, resourceUsage, type Usage } from './usage.ts'

const apiVersion = 'metrics.k8s.io/v1beta1'
const answerTimeoutMs = 5_000
const answerBytesMax = 8 << 20

/**
 * metrics.k8s.io for `kubectl top` and the autoscaler, out of what the nodes' agents measure when asked. An APIService for
 * `v1beta1.metrics.k8s.io` with a server of its own comes before it.
 */
export function resourceMetricsHandlers(
  dialer: Dialer | undefined,
  clock: Clock,
  closing: AbortSignal,
): Readonly<Record<string, VerbHandler>> {
  let usages: NodeUsages | undefined
  const usagesOf = (core: Core) => {
    if (!dialer) throw statusErrors.serviceUnavailable('this server has no way to its nodes')
    return (usages ??= new NodeUsages({ clock, closing, sample: (name) => sampleNode(core, dialer, name) }))
  }
  return {
    'metrics.k8s.io/nodes': async (core, context, request) => {
      const found = await selected<Node>(core, context, request, nodes)
      const usage = await usagesOf(core).of(found.map(({ metadata }) => metadata.name ?? ''))
      const items = found.flatMap((node) => {
        const own = usage.get(node.metadata.name ?? '')?.node
        return own ? [nodeMetricsOf(node, own)] : []
      })
      return answerOf(request, items, 'NodeMetrics')
    },
    'metrics.k8s.io/pods': async (core, context, request) => {
      const found = (await selected<Pod>(core, context, request, pods)).filter((pod) => pod.spec?.nodeName && !isPodTerminal(pod))
      const usage = await usagesOf(core).of([...new Set(found.map((pod) => pod.spec?.nodeName ?? ''))])
      const items = found.flatMap((pod) => {
        const own = usage.get(pod.spec?.nodeName ?? '')?.pods.get(`${pod.metadata.namespace}/${pod.metadata.name}`)
        return own && own.size > 0 ? [podMetricsOf(pod, own)] : []
      })
      return answerOf(request, items, 'PodMetrics')
    },
  }
}

/** The stored objects that a get names or a list selects. */
async function selected<T extends KubeObject>(core: Core, context: RequestContext, request: VerbRequest, kind: KindRef<T>): Promise<T[]> {
  const { verb, namespace, name, parameters } = request
  const resource = core.registry.find(kind.group, kind.version, kind.plural)!
  if (verb === 'get') {
    if (kind.scope === 'Namespaced' && namespace === '') throw statusErrors.pathNotFound()
    const one = createObjectReader(core.registry, core.storage).get(kind, namespace, name)
    return one ? [one] : []
  }
  if (verb !== 'list' || name !== '') throw methodNotAllowed()
  const { labelSelector, fieldSelector } = parameters
  const page = await listObjects(core, context, { resource, namespace, labelSelector, fieldSelector })
  return page.items.map((value) => viewOf(resource, value) as T)
}

function answerOf({ verb, name, namespace, resource }: VerbRequest, items: readonly KubeObject[], kind: string) {
  const { columns } = resource.kind
  if (verb === 'list') {
    const object = { kind: `${kind}List`, apiVersion, metadata: {}, items }
    return { type: 'plain', code: 200, object, columns } as const
  }
  const [object] = items
  // The words of the metrics server, which clients know.
  const missing = { group: 'metrics.k8s.io', resource: kind.toLowerCase() }
  if (!object) throw statusErrors.notFound(missing, namespace ? `${namespace}/${name}` : name)
  return { type: 'plain', code: 200, object, columns } as const
}

function nodeMetricsOf({ metadata }: Node, usage: Usage): NodeMetrics {
  return { kind: 'NodeMetrics', apiVersion, ...measured(metadata, [usage]), usage: resourceUsage(usage) }
}

function podMetricsOf({ metadata }: Pod, usages: ReadonlyMap<string, Usage>): PodMetrics {
  const containers: ContainerMetrics[] = [...usages].map(([name, usage]) => ({ name, usage: resourceUsage(usage) }))
  return { kind: 'PodMetrics', apiVersion, ...measured(metadata, [...usages.values()]), containers }
}

/** The time and window of a whole are those of its part that was measured first and for the shortest time. */
function measured({ name = '', namespace, labels }: KubeObject['metadata'], usages: readonly Usage[]) {
  const timestamp = toTime(Math.min(...usages.map((usage) => usage.atMs)))
  const window = durationText(Math.min(...usages.map((usage) => usage.windowMs)))
  const metadata = { name, ...(namespace ? { namespace } : {}), creationTimestamp: timestamp, ...(labels ? { labels } : {}) }
  return { metadata, timestamp, window }
}

async function sampleNode(core: Core, dialer: Dialer, nodeName: string) {
  const abort = new AbortController()
  const cancel = core.clock.schedule(answerTimeoutMs, () => abort.abort(new Error('the node did not answer in time')))
  try {
    const target = nodeTarget(core, nodeName)
    const sent = { method: 'GET', path: '/metrics/resource', headers: {}, body: undefined, signal: abort.signal }
    const { code, body } = await dialer.request(target, sent)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of body) {
      chunks.push(chunk)
      if ((size += chunk.length) > answerBytesMax) throw new Error('the answer is too large')
    }
    if (code !== 200) throw new Error(`the node answered ${code}`)
    return readNodeSample(Buffer.concat(chunks).toString(), core.clock.now())
  } catch (error) {
    core.log.debug({ node: nodeName, error: String(error) }, 'a node could not be measured')
    return undefined
  } finally {
    cancel()
  }
}
