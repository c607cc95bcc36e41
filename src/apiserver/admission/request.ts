import type { KubeObject } from '../../machinery/object.ts'
import type { AdmissionRequest } from '../contract.ts'
import type { RequestContext, WriteParameters } from '../core.ts'
import type { Resource } from '../registry.ts'

/** The admission chain's view of a write. */
export function admissionRequest(
  context: RequestContext,
  write: {
    readonly operation: AdmissionRequest['operation']
    readonly resource: Resource
    readonly subresource: string
    readonly namespace: string
    readonly name: string
    readonly object: KubeObject | undefined
    readonly old: KubeObject | undefined
    readonly dryRun: boolean
    readonly options: Readonly<Record<string, unknown>>
  },
): AdmissionRequest {
  return {
    operation: write.operation,
    verb: context.verb,
    kind: write.resource.kind,
    subresource: write.subresource,
    namespace: write.namespace || undefined,
    name: write.name,
    user: context.user,
    dryRun: write.dryRun,
    object: write.object,
    old: write.old,
    options: write.options,
    get signal() {
      return context.signal
    },
    warn: (message) => context.warn(message),
    annotate: (key, value) => context.annotate?.(key, value),
  }
}

/** The options of a write as webhooks see them. */
export function writeOptions(
  kind: 'CreateOptions' | 'UpdateOptions',
  { dryRun, fieldManager, fieldValidation, isValidationGiven }: WriteParameters,
): Readonly<Record<string, unknown>> {
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(fieldManager ? { fieldManager } : {}),
    ...(isValidationGiven ? { fieldValidation } : {}),
  }
}
