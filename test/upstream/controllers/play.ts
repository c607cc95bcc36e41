/** Plays one scenario on a cluster, on Kubernetes' controllers or on ours, and tells what became of it. */
import type { Client } from '../../../src/client/contract.ts'
import { createClientset } from '../../../src/client/clientset.ts'
import type { KindRef } from '../../../src/kinds/kind.ts'
import type { Changes } from './changes.ts'
import { endStateLines } from './end-state-lines.ts'
import { followHistory } from './history.ts'
import type { MetricsSource } from './pod-metrics.ts'
import type { Extra, Scenario } from './scenario.ts'

export type Stage = {
  readonly client: Client
  readonly metrics: MetricsSource
  readonly changes: Changes
  now(): number
  /** Lets so much of the cluster's time go by. */
  advance(ms: number): Promise<void>
  /** Longer than any pause that controllers or nodes make in the middle of something. */
  readonly quietMs: number
  /** How often a condition is looked at. */
  readonly stepMs: number
}

const limitMs = 300_000

/** The lines of its namespace and of what it names beside it, sorted; that is taken away again. Throws what the scenario throws, also that a condition was not met in five minutes. */
export async function play(stage: Stage, namespace: string, scenario: Scenario): Promise<string[]> {
  const { client, advance, now, stepMs, quietMs, metrics, changes } = stage
  const clientset = createClientset(client)
  const stopping = new AbortController()
  await clientset
    .coreV1()
    .namespaces()
    .create({ metadata: { name: namespace } })
  const until = async (what: string, condition: () => Promise<boolean>) => {
    for (const endMs = now() + limitMs; !(await condition()); await advance(stepMs))
      if (now() >= endMs) throw new Error(`${what}: not within ${limitMs} ms`)
  }
  const extras: Extra[] = []
  const quiet = async () => {
    const sinceMs = now()
    const lastMs = () => Math.max(sinceMs, changes.lastMs(namespace), ...extras.map(({ kind, name }) => changes.lastOfMs(kind, name)))
    await until('quiet', async () => now() - lastMs() >= quietMs)
  }
  const looks = async (times: number) => {
    const asked = metrics.asked(namespace)
    await until(`${times} looks`, async () => metrics.asked(namespace) >= asked + times)
    await quiet()
  }
  await quiet()
  const history = followHistory(client, namespace, stopping.signal)
  try {
    await scenario({
      client,
      clientset,
      namespace,
      until,
      quiet,
      looks,
      metrics,
      now,
      also: (kind, name) => void extras.push({ kind, name }),
    })
    await quiet()
    return [...(await endStateLines(client, namespace, extras)), ...history.lines()].sort()
  } finally {
    stopping.abort()
    for (const { kind, name } of extras.reverse()) await takeAway(client, kind, name)
  }
}

async function takeAway(client: Client, kind: KindRef, name: string): Promise<void> {
  const resource = client.resource(kind)
  await resource.delete(name, { gracePeriodSeconds: 0 }).catch(() => {})
  await resource.patch(name, { type: 'merge', body: { metadata: { finalizers: null } } }).catch(() => {})
}
