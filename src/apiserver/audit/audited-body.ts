import { deepClone } from '../../machinery/deep-clone.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Core } from '../core.ts'
import type { Resource } from '../registry.ts'
import type { Body, ExpectedKind } from '../verb-request.ts'
import { applyDefaults } from '../verbs/validation.ts'
import type { AuditTrail } from './audit-event.ts'

/** The body of a request that is recorded: what is first read of it is noted, as it is before anything is made of it. */
export function auditedBody(body: Body, trail: AuditTrail, { core, resource }: { readonly core: Core; readonly resource: Resource }): Body {
  const { level, omitManagedFields } = trail.verdict
  if (level === 'None') return body
  const isKept = level === 'Request' || level === 'RequestResponse'
  const note = (value: () => unknown, metadata?: KubeObject['metadata']) => {
    if (trail.sent) return
    const { name, namespace, uid, resourceVersion } = metadata ?? {}
    trail.sent = { metadata: { name, namespace, uid, resourceVersion }, ...(isKept ? { value: value() } : {}) }
  }
  const recorded = (object: KubeObject, expected: ExpectedKind) => {
    const copy = withDefaults(core, resource, expected, deepClone(object))
    if (omitManagedFields) delete copy.metadata?.managedFields
    return copy
  }
  return {
    isEmpty: body.isEmpty,
    object: (expected, context, validation) => {
      const object = body.object(expected, context, validation)
      note(() => recorded(object, expected), object.metadata)
      return object
    },
    patch: (accepted) => {
      const patch = body.patch(accepted)
      if (patch.fault === undefined) note(() => deepClone(patch.value))
      return patch
    },
    deletion: (context) => {
      const options = body.deletion(context)
      if (options) note(() => ({ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/__internal', ...options, ...dryRunOf(options) }))
      return options
    },
  }
}

/** Undefined fields are left out of events. */
const dryRunOf = ({ dryRun }: { readonly dryRun?: boolean }) => ({ dryRun: dryRun ? ['All'] : undefined })

function withDefaults(core: Core, resource: Resource, expected: ExpectedKind, object: KubeObject): KubeObject {
  object.metadata ??= {} as KubeObject['metadata']
  if (expected === resource.kind) applyDefaults(core, resource, object)
  else if (core.schemas.lookup(expected.schema)) {
    core.schemas.applyDefaults(expected.schema, object)
    core.schemas.fillZeroValues(expected.schema, object)
  }
  return object
}
