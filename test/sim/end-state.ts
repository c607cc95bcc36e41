/** What is left when a cluster is at rest, without what chance or the clock decided: two runs of one scenario must agree in it. */
import assert from 'node:assert/strict'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../src/kinds/generated/types/discovery-v1.ts'
import { isPodActive, isPodReady } from '../../src/kinds/pod-status.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import type { World } from './sim-world.ts'

const left = /^\/registry\/(?:core\/events|events\.k8s\.io|coordination\.k8s\.io|core\/nodes)\//

/** Tells which of two changes was seen first. */
const triggerTime = 'endpoints.kubernetes.io/last-change-trigger-time'

/** Every object as text, sorted; generated names, UIDs, times, addresses and node names replaced by words. */
export function endState({ live }: Pick<World, 'live'>): string[] {
  const lines: string[] = []
  for (const [key, object] of live) {
    if (left.test(key)) continue
    const { managedFields, resourceVersion, ...metadata } = object.metadata as Record<string, unknown>
    void managedFields
    void resourceVersion
    lines.push(`${neutral(key)} ${neutral(JSON.stringify(sorted({ ...object, metadata: withoutTriggerTime(metadata) })))}`)
  }
  return lines.sort()
}

function withoutTriggerTime(metadata: Record<string, unknown>): Record<string, unknown> {
  const { annotations, ...others } = metadata as { readonly annotations?: Readonly<Record<string, string>> }
  const { [triggerTime]: _, ...kept } = annotations ?? {}
  return Object.keys(kept).length > 0 ? { ...others, annotations: kept } : others
}

const words: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UID'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME'],
  [/\b(?:10|127|198)\.\d+\.\d+\.\d+\b/g, 'IP'],
  [/\bnode-\d+\b/g, 'NODE'],
  [/\b(?:fake|containerd):\/\/[0-9a-f]+/g, 'CONTAINER'],
  // The last part of a generated name: of pods (after the template's hash) and of endpoint slices.
  [/-(?=[bcdfghjklmnpqrstvwxz2456789]{5}\b)[bcdfghjklmnpqrstvwxz2456789]{5}\b(?=["/]|$)/g, '-NAME'],
  // How many steps led here.
  [/"(generation|observedGeneration)":\d+/g, '"$1":N'],
]

function neutral(text: string): string {
  return words.reduce((result, [pattern, word]) => result.replace(pattern, word), text)
}

/** With the keys of objects, and lists of objects, in an order that no history decides. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted)
    const isOfObjects = items.every((item) => typeof item === 'object' && item !== null)
    return isOfObjects ? items.sort((a, b) => compare(neutral(JSON.stringify(a)), neutral(JSON.stringify(b)))) : items
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => compare(a, b))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}

/** Fails with the lines that only one of them has. */
export function assertSameEnd(actual: readonly string[], expected: readonly string[]): void {
  const without = (lines: readonly string[], others: readonly string[]) => {
    const left = [...others]
    return lines.filter((line) => {
      const at = left.indexOf(line)
      if (at >= 0) left.splice(at, 1)
      return at < 0
    })
  }
  assert.deepEqual(without(actual, expected), without(expected, actual))
}

const inOrder = (texts: readonly (string | undefined)[]) => texts.map((text) => text ?? '').sort(compare)

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** At rest nothing refers to what is gone, endpoints are exactly the ready pods, and nodes run exactly their pods. */
export async function assertTidy(world: World): Promise<void> {
  const uids = new Set([...world.live.values()].map((object) => object.metadata.uid))
  const orphans = [...world.live].filter(([, { metadata }]) => (metadata.ownerReferences ?? []).some((owner) => !uids.has(owner.uid)))
  assert.deepEqual(
    orphans.map(([key]) => key),
    [],
    'objects whose owners are gone',
  )
  const all = <T>(kind: string) =>
    [...world.live].filter(([key]) => key.startsWith(`/registry/${kind}/`)).map(([, object]) => object as KubeObject & T)
  const pods = all<Pod>('core/pods')
  for (const service of all<{ spec?: { selector?: Record<string, string> } }>('core/services')) {
    const { namespace, name } = service.metadata
    const selector = Object.entries(service.spec?.selector ?? {})
    if (selector.length === 0) continue
    const wanted = pods
      .filter((pod) => pod.metadata.namespace === namespace && selector.every(([key, value]) => pod.metadata.labels?.[key] === value))
      .filter((pod) => isPodActive(pod) && isPodReady(pod))
      .map((pod) => pod.metadata.name)
    const ready = all<EndpointSlice>('discovery.k8s.io/endpointslices')
      .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === name)
      .flatMap((slice) => (slice.endpoints ?? []).filter((e) => e.conditions?.ready).map((e) => e.targetRef?.name))
    assert.deepEqual(inOrder(ready), inOrder(wanted), `ready endpoints of ${namespace}/${name}`)
  }
  for (const node of world.nodes) {
    const running = (await node.runtime.list()).filter((pod) => pod.state === 'Ready').map((pod) => pod.uid)
    const wanted = pods
      .filter((pod) => pod.spec?.nodeName === node.name && isPodActive(pod) && pod.status?.podIP)
      .map((pod) => pod.metadata.uid)
    assert.deepEqual(inOrder(running), inOrder(wanted), `what ${node.name} runs`)
  }
}
