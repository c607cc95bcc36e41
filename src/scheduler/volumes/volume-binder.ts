import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { LoopContext } from '../../control/contract.ts'
import type { PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Reservation } from '../core/judgement.ts'
import { waitForChange } from '../wait-for-change.ts'
import { volumeAnnotations } from '../../kinds/storage/volume-binding.ts'
import type { VolumePlan } from './volume-binding.ts'
import type { VolumeSources } from './volume-sources.ts'

const { bindCompleted, boundByController, selectedNode } = volumeAnnotations

/** How long a pod waits for its volumes before it is decided anew; upstream's bindTimeoutSeconds. */
const bindTimeoutMs = 600_000

export type VolumeBinder = {
  /** Whether a decided pod has the volume already, though the API does not show it yet. */
  readonly isTaken: (volume: string) => boolean
  readonly reserve: (plan: VolumePlan, nodeName: string) => Reservation
}

/** Carries out volume plans: names claims on volumes, names nodes on claims, and waits until the volumes' controllers have bound them. */
export function createVolumeBinder(context: LoopContext, sources: VolumeSources): VolumeBinder {
  const taken = new Map<string, string>()
  return {
    isTaken: (volume) => taken.has(volume),
    reserve: (plan, nodeName) => {
      for (const { claim, volume } of plan.bind) taken.set(volume.metadata.name!, keyOf(claim))
      const release = () => {
        for (const { claim, volume } of plan.bind)
          if (taken.get(volume.metadata.name!) === keyOf(claim)) taken.delete(volume.metadata.name!)
      }
      return {
        plugin: 'VolumeBinding',
        release,
        prepare: async (signal) => {
          await write(context, plan, nodeName, signal)
          await allBound({ context, sources, plan, nodeName, signal })
          release()
        },
      }
    },
  }
}

async function write({ client }: LoopContext, { bind, provision }: VolumePlan, nodeName: string, signal: AbortSignal): Promise<void> {
  const { persistentVolumes, persistentVolumeClaims } = kindRefs.coreV1
  for (const { claim, volume } of bind) {
    const { name, namespace, uid, resourceVersion } = claim.metadata
    const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', name, namespace, uid, resourceVersion }
    const body = {
      metadata: { resourceVersion: volume.metadata.resourceVersion, annotations: { [boundByController]: 'yes' } },
      spec: { claimRef },
    }
    await client.resource(persistentVolumes).patch(volume.metadata.name!, { type: 'merge', body }, { signal })
  }
  for (const { metadata } of provision) {
    if (metadata.annotations?.[selectedNode] === nodeName) continue
    const body = { metadata: { resourceVersion: metadata.resourceVersion, annotations: { [selectedNode]: nodeName } } }
    await client.resource(persistentVolumeClaims, metadata.namespace).patch(metadata.name!, { type: 'merge', body }, { signal })
  }
}

type Waiting = {
  readonly context: LoopContext
  readonly sources: VolumeSources
  readonly plan: VolumePlan
  readonly nodeName: string
  readonly signal: AbortSignal
}

/** Resolves when every claim is bound; rejects when a provisioner gave up on the node, a claim is gone, or after ten minutes. */
async function allBound({ context, sources, plan, nodeName, signal }: Waiting): Promise<void> {
  const waiting = new Set([...plan.bind.map((b) => keyOf(b.claim)), ...plan.provision.map(keyOf)])
  // Claims that the informer has shown with the node's name: without it afterwards, the provisioner gave the node back.
  const offered = new Set<string>()
  await waitForChange({
    clock: context.clock,
    onChange: (listener) => sources.claims.onChange(listener),
    isDone: () => {
      for (const key of waiting) if (isBound(sources.claims.get(key), { key, nodeName, offered })) waiting.delete(key)
      return waiting.size === 0
    },
    timeoutMs: bindTimeoutMs,
    late: 'binding volumes: timed out waiting for the condition',
    signal,
  })
}

function isBound(
  claim: PersistentVolumeClaim | undefined,
  { key, nodeName, offered }: { readonly key: string; readonly nodeName: string; readonly offered: Set<string> },
): boolean {
  if (!claim || claim.metadata.deletionTimestamp !== undefined) throw new Error(`claim ${key} is gone`)
  const { annotations } = claim.metadata
  if (claim.spec?.volumeName && annotations?.[bindCompleted] !== undefined) return true
  if (annotations?.[selectedNode] === nodeName) offered.add(key)
  else if (offered.has(key)) throw new Error(`provisioning failed for PVC ${JSON.stringify(claim.metadata.name)}`)
  return false
}
