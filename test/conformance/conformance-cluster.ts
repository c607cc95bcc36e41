/** A whole cluster in this process with simulated nodes on a virtual clock, for the texts that need pods to run. */
import assert from 'node:assert/strict'
import type { Pod, PodSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { podCondition } from '../../src/kinds/pod-status.ts'
import { type Cluster, type ClusterOptions, seededRandom, startCluster, type VirtualClock, virtualClock } from '../../src/roles/embedded.ts'

export type ConformanceCluster = Cluster & {
  readonly clock: VirtualClock
  /** Runs virtual time until it holds; fails after `limitMs` of it. */
  until(what: string, holds: () => Promise<boolean>, limitMs?: number): Promise<void>
  /** Runs virtual time for so long and fails as soon as it does not hold. */
  throughout(what: string, holds: () => Promise<boolean>, forMs: number): Promise<void>
  /** Makes a namespace with its default account, which pods need. */
  namespace(name: string): Promise<string>
  createPod(namespace: string, name: string, options?: PodOptions): Promise<Pod>
  pod(namespace: string, name: string): Promise<Pod>
  isGone(namespace: string, name: string): Promise<boolean>
  isRunning(namespace: string, name: string): Promise<boolean>
}

export type PodOptions = {
  readonly labels?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly requests?: Readonly<Record<string, string>>
  readonly spec?: Partial<PodSpec>
}

export type ConformanceClusterOptions = { readonly nodes?: number; readonly runtime?: ClusterOptions['runtime'] }

export async function startConformanceCluster(options: ConformanceClusterOptions = {}): Promise<ConformanceCluster> {
  const clock = virtualClock()
  const cluster = await startCluster({
    nodes: options.nodes ?? 2,
    clock,
    random: seededRandom(36),
    ...(options.runtime ? { runtime: options.runtime } : {}),
  })
  const core = cluster.clientset.coreV1()
  const until: ConformanceCluster['until'] = async (what, holds, limitMs = 120_000) => {
    for (const end = clock.now() + limitMs; clock.now() < end; await clock.advance(200)) {
      await clock.settle()
      if (await holds()) return
    }
    assert.fail(`did not happen: ${what}`)
  }
  const read = (namespace: string, name: string) => core.pods(namespace).get(name)
  const isReady = (conditions: readonly { type: string; status: string }[] | undefined) =>
    conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true
  await until('every node Ready', async () => {
    const { items } = await core.nodes().list()
    return items.length === (options.nodes ?? 2) && items.every((n) => isReady(n.status?.conditions) && !n.spec?.taints?.length)
  })
  return {
    ...cluster,
    clock,
    until,
    throughout: async (what, holds, forMs) => {
      for (const end = clock.now() + forMs; clock.now() < end; await clock.advance(500)) {
        await clock.settle()
        assert.ok(await holds(), what)
      }
    },
    namespace: async (name) => {
      await core.namespaces().create({ metadata: { name } })
      await until('the default account', async () => (await core.serviceAccounts(name).list()).items.length > 0)
      return name
    },
    createPod: (namespace, name, { labels, finalizers, requests, spec } = {}) =>
      core.pods(namespace).create({
        metadata: { name, ...(labels ? { labels: { ...labels } } : {}), ...(finalizers ? { finalizers: [...finalizers] } : {}) },
        spec: {
          containers: [
            {
              name: 'c',
              image: 'registry.example/pause:1',
              ...(requests ? { resources: { requests: { ...requests }, limits: { ...requests } } } : {}),
            },
          ],
          ...spec,
        },
      }),
    pod: read,
    isGone: async (namespace, name) => !(await core.pods(namespace).list({ fieldSelector: `metadata.name=${name}` })).items.length,
    isRunning: async (namespace, name) => {
      const pod = await read(namespace, name)
      return pod.status?.phase === 'Running' && podCondition(pod, 'Ready')?.status === 'True'
    },
  }
}

export const isScheduledFalse = (pod: Pod) => podCondition(pod, 'PodScheduled')?.status === 'False'
