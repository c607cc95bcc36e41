import { namespaces } from '../../kinds/core/namespace.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { refusal } from './refusal.ts'

/** Namespaces that the system cannot be without. */
const immortal: readonly string[] = ['default', 'kube-system', 'kube-public']

/** Nothing is created in a namespace that is missing or on its way out; the system's own namespaces stay. */
export function namespaceLifecycle(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    treatsAlike: () => true,
    handles: (operation, kind) =>
      (operation === 'DELETE' && kind.group === '' && kind.kind === 'Namespace') ||
      (operation === 'CREATE' && kind.scope === 'Namespaced' && kind.kind !== 'LocalSubjectAccessReview'),
    admit: (request) => {
      if (request.operation === 'DELETE') return refuseImmortal(request)
      const { namespace = '' } = request
      const found = reader.get(namespaces, '', namespace)
      if (!found) throw statusErrors.notFound({ group: '', resource: 'namespaces' }, namespace)
      if (found.metadata.deletionTimestamp !== undefined || found.status?.phase === 'Terminating') throw terminating(request, namespace)
    },
  }
}

function refuseImmortal({ name }: AdmissionRequest): void {
  if (immortal.includes(name))
    throw statusErrors.forbidden({ group: '', resource: 'namespaces' }, name, 'this namespace may not be deleted')
}

function terminating(request: AdmissionRequest, namespace: string): StatusError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  const error = refusal(request, why)
  const causes = [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }]
  return new StatusError({ ...error.status, details: { ...error.status.details, causes } })
}
