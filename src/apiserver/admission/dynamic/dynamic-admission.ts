import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../kinds/generated/types/admissionregistration-v1.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import type { WatchCache } from '../../../store/watch-cache-contract.ts'
import type { CachedObject } from '../../cached-object.ts'
import type { AdmissionPlugin, Authorizer } from '../../contract.ts'
import { followPrefix } from '../../follow-prefix.ts'
import type { ObjectReader } from '../../object-reader.ts'
import type { CallParts } from '../webhooks/call-webhook.ts'
import { type HookSet, hookSet } from '../webhooks/hooks.ts'
import { mutatingWebhooks } from '../webhooks/mutating-webhooks.ts'
import { validatingWebhooks } from '../webhooks/validating-webhooks.ts'

export type DynamicAdmissionParts = CallParts & {
  readonly cache: WatchCache<CachedObject>
  readonly reader: ObjectReader
  readonly schemas: SchemaSet
  readonly authorizer: Authorizer
}

export type DynamicAdmission = {
  /** In upstream's order; they come after all built-in ones. */
  readonly plugins: readonly AdmissionPlugin[]
  /** Resolves when the signal has aborted and nothing is followed any more. */
  readonly ended: Promise<void>
}

type Configuration = KubeObject & (MutatingWebhookConfiguration | ValidatingWebhookConfiguration)

/**
 * Admission by objects that come and go while the server runs: webhooks and policies. What is stored is compiled when it
 * changes, never on a request; a request costs nothing while nothing is configured for it.
 */
export function dynamicAdmission(parts: DynamicAdmissionParts, signal: AbortSignal): DynamicAdmission {
  const followed: Promise<void>[] = []
  const hooksOf = (plural: string): (() => HookSet) => {
    const resource = parts.registry.find('admissionregistration.k8s.io', 'v1', plural)
    let hooks = hookSet([], parts)
    if (!resource) return () => hooks
    const look = () => {
      hooks = hookSet(
        parts.cache.list(resource.prefix).map(({ value }) => value.object as Configuration),
        parts,
      )
    }
    followed.push(followPrefix(parts.cache, resource.prefix, { look, signal }))
    look()
    return () => hooks
  }
  return {
    plugins: [
      mutatingWebhooks({ ...parts, hooks: hooksOf('mutatingwebhookconfigurations') }),
      validatingWebhooks({ ...parts, hooks: hooksOf('validatingwebhookconfigurations') }),
    ],
    ended: Promise.all(followed).then(() => {}),
  }
}
