import type { KubeObject } from '../../machinery/object.ts'
import { StatusError } from '../../machinery/status-error.ts'

/**
 * On a Binding: the API server is to refuse it with a conflict when the node has no room for the pod any more. Schedulers that share a
 * cluster ask for it; it is not passed on to the pod.
 */
export const checkFitAnnotation = 'keelson.dev/check-fit'

/** The reason of the causes of such a conflict: one cause for each thing that the node lacks. */
export const noLongerFits = 'NodeNoLongerFits'

export function asksForFit({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[checkFitAnnotation] === 'true'
}

/** Whether somebody else took the room meanwhile. */
export function isFitConflict(error: unknown): boolean {
  return error instanceof StatusError && error.code === 409 && error.status.details?.causes?.some((c) => c.reason === noLongerFits) === true
}
