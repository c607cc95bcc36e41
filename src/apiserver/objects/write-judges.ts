import type { FieldError } from '../../machinery/field-error.ts'
import type { AdmissionRequest } from '../contract.ts'
import type { Resource } from '../registry.ts'

/** Part of a kind's validation of writes that needs more than the object: who asks, and what is beside it. */
export type WriteJudge = {
  handles(resource: Resource, subresource: string): boolean
  judge(request: AdmissionRequest): Promise<readonly FieldError[]>
}

/** What all judges of the resource say, in their order; undefined where there are none, as for nearly every write. */
export type JudgeWrite = (resource: Resource, request: AdmissionRequest) => Promise<readonly FieldError[]> | undefined

export function createWriteJudges(judges: readonly WriteJudge[]): JudgeWrite {
  return (resource, request) => {
    const found = judges.filter((judge) => judge.handles(resource, request.subresource))
    return found.length > 0 ? Promise.all(found.map((judge) => judge.judge(request))).then((errors) => errors.flat()) : undefined
  }
}
