/** Who owns which field, as admission finds it and leaves it. */
import type { Judge } from '../../conformance/webhook-server.ts'
import { configured, label, labelled, showsManagers, shownTo } from '../managers-shown.ts'
import { plainContainer } from '../pod-cases.ts'
import { judged, mutatingPolicy, validatingPolicy } from '../policy-cases.ts'
import { type Case, create, merged, namespaced, patch, read, remove, replace, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const pods = namespaced('v1', 'pods')
const deployments = namespaced('apps/v1', 'deployments')
const managers = '/metadata/managedFields'

const patched =
  (...operations: object[]): Judge =>
  () => ({ patch: operations })
const entry = (more: object = {}) => ({
  manager: 'hook',
  operation: 'Update',
  apiVersion: 'v1',
  time: '2020-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': {} },
  ...more,
})
const gives = (...entries: object[]) => patched({ op: 'add', path: managers, value: entries })

const changing: Readonly<Record<string, Judge>> = {
  adds: patched({ op: 'add', path: '/data/b', value: '2' }),
  changes: patched({ op: 'replace', path: '/data/a', value: 'other' }),
  removes: patched({ op: 'remove', path: '/data' }),
  'takes-managers': patched({ op: 'remove', path: managers }),
  'empties-managers': gives(),
  'resets-managers': gives({}),
  'gives-managers': gives(entry()),
  'renames-manager': patched({ op: 'replace', path: `${managers}/0/manager`, value: 'renamed' }),
  'wrong-operation': gives(entry({ operation: 'Create' })),
  'no-version': gives(entry({ apiVersion: '' })),
  'no-fields-type': gives(entry({ fieldsType: '' })),
  'wrong-fields-type': gives(entry(), entry({ fieldsType: 'FieldsV2' })),
  'no-fields': gives(entry({ fieldsV1: null })),
  'unknown-fields': gives(entry({ fieldsV1: { 'x:data': {}, 'f:data': {} } })),
  'long-manager': gives(entry({ manager: 'm'.repeat(200) })),
}
export const hooks: Readonly<Record<string, Judge>> = {
  shows: showsManagers,
  'shows-first': showsManagers,
  'shows-status': showsManagers,
  'shows-scale': showsManagers,
  ...changing,
  last: () => ({ allowed: false }),
}

const settings = { metadata: { name: 'settings' }, data: { a: '1' } }
const of = (path: string, name: string) => `${path}/${name}`
const only = (group: string, resource: string) => ({
  rules: [{ operations: ['UPDATE'], apiGroups: [group], apiVersions: ['v1'], resources: [resource] }],
  objectSelector: null,
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '$ns' } },
})
const asking = (name: string) => create(configMaps, shownTo(name, settings))

export const given: readonly Request[] = [
  configured('validating', 'shows', labelled('shows')),
  configured('mutating', 'shows-first', labelled('shows-first')),
  configured('validating', 'shows-status', labelled('shows-status', only('', 'pods/status'))),
  configured('validating', 'shows-scale', labelled('shows-scale', only('apps', 'deployments/scale'))),
  ...Object.keys(changing).map((name) => configured('mutating', name, labelled(name))),
  ...validatingPolicy('one-manager', { validations: [{ expression: 'object.metadata.managedFields.size() == 1' }] }),
  ...validatingPolicy('named', {
    validations: [
      {
        expression: 'oldObject == null || object.metadata.managedFields.all(m, m.manager != "second")',
        messageExpression: 'oldObject.metadata.managedFields.map(m, m.manager + "/" + m.operation).join(" ")',
      },
    ],
  }),
  ...mutatingPolicy('first-manager', {
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: {
          expression: 'Object{metadata: Object.metadata{annotations: {"manager": object.metadata.managedFields[0].manager}}}',
        },
      },
    ],
  }),
  configured('validating', 'last', labelled('last')),
  { ...asking('last'), until: 400 },
]

const shown = patch('merge', of(configMaps, 'settings'), { metadata: { labels: { [label]: 'shows' } } })
const managed = (name: string, steps: readonly Request[], before: readonly Request[] = []): Case => ({
  name,
  given: before,
  steps,
  withManagedFields: true,
})
const by = (request: Request, manager: string): Request => ({
  ...request,
  path: `${request.path}?fieldManager=${manager}`,
})
const applied = (object: object, manager: string): Request =>
  patch(
    'apply',
    `${of(configMaps, 'settings')}?fieldManager=${manager}&force=true`,
    merged({ apiVersion: 'v1', kind: 'ConfigMap' }, object),
  )
const pod = { metadata: { name: 'p' }, spec: { containers: [plainContainer] } }
const deployment = {
  metadata: { name: 'd' },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    template: { metadata: { labels: { app: 'd' } }, spec: { containers: [plainContainer] } },
  },
}

