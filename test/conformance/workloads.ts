/** What the texts on workloads are made of, and how far one has come. */
import assert from 'node:assert/strict'
import type { ListOptions, Patch, WatchEvent, WatchOptions } from '../../src/client/contract.ts'
import type { ObjectList } from '../../src/client/types.ts'
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

type Subresources<T extends KubeObject> = {
  get(name: string): Promise<T>
  list(options: ListOptions): Promise<ObjectList<T>>
  watch(options: WatchOptions): AsyncIterable<WatchEvent<T>>
  updateStatus(object: T): Promise<T>
  patch(name: string, patch: Patch, options?: { subresource?: string }): Promise<T>
  subresource<In, Out>(name: string, subresource: string, body: In, options?: { method?: 'POST' | 'PUT' | 'GET' }): Promise<Out>
}
type WithConditions = KubeObject & { status?: { conditions?: readonly { type: string }[] } }
type Changed<T> = Exclude<WatchEvent<T>, { type: 'BOOKMARK' }>

export type Followed<T> = {
  /** All that was told so far, in order. */
  readonly events: readonly Changed<T>[]
  /** Runs time until it tells of something that is so; what came before is passed over. */
  until(what: string, type: Changed<T>['type'], holds?: (object: T) => boolean): Promise<T>
  stop(): Promise<void>
}

/** A watch from now on of what is labelled so (or all), as a client opens it before it changes anything. */
export async function follow<T extends KubeObject>(
  c: ConformanceCluster,
  resource: Pick<Subresources<T>, 'list' | 'watch'>,
  labelSelector?: string,
): Promise<Followed<T>> {
  const selected = labelSelector === undefined ? {} : { labelSelector }
  const { metadata } = await resource.list(selected)
  const stop = new AbortController()
  const events: Changed<T>[] = []
  const watching = (async () => {
    const { resourceVersion = '' } = metadata
    for await (const event of resource.watch({ ...selected, resourceVersion, signal: stop.signal }))
      if (event.type !== 'BOOKMARK') events.push(event)
  })()
  let passed = 0
  return {
    events,
    until: async (what, type, holds = () => true) => {
      let found: Changed<T> | undefined
      await c.until(`${type}: ${what}`, async () => {
        while (!found && passed < events.length) {
          const event = events[passed++]!
          if (event.type === type && holds(event.object)) found = event
        }
        return found !== undefined
      })
      return found!.object
    },
    stop: async () => {
      stop.abort()
      await watching.catch(() => {})
    },
  }
}

/** Reads, updates and patches the status of an object by its subresource: the answers, later reads and a watch all have what was written. */
export async function checkStatusWrites<T extends KubeObject>(
  c: ConformanceCluster,
  resource: Subresources<T>,
  name: string,
): Promise<void> {
  const has = (type: string) => (object: KubeObject) =>
    (object as WithConditions).status?.conditions?.some((condition) => condition.type === type) === true
  const read = () => resource.subresource<undefined, T>(name, 'status', undefined, { method: 'GET' })
  const current = await read()
  assert.equal(current.metadata.uid, (await resource.get(name)).metadata.uid)
  const watch = await follow(c, resource)
  const conditions = [...((current as WithConditions).status?.conditions ?? []), testCondition]
  const updated = await resource.updateStatus({ ...current, status: { ...(current as WithConditions).status, conditions } } as unknown as T)
  assert.ok(has('StatusUpdate')(updated))
  assert.ok(has('StatusUpdate')(await read()))
  await watch.until('the update', 'MODIFIED', has('StatusUpdate'))
  const body = { status: { conditions: [{ ...testCondition, type: 'StatusPatched' }] } }
  const patched = await resource.patch(name, { type: 'merge', body }, { subresource: 'status' })
  assert.deepEqual(
    (patched as WithConditions).status?.conditions?.map(({ type }) => type),
    ['StatusPatched'],
  )
  assert.ok(has('StatusPatched')(await read()))
  await watch.until('the patch', 'MODIFIED', has('StatusPatched'))
  // Whoever counts here leaves the conditions of others alone.
  await c.throughout('it stays', async () => has('StatusPatched')(await read()), 5_000)
  await watch.stop()
}

type Scale = { readonly kind?: string; readonly spec: { readonly replicas: number }; readonly status: { readonly replicas: number } }

/** Reads, updates and patches the scale of what runs one pod labelled with its name: two run after the update, four after the patch. */
export async function checkScale<T extends KubeObject & { spec?: { replicas?: number } }>(
  c: ConformanceCluster,
  resource: Subresources<T>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<void> {
  const read = () => resource.subresource<undefined, Scale>(name, 'scale', undefined, { method: 'GET' })
  const untilScaled = async (replicas: number) => {
    assert.equal((await resource.get(name)).spec?.replicas, replicas)
    assert.equal((await read()).spec.replicas, replicas)
    await untilReady(c, namespace, name, replicas)
    await c.until(`${replicas} are counted`, async () => (await read()).status.replicas === replicas)
  }
  const scale = await read()
  assert.equal(scale.kind, 'Scale')
  await untilScaled(1)
  const updated = await resource.subresource<Scale, Scale>(name, 'scale', { ...scale, spec: { replicas: 2 } }, { method: 'PUT' })
  assert.equal(updated.spec.replicas, 2)
  await untilScaled(2)
  const patched = await resource.patch(name, { type: 'merge', body: { spec: { replicas: 4 } } }, { subresource: 'scale' })
  assert.deepEqual([patched.kind, patched.spec?.replicas], ['Scale', 4])
  await untilScaled(4)
}
