import { isStatus } from '../machinery/status-error.ts'

/** A creation was refused because its namespace is being deleted: there is nothing to retry. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!isStatus(error, 'Forbidden')) return false
  const hasCause = (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
  return hasCause || error.message.endsWith('because it is being terminated')
}
