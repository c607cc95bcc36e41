import type { Client } from '../../../client/contract.ts'
import type { ValidatingAdmissionPolicy } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { validatingAdmissionPolicies } from '../../../kinds/admissionregistration/validating-admission-policy.ts'
import { isStatus } from '../../../machinery/status-error.ts'
import type { Core } from '../../core.ts'
import { followPrefix } from '../../follow-prefix.ts'
import { retried } from '../../retried.ts'
import type { TypeCheckParts } from './type-checking.ts'

/** The name of upstream's controller: its fields are owned under it. */
const fieldManager = 'validatingadmissionpolicy-status'

type Parts = Pick<Core, 'registry' | 'storage' | 'clock' | 'random' | 'log'> & TypeCheckParts & { readonly client: Client }

/** Tells in the status of validating policies what a check of their types finds; resolves when the signal aborts. */
export async function typeCheckPolicies(parts: Parts, signal: AbortSignal): Promise<void> {
  const { registry, log } = parts
  const { cache } = parts.storage
  const resource = registry.find('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies')
  if (!resource) return
  const checking = retried(parts, async () => {
    let isDone = true
    const unchecked = cache.list(resource.prefix).flatMap(({ value }) => {
      const policy = value.object as ValidatingAdmissionPolicy
      return (policy.metadata.generation ?? 0) > (policy.status?.observedGeneration ?? 0) ? [policy] : []
    })
    for (const policy of unchecked) {
      try {
        await writeStatus(parts, policy, signal)
      } catch (error) {
        if (signal.aborted) return true
        if (isStatus(error, 'NotFound')) continue
        log.warn({ policy: policy.metadata.name, error: String(error) }, 'the types of a policy could not be checked')
        isDone = false
      }
    }
    return isDone
  })
  const following = followPrefix(cache, resource.prefix, { look: () => checking.look(), signal })
  await checking.look()
  await following
  await checking.end()
}

async function writeStatus(parts: Parts, policy: ValidatingAdmissionPolicy, signal: AbortSignal): Promise<void> {
  const { typeWarnings } = await import('./type-checking.ts')
  const { name = '', generation = 0 } = policy.metadata
  const expressionWarnings = typeWarnings(policy, parts)
  const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {}
  await parts.client
    .resource(validatingAdmissionPolicies)
    .apply(
      { metadata: { name }, status: { observedGeneration: generation, typeChecking } },
      { fieldManager, force: true, subresource: 'status', signal },
    )
}
