/** The request as expressions see it: values for the names of expressions.ts. */
import { expressionTypes } from '../../../kinds/admissionregistration/expressions.ts'
import { namespaces } from '../../../kinds/core/namespace.ts'
import { authorizerValue, type ExpressionAuthorizer, resourceCheckValue } from '../../../machinery/cel/authorizer.ts'
import { celTypes } from '../../../machinery/cel/cel-type.ts'
import { fromJson } from '../../../machinery/cel/json-value.ts'
import type { Value } from '../../../machinery/cel/value.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import type { AdmissionRequest, UserInfo } from '../../contract.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import type { Resource } from '../../registry.ts'
import { isOwnKind, kindOf, namespaceOf, objectName, userOf, type VersionedObjects } from './attributes.ts'
import type { PromptAuthorizer } from './settled-answers.ts'

export type Bindings = Readonly<Record<string, Value | undefined>>

type Parts = { readonly reader: ObjectReader; readonly authorizer: PromptAuthorizer }

export function bindingsOf(
  { reader, authorizer }: Parts,
  request: AdmissionRequest,
  {
    resource,
    objects,
    params,
  }: { readonly resource: Resource; readonly objects: VersionedObjects; readonly params?: KubeObject | undefined },
): Bindings {
  const asking = expressionAuthorizer(authorizer, request.user)
  const { kind, subresource } = request
  const own = { group: kind.group, resource: kind.plural, subresource, namespace: namespaceOf(request), name: objectName(request) }
  return {
    object: fromJson(objects.object, celTypes.dyn),
    oldObject: fromJson(objects.old, celTypes.dyn),
    params: fromJson(params, celTypes.dyn),
    request: fromJson(requestOf(request, resource), expressionTypes.request),
    namespaceObject: namespaceValue(reader, request),
    authorizer: authorizerValue(asking),
    'authorizer.requestResource': resourceCheckValue(asking, own),
  }
}

/** What is empty is left out, as in what webhooks get. */
function requestOf(request: AdmissionRequest, resource: Resource): object {
  const { kind, subresource, operation, user, dryRun, options } = request
  const carried = kindOf(request)
  const asked = isOwnKind(request) ? resource.kind : carried
  const place = ({ group, version, plural }: { group: string; version: string; plural: string }) => ({ group, version, resource: plural })
  const named = ({ group, version, kind: name }: { group: string; version: string; kind: string }) => ({ group, version, kind: name })
  const name = objectName(request)
  const namespace = namespaceOf(request)
  return {
    kind: named(asked),
    resource: place(resource.kind),
    ...(subresource ? { subResource: subresource, requestSubResource: subresource } : {}),
    requestKind: named(carried),
    requestResource: place(kind),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    operation,
    userInfo: userOf(user),
    dryRun,
    options,
  }
}

/** What of its namespace a request's expressions may see; null where it lies in none. */
function namespaceValue(reader: ObjectReader, request: AdmissionRequest): Value {
  const name = namespaceOf(request)
  if (name === '' || request.kind.scope === 'Cluster') return null
  const found = reader.get(namespaces, '', name)
  if (!found) return null
  const { managedFields: _m, ownerReferences: _o, ...metadata } = found.metadata
  return fromJson({ metadata, spec: found.spec ?? {}, status: { phase: found.status?.phase ?? '' } }, expressionTypes.namespace)
}

function expressionAuthorizer(authorizer: PromptAuthorizer, self: UserInfo): ExpressionAuthorizer {
  return {
    check: ({ serviceAccount, verb, path, group = '', resource = '', subresource = '', namespace = '', name = '' }) => {
      const user = serviceAccount ? accountUser(serviceAccount) : self
      const { allowed, reason, error } = authorizer.authorize(
        path === undefined
          ? { type: 'resource', user, verb, group, version: '*', resource, subresource, namespace, name }
          : { type: 'path', user, verb, path },
      )
      return { allowed, reason, ...(error === undefined ? {} : { error }) }
    },
  }
}

function accountUser({ namespace, name }: { readonly namespace: string; readonly name: string }): UserInfo {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
  return { name: `system:serviceaccount:${namespace}:${name}`, groups }
}
