import type { KindDefinition } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { AdmissionRequest, UserInfo } from '../contract.ts'
import type { RequestContext, WriteParameters } from '../core.ts'
import type { Resource } from '../registry.ts'

/** The admission chain's view of a write. */
export const admissionRequest = (context: RequestContext, write: AdmittedWrite): AdmissionRequest => new WriteAdmission(context, write)

export type AdmittedWrite = {
  readonly operation: AdmissionRequest['operation']
  readonly resource: Resource
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
  readonly dryRun: boolean
  readonly options: Readonly<Record<string, unknown>>
}

/** Of a class: see HttpContext in pipeline.ts. */
class WriteAdmission implements AdmissionRequest {
  readonly operation: AdmissionRequest['operation']
  readonly kind: KindDefinition
  readonly subresource: string
  readonly namespace: string | undefined
  readonly name: string
  readonly dryRun: boolean
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
  readonly options: Readonly<Record<string, unknown>>
  readonly #context: RequestContext

  constructor(context: RequestContext, write: AdmittedWrite) {
    this.operation = write.operation
    this.kind = write.resource.kind
    this.subresource = write.subresource
    this.namespace = write.namespace || undefined
    this.name = write.name
    this.dryRun = write.dryRun
    this.object = write.object
    this.old = write.old
    this.options = write.options
    this.#context = context
  }

  get verb(): string {
    return this.#context.verb
  }

  get user(): UserInfo {
    return this.#context.user
  }

  get signal(): AbortSignal {
    return this.#context.signal
  }

  warn(message: string): void {
    this.#context.warn(message)
  }

  annotate(key: string, value: string): void {
    this.#context.annotate?.(key, value)
  }
}

const apiVersion = 'meta.k8s.io/v1'
const plainOptions = { CreateOptions: { kind: 'CreateOptions', apiVersion }, UpdateOptions: { kind: 'UpdateOptions', apiVersion } } as const

/** The options of a write as webhooks see them. */
export function writeOptions(
  kind: 'CreateOptions' | 'UpdateOptions',
  { dryRun, fieldManager, fieldValidation, isValidationGiven }: WriteParameters,
): Readonly<Record<string, unknown>> {
  if (!dryRun && !fieldManager && !isValidationGiven) return plainOptions[kind]
  return {
    ...plainOptions[kind],
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(fieldManager ? { fieldManager } : {}),
    ...(isValidationGiven ? { fieldValidation } : {}),
  }
}
