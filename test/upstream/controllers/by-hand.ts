/** Pods on a node that nobody runs: what becomes of them is what a scenario says, so that no agent is faster or slower. */
import { kindRefs } from '../../../src/client/generated/kind-refs.ts'
import type { Pod, PodSpec, PodTemplateSpec } from '../../../src/kinds/generated/types/core-v1.ts'
import { isPodTerminating } from '../../../src/kinds/pod-status.ts'
import { merge, podSpec, type ScenarioWorld } from './scenario.ts'

export type Turn = 'ready' | 'unready' | 'failed' | 'succeeded'

const phases = { ready: 'Running', unready: 'Running', failed: 'Failed', succeeded: 'Succeeded' } as const
const room = { cpu: '64', memory: '64Gi', pods: '110' }

/** A node of the namespace's name that is well, as far as anybody knows. */
export async function standIn({ clientset, namespace, also, now }: ScenarioWorld): Promise<void> {
  const nodes = clientset.coreV1().nodes()
  const at = timeOf(now())
  const ready = { type: 'Ready', status: 'True', reason: 'Test', lastHeartbeatTime: at, lastTransitionTime: at }
  await nodes.create({ metadata: { name: namespace, labels: { 'stand-in': namespace } } })
  also(kindRefs.coreV1.nodes, namespace)
  await nodes.patch(namespace, merge({ status: { capacity: room, allocatable: room, conditions: [ready] } }), { subresource: 'status' })
}

/** Its pods are on the stand-in from the first, and take their time to end. */
export const heldTemplate = ({ namespace }: ScenarioWorld, image = 'i:1', more: Partial<PodSpec> = {}): PodTemplateSpec => ({
  metadata: { labels: { app: 'web' } },
  spec: podSpec(image, { nodeName: namespace, terminationGracePeriodSeconds: 30, ...more }),
})

/** In the order of their names. */
export async function heldPods({ clientset, namespace }: ScenarioWorld, labelSelector = 'app=web'): Promise<readonly Pod[]> {
  return (await clientset.coreV1().pods(namespace).list({ labelSelector })).items
}

export async function turn({ clientset, namespace, now }: ScenarioWorld, { metadata, spec, status }: Pod, to: Turn): Promise<void> {
  const at = timeOf(now())
  const isOver = to === 'failed' || to === 'succeeded'
  const is = to === 'ready' ? 'True' : 'False'
  const state = isOver
    ? { terminated: { exitCode: to === 'failed' ? 3 : 0, startedAt: at, finishedAt: at } }
    : { running: { startedAt: at } }
  const containerStatuses = spec?.containers.map(({ name, image }) => ({
    name,
    image,
    imageID: 'x',
    ready: to === 'ready',
    restartCount: 0,
    state,
  }))
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type, i) => ({
    type,
    status: i < 2 ? 'True' : is,
    lastTransitionTime: at,
  }))
  const body = { status: { phase: phases[to], startTime: status?.startTime ?? at, conditions, containerStatuses } }
  await clientset.coreV1().pods(namespace).patch(metadata.name!, merge(body), { subresource: 'status' })
}

/** Until nobody makes another that is not ready: each look after it is quiet. */
export async function allReady(world: ScenarioWorld, labelSelector?: string): Promise<void> {
  for (;;) {
    await world.quiet()
    const waiting = (await heldPods(world, labelSelector)).filter((pod) => pod.status?.phase === 'Pending' && !isPodTerminating(pod))
    if (waiting.length === 0) return
    for (const pod of waiting) await turn(world, pod, 'ready')
  }
}

/** Those that are on their way out are gone. */
export async function letGo({ clientset, namespace }: ScenarioWorld, pods: readonly Pod[]): Promise<void> {
  const resource = clientset.coreV1().pods(namespace)
  for (const pod of pods) if (isPodTerminating(pod)) await resource.delete(pod.metadata.name!, { gracePeriodSeconds: 0 })
}

const timeOf = (ms: number) => new Date(ms).toISOString().replace(/\.\d+/, '')
