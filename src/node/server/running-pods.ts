import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { RuntimePod } from '../runtime/contract.ts'

/** Pods as the engine holds them, for `/runningpods/`. Pure. */
export function runningPods(sandboxes: readonly RuntimePod[]): Pod[] {
  return sandboxes
    .filter(({ state }) => state === 'Ready')
    .map(({ name, namespace, uid, containers }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, uid },
      spec: {
        containers: containers
          .filter(({ state }) => state === 'Running')
          .map(({ name: container, image }) => ({ name: container, image, resources: {} })),
      },
      status: {},
    }))
}

/** An engine may be started anew within this time without the node being called ill, as upstream has it. */
const silenceMsMax = 180_000

/** What keeps the node from following its pods; undefined: nothing. Pure. */
export function syncTrouble(failingSinceMs: number | undefined, nowMs: number): string | undefined {
  if (failingSinceMs === undefined || nowMs - failingSinceMs < silenceMsMax) return undefined
  return `the container engine has not answered for ${Math.round((nowMs - failingSinceMs) / 1000)}s`
}
