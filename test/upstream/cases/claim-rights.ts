/** Who may say which devices a claim got, and what has become of them. */
import { type Case, clusterWide, create, merged, namespaced, patch, read, replace, type Request } from '../upstream-case.ts'

const claims = namespaced('resource.k8s.io/v1', 'resourceclaims')
const rbac = (plural: string) => clusterWide('rbac.authorization.k8s.io/v1', plural)
const account = 'system:serviceaccount:upstream-claim-rights:driver'

type Rule = { readonly verbs: string[]; readonly apiGroups: string[]; readonly resources: string[]; readonly resourceNames?: string[] }
const rule = (verbs: string, resource: string, ...names: string[]): Rule => ({
  verbs: verbs.split(' '),
  apiGroups: ['resource.k8s.io'],
  resources: [resource],
  ...(names.length > 0 ? { resourceNames: names } : {}),
})
const status = rule('get update patch', 'resourceclaims/status')
const granted = (name: string, user: string, ...rules: Rule[]): Request[] => [
  create(rbac('clusterroles'), { metadata: { name: `upstream-${name}` }, rules: [rule('get', 'resourceclaims'), status, ...rules] }),
  create(rbac('clusterrolebindings'), {
    metadata: { name: `upstream-${name}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `upstream-${name}` },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
  }),
]
const users = ['only-status', 'binder', 'patching-binder', 'any-driver', 'one-driver', account]

export const given: readonly Request[] = [
  ...granted('only-status', 'only-status'),
  ...granted('binder', 'binder', rule('update', 'resourceclaims/binding')),
  ...granted('patching-binder', 'patching-binder', rule('patch', 'resourceclaims/binding')),
  ...granted('any-driver', 'any-driver', rule('arbitrary-node:patch arbitrary-node:update', 'resourceclaims/driver')),
  ...granted('one-driver', 'one-driver', rule('arbitrary-node:patch', 'resourceclaims/driver', 'gpu.example.com')),
  ...granted('account', account, rule('associated-node:patch', 'resourceclaims/driver', 'gpu.example.com')),
  // Roles are known a moment after they are made.
  ...users.map((as): Request => ({ ...read(`${claims}/none`), as, until: 404 })),
]

const claim = { metadata: { name: 'claim' }, spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpus' } }] } } }
const result = (driver: string) => ({ request: 'gpu', driver, pool: 'p', device: 'd' })
const onNode = (name: string) => ({
  nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
})
const allocation = {
  devices: { results: [result('gpu.example.com'), result('net.example.com')] },
  nodeSelector: onNode('a'),
}
const reserved = { reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] }
const told = (driver: string, data: object = {}) => ({ driver, pool: 'p', device: 'd', data })
const at = `${claims}/claim/status`
const as = (user: string, request: Request): Request => ({ ...request, as: user })
const onIts = (node: string, request: Request): Request => ({
  ...request,
  as: account,
  headers: { 'impersonate-extra-authentication.kubernetes.io%2fnode-name': node },
})
const writes = (value: object): Request => patch('merge', at, { status: value })

const unallocated = (name: string, ...steps: Request[]): Case => ({ name, given: [create(claims, claim)], steps })
const allocated = (name: string, ...steps: Request[]): Case => ({
  name,
  given: [create(claims, claim), writes({ allocation, devices: [told('gpu.example.com', { a: 1 })] })],
  steps,
})

export const cases: readonly Case[] = [
  unallocated('an allocation without the right', as('only-status', writes({ allocation })), as('any-driver', writes({ allocation }))),
  unallocated('an allocation with the right to another verb', as('binder', writes({ allocation }))),
  unallocated('an allocation with the right', as('patching-binder', writes({ allocation }))),
  unallocated('a replacement with the right', as('binder', replace(at, merged(claim, { status: { allocation } })))),
  unallocated('devices of what has none', as('only-status', writes({ devices: [told('gpu.example.com')] }))),
  unallocated('nothing', as('only-status', writes({}))),
  unallocated('an allocation with devices', as('patching-binder', writes({ allocation, devices: [told('gpu.example.com')] }))),
  unallocated(
    'an unsound allocation without the right',
    as('only-status', writes({ allocation: { devices: { results: [{ request: 'none', driver: 'A', pool: '', device: 'd' }] } } })),
  ),
  allocated(
    'unsound devices without the right',
    as('only-status', writes({ devices: [{ ...told('net.example.com'), conditions: [{ type: '' }] }] })),
  ),
  unallocated(
    'a finalizer of no domain and an allocation without the right',
    as('only-status', patch('merge', at, { metadata: { finalizers: ['x'] }, status: { allocation } })),
  ),
  unallocated(
    'access as administrator in a namespace that is not marked, without the right',
    as('only-status', writes({ allocation: { devices: { results: [{ ...result('gpu.example.com'), adminAccess: true }] } } })),
  ),
  allocated('a reservation without the right', as('only-status', writes(reserved))),
  allocated('a reservation with the right', as('patching-binder', writes(reserved))),
  allocated('an allocation taken away without the right', as('any-driver', writes({ allocation: null }))),
  allocated('devices without the right', as('only-status', writes({ devices: [told('gpu.example.com', { a: 2 })] }))),
  allocated('the same devices', as('only-status', writes({ devices: [told('gpu.example.com', { a: 1 })] }))),
  allocated('devices of a driver', as('one-driver', writes({ devices: [told('gpu.example.com', { a: 2 })] }))),
  allocated(
    'devices of two drivers, one of them with the right',
    as('one-driver', writes({ devices: [told('gpu.example.com', { a: 2 }), told('net.example.com')] })),
  ),
  allocated(
    'devices of two drivers with the right to any',
    as('any-driver', writes({ devices: [told('gpu.example.com', { a: 2 }), told('net.example.com')] })),
  ),
  allocated('devices of two drivers without the right', as('only-status', writes({ devices: [told('net.example.com')] }))),
  allocated('devices no longer told of', as('only-status', writes({ devices: null }))),
  allocated('devices by an account on the node', onIts('a', writes({ devices: [told('gpu.example.com', { a: 2 })] }))),
  allocated('devices by an account on another node', onIts('b', writes({ devices: [told('gpu.example.com', { a: 2 })] }))),
  allocated('devices by an account on no node', as(account, writes({ devices: [told('gpu.example.com', { a: 2 })] }))),
  allocated('devices of another driver by an account on the node', onIts('a', writes({ devices: [told('net.example.com')] }))),
]
