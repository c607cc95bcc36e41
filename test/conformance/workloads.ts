/** What the texts on workloads are made of, and how far one has come. */
import type { Pod, PodSpec, PodTemplateSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { isPodReady } from '../../src/kinds/pod-status.ts'
import { controllerOf, type KubeObject } from '../../src/machinery/object.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import type { ConformanceCluster } from './conformance-cluster.ts'

export function podTemplate(name: string, image = 'registry.example/httpd:1', spec: Partial<PodSpec> = {}): PodTemplateSpec {
  return { metadata: { labels: { name } }, spec: { containers: [{ name: 'c', image }], ...spec } }
}

export const selects = (name: string) => ({ selector: { matchLabels: { name } } })

export async function podsOf({ clientset }: ConformanceCluster, namespace: string, name: string): Promise<Pod[]> {
  return (
    await clientset
      .coreV1()
      .pods(namespace)
      .list({ labelSelector: `name=${name}` })
  ).items
}

export async function readyCount(c: ConformanceCluster, namespace: string, name: string): Promise<number> {
  return (await podsOf(c, namespace, name)).filter((pod) => isPodReady(pod) && !pod.metadata.deletionTimestamp).length
}

/** Waits for exactly so many ready pods of that name, and no other. */
export function untilReady(c: ConformanceCluster, namespace: string, name: string, count: number): Promise<void> {
  return c.until(`${count} ready pods of ${name}`, async () => {
    const pods = await podsOf(c, namespace, name)
    return pods.length === count && pods.every((pod) => isPodReady(pod) && !pod.metadata.deletionTimestamp)
  })
}

export async function exists(get: () => Promise<unknown>): Promise<boolean> {
  try {
    await get()
    return true
  } catch (error) {
    if (isStatus(error, 'NotFound')) return false
    throw error
  }
}

export const isControlledBy = (object: KubeObject, owner: KubeObject) => controllerOf(object)?.uid === owner.metadata.uid

/** Status that a test writes and reads back: nobody else minds a condition of its own. */
export const testCondition = { type: 'StatusUpdate', status: 'True' as const, reason: 'E2E', message: 'Set from e2e test' }

type StatusResource<T> = {
  get(name: string): Promise<T>
  updateStatus(object: T): Promise<T>
  patch(name: string, patch: { readonly type: 'merge'; readonly body: unknown }, options?: { subresource?: string }): Promise<T>
}
type WithConditions = KubeObject & { status?: { conditions?: readonly { type: string }[] } }

/** Updates and patches the status of an object and tells which conditions are read back each time. */
export async function checkStatusWrites<T extends KubeObject>(resource: StatusResource<T>, name: string): Promise<[string[], string[]]> {
  const types = async () => ((await resource.get(name)) as WithConditions).status?.conditions?.map(({ type }) => type) ?? []
  const current = (await resource.get(name)) as WithConditions
  const conditions = [...(current.status?.conditions ?? []), testCondition]
  await resource.updateStatus({ ...current, status: { ...current.status, conditions } } as unknown as T)
  const updated = await types()
  const body = { status: { conditions: [{ ...testCondition, type: 'StatusPatched' }] } }
  await resource.patch(name, { type: 'merge', body }, { subresource: 'status' })
  return [updated, await types()]
}
