import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ExtenderConfig } from './extender-config.ts'

const answerBytesMax = 16 * 1024 * 1024

type Arguments = { readonly Pod: Pod; readonly Nodes: unknown; readonly NodeNames: readonly string[] | null }

type FilterResult = {
  readonly NodeNames?: readonly string[] | null
  readonly Nodes?: { readonly items?: readonly Node[] } | null
  readonly FailedNodes?: Readonly<Record<string, string>> | null
  readonly FailedAndUnresolvableNodes?: Readonly<Record<string, string>> | null
  readonly Error?: string
}

/** What the extenders made of the nodes that the scheduler's own filters left. */
export type ExtenderAnswer = {
  readonly allowed: ReadonlySet<string>
  /** Why each other node is out. */
  readonly rejected: ReadonlyMap<string, { readonly reason: string; readonly isResolvable: boolean }>
  /** Σ weight × score × 10 over the extenders: their scores are 0..10, ours 0..100. */
  readonly scores: ReadonlyMap<string, number>
}

export function concerns({ managedResources }: ExtenderConfig, pod: Pod): boolean {
  if (managedResources.length === 0) return true
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
  return containers.some(({ resources }) =>
    managedResources.some((name) => resources?.requests?.[name] !== undefined || resources?.limits?.[name] !== undefined),
  )
}

/**
 * Asks each extender in turn, the next one about what the last one left. One that does not answer fails the attempt, unless it may be
 * ignored. https://github.com/kubernetes/design-proposals-archive/blob/main/scheduling/scheduler_extender.md
 */
export async function askExtenders(
  extenders: readonly ExtenderConfig[],
  { pod, nodes, signal }: { readonly pod: Pod; readonly nodes: readonly Node[]; readonly signal: AbortSignal },
): Promise<ExtenderAnswer> {
  let left = nodes
  const rejected = new Map<string, { reason: string; isResolvable: boolean }>()
  for (const extender of extenders.filter((e) => e.filterVerb !== '')) {
    if (left.length === 0) break
    const result = await tolerantly(extender, () =>
      post<FilterResult>(extender, extender.filterVerb, argumentsOf(extender, pod, left), signal),
    )
    if (!result) continue
    if (result.Error) throw new Error(`extender ${extender.urlPrefix}: ${result.Error}`)
    for (const [node, reason] of Object.entries(result.FailedNodes ?? {})) rejected.set(node, { reason, isResolvable: true })
    for (const [node, reason] of Object.entries(result.FailedAndUnresolvableNodes ?? {}))
      rejected.set(node, { reason, isResolvable: false })
    const names = result.NodeNames ?? result.Nodes?.items?.map((n) => n.metadata.name!) ?? []
    const kept = new Set(names)
    left = left.filter((n) => kept.has(n.metadata.name!))
  }
  return { allowed: new Set(left.map((n) => n.metadata.name!)), rejected, scores: await scoresOf(extenders, pod, left, signal) }
}

async function scoresOf(
  extenders: readonly ExtenderConfig[],
  pod: Pod,
  nodes: readonly Node[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const scores = new Map<string, number>()
  if (nodes.length < 2) return scores
  // Scores are advice: an extender that gives none does not keep the pod from its node, as upstream has it.
  const answers = await Promise.allSettled(
    extenders
      .filter((e) => e.prioritizeVerb !== '')
      .map(async (extender) => ({
        weight: extender.weight,
        list: await post<readonly { Host: string; Score: number }[]>(
          extender,
          extender.prioritizeVerb,
          argumentsOf(extender, pod, nodes),
          signal,
        ),
      })),
  )
  for (const answer of answers) {
    if (answer.status === 'rejected' || !Array.isArray(answer.value.list)) continue
    const { weight, list } = answer.value
    for (const { Host, Score } of list) scores.set(Host, (scores.get(Host) ?? 0) + weight * Math.min(10, Math.max(0, Score)) * 10)
  }
  return scores
}

function argumentsOf({ nodeCacheCapable }: ExtenderConfig, pod: Pod, nodes: readonly Node[]): Arguments {
  return nodeCacheCapable
    ? { Pod: pod, Nodes: null, NodeNames: nodes.map((n) => n.metadata.name!) }
    : { Pod: pod, Nodes: { apiVersion: 'v1', kind: 'NodeList', metadata: {}, items: nodes }, NodeNames: null }
}

export async function tolerantly<T>({ ignorable }: ExtenderConfig, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (ignorable) return undefined
    throw error
  }
}

/** The binding by an extender; resolves when it has bound the pod. */
export async function bindByExtender(extender: ExtenderConfig, pod: Pod, node: string, signal: AbortSignal): Promise<void> {
  const { name, namespace, uid } = pod.metadata
  const body = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node }
  const result = await post<{ Error?: string }>(extender, extender.bindVerb, body, signal)
  if (result.Error) throw new Error(result.Error)
}

export function post<T>(extender: ExtenderConfig, verb: string, body: unknown, signal: AbortSignal): Promise<T> {
  const url = new URL(`${extender.urlPrefix}/${verb}`)
  const bytes = Buffer.from(JSON.stringify(body))
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`extender ${url.href}: ${why}`))
    const sent = send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': bytes.length },
      signal: AbortSignal.any([signal, AbortSignal.timeout(extender.httpTimeoutMs)]),
      ...(extender.caData ? { ca: Buffer.from(extender.caData, 'base64') } : {}),
    })
    sent.once('error', (error) => fail(error.name === 'TimeoutError' ? 'context deadline exceeded' : error.message))
    sent.once('response', (response) => {
      const blocks: Buffer[] = []
      let length = 0
      response.on('data', (block: Buffer) => {
        length += block.length
        if (length > answerBytesMax) sent.destroy(new Error('the answer is too large'))
        else blocks.push(block)
      })
      response.once('error', (error) => fail(error.message))
      response.once('end', () => {
        if (response.statusCode !== 200) return fail(`failed with code ${response.statusCode}`)
        try {
          resolve(JSON.parse(Buffer.concat(blocks).toString()) as T)
        } catch (error) {
          fail((error as Error).message)
        }
      })
    })
    sent.end(bytes)
  })
}