export const cases: readonly Case[] = [
  ...Object.keys(changing).map((name) => managed(`created: ${name}`, [asking(name)])),
  ...Object.keys(changing).map((name) =>
    managed(
      `changed: ${name}`,
      [by(patch('merge', of(configMaps, 'settings'), { metadata: { labels: { [label]: name } } }), 'second')],
      [by(create(configMaps, settings), 'first')],
    ),
  ),
  ...['adds', 'resets-managers', 'gives-managers', 'wrong-operation'].flatMap((name) => [
    managed(`applied: ${name}`, [applied(shownTo(name, settings), 'first')]),
    managed(`applied again: ${name}`, [applied(shownTo(name, settings), 'first')], [applied(settings, 'first')]),
  ]),
  { name: 'a create is shown', steps: [asking('shows')] },
  { name: 'a create is shown to who may change it', steps: [asking('shows-first')] },
  {
    name: 'a create with managers is shown',
    steps: [
      create(configMaps, shownTo('shows', merged(settings, { metadata: { managedFields: [entry()] } }))),
      create(configMaps, shownTo('shows', merged(settings, { metadata: { managedFields: [{}] } }))),
      create(configMaps, shownTo('shows', merged(settings, { metadata: { managedFields: [entry({ operation: 'x' })] } }))),
    ],
  },
  { name: 'an update is shown', steps: [shown], given: [by(create(configMaps, settings), 'first')] },
  {
    name: 'an update is shown to who may change it',
    steps: [patch('merge', of(configMaps, 'settings'), { metadata: { labels: { [label]: 'shows-first' } } })],
    given: [by(create(configMaps, settings), 'first')],
  },
  {
    name: 'a replacement is shown',
    steps: [replace(of(configMaps, 'settings'), shownTo('shows', { metadata: { name: 'settings' }, data: { b: '1' } }))],
    given: [by(create(configMaps, settings), 'first')],
  },
  {
    name: 'a replacement without managers is shown',
    steps: [
      replace(of(configMaps, 'settings'), shownTo('shows', merged(settings, { metadata: { managedFields: [] } }))),
      replace(of(configMaps, 'settings'), shownTo('shows', merged(settings, { metadata: { managedFields: [{}] } }))),
      replace(of(configMaps, 'settings'), shownTo('shows', merged(settings, { metadata: { managedFields: [entry()] } }))),
    ],
    given: [by(create(configMaps, settings), 'first')],
  },
  {
    name: 'an apply is shown',
    steps: [applied(shownTo('shows', settings), 'me'), applied(shownTo('shows-first', settings), 'me')],
  },
  {
    name: 'an apply over another is shown',
    steps: [applied(shownTo('shows', merged(settings, { data: { a: '2' } })), 'me')],
    given: [by(create(configMaps, settings), 'first')],
  },
  {
    name: 'a status is shown',
    steps: [patch('merge', of(pods, 'p/status'), { status: { phase: 'Running' }, metadata: { labels: { a: 'b' } } })],
    given: [create(pods, pod)],
  },
  {
    name: 'an eviction is shown',
    steps: [create(of(pods, 'p/eviction'), shownTo('shows', { metadata: { name: 'p' } }))],
    given: [create(pods, pod)],
  },
  {
    name: 'a binding is shown',
    steps: [create(of(pods, 'p/binding'), shownTo('shows', { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } }))],
    given: [create(pods, pod)],
  },
  {
    name: 'a token is shown',
    steps: [
      create(
        namespaced('v1', 'serviceaccounts/default/token'),
        shownTo('shows', { metadata: { name: 'default' }, spec: { audiences: ['a'] } }),
      ),
    ],
  },
  {
    name: 'a scale is shown',
    steps: [
      replace(of(deployments, 'd/scale'), { metadata: { name: 'd', namespace: '$ns' }, spec: { replicas: 3 } }),
      patch('merge', of(deployments, 'd/scale'), { spec: { replicas: 2 } }),
    ],
    given: [by(create(deployments, deployment), 'first')],
  },
  {
    name: 'a policy counts managers',
    steps: [create(configMaps, judged('one-manager')), by(patch('merge', of(configMaps, 'judged'), { data: { a: 'b' } }), 'second')],
  },
  {
    name: 'a policy knows managers by name',
    steps: [
      by(create(configMaps, judged('named')), 'first'),
      by(patch('merge', of(configMaps, 'judged'), { data: { a: 'b' } }), 'second'),
      by(patch('merge', of(configMaps, 'judged'), { data: { a: 'b' } }), 'third'),
      read(of(configMaps, 'judged')),
    ],
  },
  managed('a policy writes down the manager', [
    create(configMaps, judged('first-manager')),
    by(patch('merge', of(configMaps, 'judged'), { data: { a: 'b' } }), 'second'),
    remove(of(configMaps, 'judged')),
  ]),
]
