import { backoffMs } from '../../../base/backoff.ts'
import type { Cancel } from '../../../base/clock.ts'
import type { Client } from '../../../client/contract.ts'
import type { ValidatingAdmissionPolicy } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { validatingAdmissionPolicies } from '../../../kinds/admissionregistration/validating-admission-policy.ts'
import { isStatus } from '../../../machinery/status-error.ts'
import type { Core } from '../../core.ts'
import { followPrefix } from '../../follow-prefix.ts'
import type { TypeCheckParts } from './type-checking.ts'

/** The name of upstream's controller: its fields are owned under it. */
const fieldManager = 'validatingadmissionpolicy-status'
const retrying = { initialMs: 1000, maxMs: 60_000, factor: 2, jitter: 0.1 } as const

type Parts = Pick<Core, 'registry' | 'storage' | 'clock' | 'random' | 'log'> & TypeCheckParts & { readonly client: Client }

/** Tells in the status of validating policies what a check of their types finds; resolves when the signal aborts. */
export async function typeCheckPolicies(parts: Parts, signal: AbortSignal): Promise<void> {
  const { registry, clock, random, log } = parts
  const { cache } = parts.storage
  const resource = registry.find('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies')
  if (!resource) return
  let failures = 0
  let cancel: Cancel | undefined
  let looking = Promise.resolve()
  const look = () => (looking = looking.then(lookOnce))
  const lookOnce = async () => {
    let hasFailed = false
    const unchecked = cache.list(resource.prefix).flatMap(({ value }) => {
      const policy = value.object as ValidatingAdmissionPolicy
      return (policy.metadata.generation ?? 0) > (policy.status?.observedGeneration ?? 0) ? [policy] : []
    })
    for (const policy of unchecked) {
      try {
        await writeStatus(parts, policy, signal)
      } catch (error) {
        if (signal.aborted) return
        if (isStatus(error, 'NotFound')) continue
        log.warn({ policy: policy.metadata.name, error: String(error) }, 'the types of a policy could not be checked')
        hasFailed = true
      }
    }
    cancel?.()
    failures = hasFailed ? failures + 1 : 0
    if (hasFailed) cancel = clock.schedule(backoffMs(retrying, failures - 1, random), () => void look())
  }
  const following = followPrefix(cache, resource.prefix, { look, signal })
  await look()
  await following
  cancel?.()
  await looking
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
