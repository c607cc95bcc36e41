import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../kinds/generated/types/admissionregistration-v1.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import type { WatchCache } from '../../../store/watch-cache-contract.ts'
import type { CachedObject } from '../../objects/cached-object.ts'
import type { AdmissionPlugin, Authorizer } from '../../contract.ts'
import { followPrefix } from '../../follow-prefix.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import type { ObjectStorage } from '../../objects/object-storage.ts'
import { mutatingPolicies } from '../policies/mutating-policies.ts'
import { type BindingObject, type PolicyObject, type PolicySet, policySet } from '../policies/policy-set.ts'
import type { PolicyMetrics } from '../policies/policy-metrics.ts'
import { validatingPolicies } from '../policies/validating-policies.ts'
import type { CallParts } from '../webhooks/call-webhook.ts'
import { hookSet } from '../webhooks/hooks.ts'
import { mutatingWebhooks } from '../webhooks/mutating-webhooks.ts'
import { validatingWebhooks } from '../webhooks/validating-webhooks.ts'

export type DynamicAdmissionParts = CallParts & {
  readonly policyMetrics: PolicyMetrics
  readonly cache: WatchCache<CachedObject>
  readonly reader: ObjectReader
  readonly schemas: SchemaSet
  readonly authorizer: Authorizer
  readonly storage: () => ObjectStorage
}

export type DynamicAdmission = {
  /** In upstream's order; they come after all built-in ones. */
  readonly plugins: readonly AdmissionPlugin[]
  /** Resolves when the signal has aborted and nothing is followed any more. */
  readonly ended: Promise<void>
}

/**
 * Admission by objects that come and go while the server runs: webhooks and policies. What is stored is compiled when it
 * changes, never on a request; a request costs nothing while nothing is configured for it.
 */
export function dynamicAdmission(parts: DynamicAdmissionParts, signal: AbortSignal): DynamicAdmission {
  const followed: Promise<void>[] = []
  const follow = <T>(plurals: readonly string[], make: (...lists: readonly (readonly never[])[]) => T): (() => T) => {
    const resources = plurals.flatMap((plural) => parts.registry.find('admissionregistration.k8s.io', 'v1', plural) ?? [])
    let value = make(...plurals.map(() => []))
    if (resources.length < plurals.length) return () => value
    // The cast: what is stored under a kind's prefix is of that kind.
    const listOf = (prefix: string) => parts.cache.list(prefix).map((entry) => entry.value.object) as unknown as readonly never[]
    const look = () => {
      value = make(...resources.map(({ prefix }) => listOf(prefix)))
    }
    for (const { prefix } of resources) followed.push(followPrefix(parts.cache, prefix, { look, signal }))
    look()
    return () => value
  }
  const hooksOf = (plural: string) => follow([plural], (configurations = []) => hookSet(configurations, parts))
  const policiesOf = <P extends PolicyObject, B extends BindingObject>(plural: string, bindings: string) =>
    follow<PolicySet<P, B>>([plural, bindings], (policies = [], bound = []) => policySet<P, B>(policies, bound, parts))
  const validating = policiesOf<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>(
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
  )
  const mutating = policiesOf<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>(
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
  )
  return {
    plugins: [
      mutatingPolicies({ ...parts, policies: mutating }),
      mutatingWebhooks({ ...parts, hooks: hooksOf('mutatingwebhookconfigurations') }),
      validatingPolicies({ ...parts, policies: validating }),
      validatingWebhooks({ ...parts, hooks: hooksOf('validatingwebhookconfigurations') }),
    ],
    ended: Promise.all(followed).then(() => {}),
  }
}
