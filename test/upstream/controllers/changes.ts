/** When something last changed in each namespace, and to each object of the cluster. */
import { type Clock, sleep } from '../../../src/base/clock.ts'
import type { Client, WatchEvent } from '../../../src/client/contract.ts'
import { allKinds } from '../../../src/kinds/all.ts'
import type { KindRef } from '../../../src/kinds/kind.ts'
import type { KubeObject } from '../../../src/machinery/object.ts'
import { isStatus } from '../../../src/machinery/status-error.ts'

export type Changes = {
  /** `now` as it was; 0: never. */
  lastMs(namespace: string): number
  lastOfMs(kind: KindRef, name: string): number
}

/** Before a watch that the server ended is begun again. */
const againMs = 200

export function followChanges(client: Client, clock: Clock, signal: AbortSignal): Changes {
  const last = new Map<string, number>()
  const followed = allKinds.filter((kind) => kind.persisted && !kind.storedAs && kind.verbs.includes('watch') && isFollowed(kind))
  for (const kind of followed) void follow({ client, clock, signal }, kind, (object) => last.set(keyOf(kind, object.metadata), clock.now()))
  return {
    lastMs: (namespace) => last.get(namespace) ?? 0,
    lastOfMs: (kind, name) => last.get(keyOf(kind, { name })) ?? 0,
  }
}

/** Nodes say with leases that they are there; events are the same in both groups. */
const isFollowed = (kind: KindRef) => kind.group !== 'events.k8s.io' && kind.group !== 'keelson.dev' && kind.kind !== 'Lease'

/** Of a namespace all count as one. */
function keyOf(kind: KindRef, { namespace, name }: KubeObject['metadata']): string {
  if (namespace !== undefined) return namespace
  return kind.kind === 'Namespace' ? (name ?? '') : `${kind.kind}/${name}`
}

type Following = { readonly client: Client; readonly clock: Clock; readonly signal: AbortSignal }

/** A kind that is not served has no changes. An event that is told again is none. */
async function follow({ client, clock, signal }: Following, kind: KindRef, note: (object: KubeObject) => void): Promise<void> {
  const isChange = ({ type }: WatchEvent<KubeObject>) => (kind.kind === 'Event' ? type === 'ADDED' : type !== 'BOOKMARK')
  while (!signal.aborted)
    try {
      for await (const event of client.resource(kind).watch({ signal, resourceVersion: '0' }))
        if (event.type !== 'BOOKMARK' && isChange(event)) note(event.object)
      await sleep(clock, againMs, signal)
    } catch (error) {
      if (signal.aborted || isStatus(error, 'NotFound')) return
      throw error
    }
}
