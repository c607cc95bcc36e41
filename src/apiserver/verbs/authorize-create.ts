import type { Core, RequestContext } from '../core.ts'
import { refusal } from '../authn/identity.ts'
import type { VerbRequest } from '../verb-request.ts'

/** A change that would make an object is a create of it, and needs the right to create. Throws 403. */
export async function authorizeCreate(core: Core, context: RequestContext, { resource, namespace, name }: VerbRequest): Promise<void> {
  const { user } = context
  const { group, version, plural } = resource.kind
  const attributes = { type: 'resource', user, verb: 'create', group, version, resource: plural, subresource: '', namespace, name } as const
  const decision = await core.authorizer.authorize(attributes, context)
  if (!decision.allowed) throw refusal(attributes, decision)
}
