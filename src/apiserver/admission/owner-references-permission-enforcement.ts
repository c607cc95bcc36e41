import type { OwnerReference } from '../../machinery/object.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { parseApiVersion, type KubeObject } from '../../machinery/object.ts'
import type { AdmissionPlugin, Authorizer } from '../contract.ts'
import { refusal } from './refusal.ts'

type Parts = {
  readonly authorizer: Authorizer
  /** The resource of a kind, whichever server answers it. */
  readonly pluralOf: (apiVersion: string, kind: string) => string | undefined
}

/**
 * Who hands an object to an owner must be allowed to delete the object, and who lets it hold its owner back
 * (`blockOwnerDeletion`) to update the owner's finalizers. Off unless asked for, as upstream's.
 */
export function ownerReferencesPermissionEnforcement({ authorizer, pluralOf }: Parts): AdmissionPlugin {
  return {
    name: 'OwnerReferencesPermissionEnforcement',
    handles: (operation, { group, plural }, subresource) =>
      (operation === 'CREATE' || operation === 'UPDATE') && !(group === '' && plural === 'pods' && subresource === 'status'),
    validate: async (request) => {
      const { object, old, user, kind, namespace = '', name, subresource } = request
      if (!object || deepEqual(ownersOf(object), ownersOf(old))) return
      const may = (verb: string, what: { group: string; version: string; resource: string; subresource: string; name: string }) =>
        authorizer.authorize({ type: 'resource', user, verb, namespace, ...what }, request)
      const own = await may('delete', { group: kind.group, version: kind.version, resource: kind.plural, subresource, name })
      if (!own.allowed) throw refusal(request, `cannot set an ownerRef on a resource you can't delete: ${own.reason}, <nil>`)
      for (const owner of newlyBlocking(object, old)) {
        const plural = pluralOf(owner.apiVersion, owner.kind)
        if (plural === undefined) {
          const why = `cannot find RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}`
          throw refusal(request, `cannot set blockOwnerDeletion in this case because ${why}`)
        }
        const { group, version } = parseApiVersion(owner.apiVersion)
        const { allowed, reason } = await may('update', {
          group,
          version,
          resource: plural,
          subresource: 'finalizers',
          name: owner.name,
        })
        if (allowed) continue
        const why = `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${reason}, <nil>`
        throw refusal(request, why)
      }
    },
  }
}

const ownersOf = (object: KubeObject | undefined): readonly OwnerReference[] => object?.metadata.ownerReferences ?? []

function newlyBlocking(object: KubeObject, old: KubeObject | undefined): OwnerReference[] {
  const blocking = new Set(ownersOf(old).flatMap(({ uid, blockOwnerDeletion }) => (blockOwnerDeletion ? [uid] : [])))
  return ownersOf(object).filter(({ uid, blockOwnerDeletion }) => blockOwnerDeletion === true && !blocking.has(uid))
}
