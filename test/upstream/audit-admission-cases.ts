/** Requests on which policies and webhooks leave notes in the audit log; recorded like those of `audit-cases.ts`. */
import type { Judge } from '../conformance/webhook-server.ts'
import { configured, labelled, shownTo } from './managers-shown.ts'
import { judged, mutatingPolicy, validatingPolicy } from './policy-cases.ts'
import { type Case, create, merged, namespaced, patch, type Request } from './upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const secrets = namespaced('v1', 'secrets')

const label =
  (value: string): Judge =>
  () => ({ patch: [{ path: '/metadata/labels/more', value, op: 'add' }] })
const failing: Judge = () => ({ raw: { code: 500, body: '' } })

export const auditHooks: Readonly<Record<string, Judge>> = {
  changing: label('a'),
  escaping: () => ({ patch: [{ op: 'add', path: '/metadata/annotations', value: { a: '<b> & "c"' } }] }),
  'changing-nothing': () => ({ patch: [] }),
  'refusing-first': () => ({ allowed: false, status: { message: 'no' } }),
  'breaking-patch': () => ({ patch: [{ op: 'remove', path: '/none' }] }),
  'failing-first': failing,
  'failing-first-open': failing,
  once: () => ({ patch: [{ op: 'add', path: '/metadata/labels/once', value: 'a' }] }),
  twice: () => ({ patch: [{ op: 'add', path: '/metadata/labels/twice', value: 'a' }] }),
  noting: () => ({ auditAnnotations: { why: 'because', 'a/b': 'c', '': 'd', 'with space': 'e' } }),
  refusing: () => ({ allowed: false, auditAnnotations: { why: 'no' } }),
  failing,
  'failing-open': failing,
  last: () => ({ allowed: false }),
}

const open = { failurePolicy: 'Ignore' }
const mutating = ['changing', 'escaping', 'changing-nothing', 'refusing-first', 'breaking-patch', 'failing-first']
const again = (name: string) => labelled(name, { objectSelector: { matchLabels: { 'shown-to': 'both' } }, reinvocationPolicy: 'IfNeeded' })
const failure = { validations: [{ expression: 'false', message: 'never' }] }
const auditing = { validationActions: ['Audit'] }

export const auditAdmissionGiven: readonly Request[] = [
  ...mutating.map((name) => configured('mutating', name, labelled(name))),
  configured('mutating', 'failing-first-open', labelled('failing-first-open', open)),
  configured('mutating', 'both', again('once'), again('twice')),
  ...['noting', 'refusing', 'failing'].map((name) => configured('validating', name, labelled(name))),
  configured(
    'validating',
    'failing-open',
    labelled('failing-open', { ...open, name: 'first.managers.example.com', matchConditions: [{ name: 'never', expression: 'false' }] }),
    labelled('failing-open', { ...open, name: 'second.managers.example.com' }),
    labelled('failing-open', { ...open, name: 'third.managers.example.com' }),
  ),
  ...validatingPolicy('audited', failure, { audited: auditing }),
  ...validatingPolicy('denied', failure, { denied: { validationActions: ['Deny', 'Audit'] } }),
  ...validatingPolicy(
    'failing-twice',
    { validations: [{ expression: 'true' }, { expression: 'false', message: 'one' }, { expression: 'false', message: 'two' }] },
    { 'failing-once': auditing, 'failing-twice': auditing },
  ),
  ...validatingPolicy('breaking', { validations: [{ expression: 'object.none == 1' }] }, { breaking: auditing }),
  ...validatingPolicy(
    'telling',
    {
      validations: [{ expression: 'true' }],
      auditAnnotations: [
        { key: 'name', valueExpression: '"named " + object.metadata.name' },
        { key: 'nothing', valueExpression: 'null' },
        { key: 'long', valueExpression: '"ab".replace("a", "x").replace("b", object.data.long)' },
      ],
    },
    { telling: auditing },
  ),
  ...mutatingPolicy('adding', {
    mutations: [
      { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"a": "b"}}}' } },
    ],
  }),
  configured('validating', 'last', labelled('last')),
  { ...create(configMaps, shownTo('last', { metadata: { name: 'last' } })), until: 400 },
]

const noted = (id: string, request: Request, ...given: readonly Request[]): Case => ({
  name: id,
  given,
  steps: [{ ...request, headers: { 'audit-id': id } }],
})
const asking = (name: string) => noted(`webhook-${name}`, create(configMaps, shownTo(name, { metadata: { name: 'noted' } })))
const judging = (name: string, more: object = {}) => noted(`policy-${name}`, create(configMaps, judged(name, more)))

export const auditAdmissionCases: readonly Case[] = [
  ...mutating.map(asking),
  ...['failing-first-open', 'both', 'noting', 'refusing', 'failing', 'failing-open'].map(asking),
  noted('webhook-changing-secret', create(secrets, shownTo('changing', { metadata: { name: 'noted' } }))),
  noted(
    'webhook-changing-update',
    patch('merge', `${configMaps}/noted`, shownTo('changing', {})),
    create(configMaps, { metadata: { name: 'noted' } }),
  ),
  ...['audited', 'denied', 'failing-twice', 'breaking', 'adding'].map((name) => judging(name)),
  judging('telling', merged({ data: { long: 'short' } }, {})),
]
