/** What a scenario is given, and builders that several share. */
import type { Client } from '../../../src/client/contract.ts'
import type { Clientset } from '../../../src/client/clientset.ts'
import type { KindRef } from '../../../src/kinds/kind.ts'
import type { PodSpec, PodTemplateSpec } from '../../../src/kinds/generated/types/core-v1.ts'
import { isPodReady } from '../../../src/kinds/pod-status.ts'
import type { Metrics } from './pod-metrics.ts'

export type ScenarioWorld = {
  readonly client: Client
  readonly clientset: Clientset
  readonly namespace: string
  /** Tells of this object of the cluster, too, and takes it away at the end. */
  also(kind: KindRef, name: string): void
  /** The time on the clock that the cluster goes by, in milliseconds. */
  now(): number
  /** What the pods use, for autoscalers to read. */
  readonly metrics: Metrics
  /** Throws when it is not so within five minutes. */
  until(what: string, condition: () => Promise<boolean>): Promise<void>
  /** Until nothing of the namespace, or of what was named beside it, has changed for some seconds. Throws after five minutes. */
  quiet(): Promise<void>
  /** Until the metrics of the namespace have been asked for, and what came of it has been written, so often. */
  looks(times: number): Promise<void>
}

/** An object of the cluster, not of a namespace. */
export type Extra = { readonly kind: KindRef; readonly name: string }

export type Scenario = (world: ScenarioWorld) => Promise<void>

export const podSpec = (image: string, more: Partial<PodSpec> = {}): PodSpec => ({
  terminationGracePeriodSeconds: 1,
  containers: [{ name: 'c', image }],
  ...more,
})
export const template = (app: string, image = 'i:1'): PodTemplateSpec => ({ metadata: { labels: { app } }, spec: podSpec(image) })
export const workload = (app: string, replicas: number) => ({ replicas, selector: { matchLabels: { app } }, template: template(app) })
export const image = (name: string) => ({
  type: 'strategic' as const,
  body: { spec: { template: { spec: { containers: [{ name: 'c', image: name }] } } } },
})
export const merge = (body: object) => ({ type: 'merge' as const, body })
export const claim = (name: string) => ({
  metadata: { name, labels: { v: name } },
  spec: { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } }, storageClassName: 'none-such' },
})

export async function untilReady({ clientset, namespace, until }: ScenarioWorld, labelSelector: string, count: number): Promise<void> {
  const ready = async () => (await clientset.coreV1().pods(namespace).list({ labelSelector })).items.filter(isPodReady).length
  await until(`${count} ready pods`, async () => (await ready()) === count)
}

export async function rolledOut({ clientset, namespace, until }: ScenarioWorld, name: string): Promise<void> {
  await until('rolled out', async () => {
    const { metadata, spec, status } = await clientset.appsV1().deployments(namespace).get(name)
    const wanted = spec?.replicas ?? 1
    const isObserved = status?.observedGeneration === metadata.generation
    return isObserved && status?.replicas === wanted && status.updatedReplicas === wanted && status.availableReplicas === wanted
  })
}
