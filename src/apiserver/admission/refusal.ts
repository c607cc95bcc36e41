import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { AdmissionRequest } from '../contract.ts'

/** 403 on the object of the request, by its name or, while the server has yet to make one, by what the name begins with. */
export function refusal(request: AdmissionRequest, why: string): StatusError {
  return statusErrors.forbidden({ group: request.kind.group, resource: request.kind.plural }, nameIn(request), why)
}

export function nameIn({ name, object }: AdmissionRequest): string {
  return name || object?.metadata.name || object?.metadata.generateName || 'Unknown'
}
