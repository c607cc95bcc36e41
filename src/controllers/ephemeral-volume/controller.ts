import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { controllerOf, keyOf } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { planEphemeralClaims } from './plan.ts'

const { persistentVolumeClaims, pods } = kindRefs.coreV1

const hasEphemeral = ({ spec }: Pod) => (spec?.volumes ?? []).some(({ ephemeral }) => ephemeral)

/** Makes the claims of pods' generic ephemeral volumes; they go with their pods, by their owner reference. */
export const ephemeralVolumeController: ControllerDefinition = {
  name: 'ephemeral-volume',
  eventSource: 'ephemeral_volume',
  watches: [
    watchKind(pods, ({ current, old }) => (current && !old && hasEphemeral(current) ? [keyOf(current)] : [])),
    watchKind(persistentVolumeClaims, ({ current, old }) => {
      const owner = old && !current ? controllerOf(old) : undefined
      return owner?.kind === 'Pod' ? [`${old?.metadata.namespace}/${owner.name}`] : []
    }),
  ],
  writes: [persistentVolumeClaims],
  reconcile: async (context, key) => {
    const pod = context.informer(pods).get(key)
    if (!pod) return
    const { namespace } = pod.metadata
    const { create, conflicts } = planEphemeralClaims(pod, (name) => context.informer(persistentVolumeClaims).get(`${namespace}/${name}`))
    for (const message of conflicts) context.event(pod, { type: 'Warning', reason: 'FailedBinding', message })
    for (const claim of create) {
      try {
        await context.client.resource(persistentVolumeClaims, namespace).create(claim)
      } catch (error) {
        if (!isStatus(error, 'AlreadyExists')) throw error
      }
    }
  },
}
