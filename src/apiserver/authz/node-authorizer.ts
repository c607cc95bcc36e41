/**
 * What a node's agent may do: only what concerns itself and the pods bound to it
 * (https://kubernetes.io/docs/reference/access-authn-authz/node/). Whose object is written is what admission (NodeRestriction)
 * judges, where the object is known.
 */
import type { PolicyRule } from '../../kinds/generated/types/rbac-v1.ts'
import type { Attributes, Authorizer } from '../contract.ts'
import type { NodeGraph } from './node-graph.ts'
import { allowsResource, compileRule } from './rule.ts'
import { nodeRules } from './system-roles.ts'

type ResourceAttributes = Extract<Attributes, { type: 'resource' }>
type Decision = { readonly allowed: boolean; readonly reason: string }
type Question = { readonly a: ResourceAttributes; readonly nodeName: string; readonly graph: NodeGraph }

const nodesGroup = 'system:nodes'
const userPrefix = 'system:node:'

/** The node's name when the user is a node's agent. */
export function nodeNameOf(user: { readonly name: string; readonly groups: readonly string[] }): string | undefined {
  return user.groups.includes(nodesGroup) && user.name.startsWith(userPrefix) ? user.name.slice(userPrefix.length) : undefined
}

const allow: Decision = { allowed: true, reason: '' }
const refuse = (reason = ''): Decision => ({ allowed: false, reason })

export function createNodeAuthorizer(graph: NodeGraph, rules: readonly PolicyRule[] = nodeRules): Authorizer {
  const compiled = rules.map(compileRule)
  return {
    authorize: (a) => {
      const nodeName = nodeNameOf(a.user)
      if (nodeName === undefined || a.type === 'path') return refuse()
      if (nodeName === '') return refuse(`unknown node for user ${JSON.stringify(a.user.name)}`)
      const judge = judges[`${a.group}/${a.resource}`]
      if (judge) return judge({ a, nodeName, graph })
      return compiled.some((rule) => allowsResource(rule, a)) ? allow : refuse()
    },
    rulesFor: (user) => ({
      resourceRules: [],
      nonResourceRules: [],
      ...(nodeNameOf(user) === undefined ? {} : { evaluationError: 'node authorizer does not support user rule resolution' }),
    }),
  }
}

/** What is not listed here is for all nodes alike, by the rules of the role `system:node`. */
const judges: Readonly<Record<string, (question: Question) => Decision>> = {
  '/secrets': readNamed,
  '/configmaps': readNamed,
  '/persistentvolumeclaims': (q) => (q.a.subresource === 'status' ? writeStatus(q) : getOne(q)),
  '/persistentvolumes': getOne,
  'resource.k8s.io/resourceclaims': getOne,
  'storage.k8s.io/volumeattachments': getOne,
  '/serviceaccounts': serviceAccount,
  'coordination.k8s.io/leases': lease,
  'storage.k8s.io/csinodes': csiNode,
  'resource.k8s.io/resourceslices': resourceSlice,
  '/nodes': node,
  '/pods': pod,
}

function related({ a, nodeName, graph }: Question): Decision {
  if (a.name === '') return refuse('No Object name found')
  return graph.refers(nodeName, a.resource, a.namespace, a.name)
    ? allow
    : refuse(`no relationship found between node '${nodeName}' and this object`)
}

/** A watch or list of one object by name is how agents follow what their pods use. */
function readNamed(q: Question): Decision {
  const { a } = q
  if (a.verb !== 'get' && a.verb !== 'list' && a.verb !== 'watch') return refuse('can only read resources of this type')
  if (a.subresource !== '') return refuse('cannot read subresource')
  if (a.namespace === '') return refuse('can only read namespaced object of this type')
  return related(q)
}

function getOne(q: Question): Decision {
  if (q.a.verb !== 'get') return refuse('can only get individual resources of this type')
  if (q.a.subresource !== '') return refuse('cannot get subresource')
  return related(q)
}

function writeStatus(q: Question): Decision {
  return q.a.verb === 'update' || q.a.verb === 'patch' ? related(q) : refuse('can only get/update/patch this type')
}

function serviceAccount(q: Question): Decision {
  if (q.a.subresource === '' && q.a.verb === 'get') return readNamed(q)
  if (q.a.verb !== 'create' || q.a.name === '') return refuse('can only create tokens for individual service accounts')
  if (q.a.subresource !== 'token') return refuse('can only create token subresource of serviceaccount')
  return related(q)
}

const ownVerbs = new Set(['get', 'create', 'update', 'patch', 'delete'])

/** The name of what is created is for admission to judge. */
function lease({ a, nodeName }: Question): Decision {
  if (!ownVerbs.has(a.verb)) return refuse('can only get, create, update, patch, or delete a node lease')
  if (a.namespace !== 'kube-node-lease') return refuse('can only access leases in the "kube-node-lease" system namespace')
  if (a.verb !== 'create' && a.name !== nodeName) return refuse('can only access node lease with the same name as the requesting node')
  return allow
}

function csiNode({ a, nodeName }: Question): Decision {
  if (!ownVerbs.has(a.verb)) return refuse('can only get, create, update, patch, or delete a CSINode')
  if (a.subresource !== '') return refuse('cannot authorize CSINode subresources')
  if (a.verb !== 'create' && a.name !== nodeName) return refuse('can only access CSINode with the same name as the requesting node')
  return allow
}

function resourceSlice(q: Question): Decision {
  const { a, nodeName } = q
  if (a.subresource !== '') return refuse('cannot authorize ResourceSlice subresources')
  if (a.verb === 'create') return allow
  if (ownVerbs.has(a.verb)) return related(q)
  if (a.verb !== 'watch' && a.verb !== 'list' && a.verb !== 'deletecollection')
    return refuse(
      'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
    )
  return selects(a, 'spec.nodeName', nodeName) || selects(a, 'nodeName', nodeName)
    ? allow
    : refuse('can only list/watch/deletecollection resourceslices with nodeName field selector')
}

const selects = (a: ResourceAttributes, field: string, value: string) =>
  a.fieldSelector?.some((term) => term.field === field && term.op === '=' && term.value === value) ?? false

/** By name and not by graph: an agent looks for its Node before there is one. */
function node({ a, nodeName }: Question): Decision {
  if (a.subresource === 'status') return a.verb === 'update' || a.verb === 'patch' ? allow : refuse()
  if (a.subresource !== '') return refuse()
  if (a.verb === 'create' || a.verb === 'update' || a.verb === 'patch') return allow
  if (a.verb !== 'get' && a.verb !== 'list' && a.verb !== 'watch') return refuse()
  if (a.name === nodeName) return allow
  return refuse(
    a.name === ''
      ? `node '${nodeName}' cannot read all nodes, only its own Node object`
      : `node '${nodeName}' cannot read '${a.name}', only its own Node object`,
  )
}

function pod(q: Question): Decision {
  const { a, nodeName } = q
  if (a.subresource === 'status') return a.verb === 'update' || a.verb === 'patch' ? allow : refuse()
  if (a.subresource === 'eviction') return a.verb === 'create' ? allow : refuse()
  if (a.subresource !== '') return refuse()
  if (a.verb === 'get') return getOne(q)
  if (a.verb === 'create' || a.verb === 'delete') return allow
  if (a.verb !== 'list' && a.verb !== 'watch') return refuse()
  if (selects(a, 'spec.nodeName', nodeName)) return allow
  return a.name === '' ? refuse('can only list/watch pods with spec.nodeName field selector') : related(q)
}
