import type { ValidatingAdmissionPolicy } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { isStatus } from '../../../machinery/status-error.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import type { Core } from '../../core.ts'
import { followPrefix } from '../../follow-prefix.ts'
import { mutateObject } from '../../verbs/mutate.ts'

/** Tells in the status of validating policies what a check of their types finds; resolves when the signal aborts. */
export async function typeCheckPolicies(core: Core, signal: AbortSignal): Promise<void> {
  const resource = core.registry.find('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies')
  if (!resource) return
  const { cache } = core.storage
  const isChecked = ({ metadata, status }: ValidatingAdmissionPolicy) =>
    status?.typeChecking !== undefined && status.observedGeneration === metadata.generation
  const look = async () => {
    const unchecked = cache.list(resource.prefix).flatMap(({ value }) => {
      const policy = value.object as ValidatingAdmissionPolicy
      return isChecked(policy) ? [] : [policy.metadata.name ?? '']
    })
    if (unchecked.length === 0) return
    const { typeCheckedStatus } = await import('./type-checking.ts')
    for (const name of unchecked) {
      try {
        await mutateObject<KubeObject & ValidatingAdmissionPolicy>(core, { resource, namespace: '', name }, (policy) => {
          if (!isChecked(policy)) policy.status = typeCheckedStatus(policy, core)
        })
      } catch (error) {
        if (signal.aborted) return
        if (!isStatus(error, 'NotFound'))
          core.log.warn({ policy: name, error: String(error) }, 'the types of a policy could not be checked')
      }
    }
  }
  const following = followPrefix(cache, resource.prefix, { look, signal })
  await look()
  await following
}
