/** Webhooks that are asked: what becomes of what they answer, and of those that give no answer. */
import type { Judge, ReviewAnswer, ReviewRequest } from '../../conformance/webhook-server.ts'
import { type Case, clusterWide, create, merged, namespaced, patch, remove, type Request } from '../upstream-case.ts'

const group = 'admissionregistration.k8s.io/v1'
const configMaps = namespaced('v1', 'configmaps')
const label = 'asked'
const rule = { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }

const webhook = (name: string, more: object = {}) =>
  merged(
    {
      name: `${name}.upstream.example.com`,
      clientConfig: { url: `$hook(${name})`, caBundle: '$hookCa' },
      rules: [rule],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 5,
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '$ns' } },
      objectSelector: { matchLabels: { [label]: name } },
    },
    more,
  )

const configured = (type: 'validating' | 'mutating', name: string, ...webhooks: object[]): Request =>
  create(clusterWide(group, `${type}webhookconfigurations`), { metadata: { name: `upstream-hooks-${name}` }, webhooks })

const asking = (name: string, more: object = {}) =>
  create(configMaps, merged({ metadata: { name: 'asked', labels: { [label]: name } }, data: { a: '1' } }, more))
const raw = (body: unknown, code = 200): ReviewAnswer => ({ raw: { code, body: typeof body === 'string' ? body : JSON.stringify(body) } })
const review = (response: unknown, apiVersion = 'admission.k8s.io/v1') => ({ kind: 'AdmissionReview', apiVersion, response })
const patched =
  (...operations: object[]): Judge =>
  () => ({ patch: operations })
const encoded = (value: string) => Buffer.from(value).toString('base64')
const denied =
  (status?: object): Judge =>
  () => ({ allowed: false, ...(status ? { status } : {}) })
const answered =
  (make: (uid: string, request: ReviewRequest) => unknown): Judge =>
  (request) =>
    raw(review(make(request.uid, request)))
const shown: Judge = ({ uid: _, object: __, oldObject: ___, ...request }) => ({
  allowed: false,
  status: { message: JSON.stringify(sorted(request)) },
})

const sorted = (value: unknown): unknown =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? value
    : Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([field, item]) => [field, sorted(item)]),
      )

/** One validating webhook each. */
const validating: Readonly<Record<string, Judge>> = {
  allows: () => ({}),
  denies: denied(),
  'denies-with-message': denied({ message: 'not today' }),
  'denies-with-reason': denied({ reason: 'Forbidden' }),
  'denies-with-code': denied({ code: 403, message: 'no', reason: 'Forbidden', details: { name: 'n', causes: [{ message: 'c' }] } }),
  'denies-with-low-code': denied({ code: 200, status: 'Success', message: 'no' }),
  'denies-with-high-code': denied({ code: 503, message: 'later', details: { retryAfterSeconds: 7 } }),
  'denies-with-metadata': denied({ metadata: { resourceVersion: '5' }, message: 'm' }),
  'allows-with-status': () => ({ status: { message: 'fine' } }),
  warns: () => ({ warnings: ['first', 'second "quoted"', 'x'.repeat(300), ''] }),
  'warns-and-denies': () => ({ allowed: false, warnings: ['careful'], status: { message: 'no' } }),
  'wrong-uid': answered(() => ({ uid: 'other', allowed: true })),
  'no-uid': answered(() => ({ allowed: true })),
  'no-response': () => raw({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' }),
  'wrong-version': ({ uid }) => raw(review({ uid, allowed: true }, 'admission.k8s.io/v1beta1')),
  'wrong-kind': ({ uid }) => raw({ ...review({ uid, allowed: true }), kind: 'Review' }),
  'no-kind': ({ uid }) => raw({ response: { uid, allowed: true } }),
  'another-group': ({ uid }) => raw({ kind: 'Pod', apiVersion: 'v1', response: { uid, allowed: true } }),
  'patches-although-validating': ({ uid }) => raw(review({ uid, allowed: true, patchType: 'JSONPatch', patch: encoded('[]') })),
  'patch-type-although-validating': ({ uid }) => raw(review({ uid, allowed: true, patchType: 'JSONPatch' })),
  empty: () => raw(''),
  'no-json': () => raw('hello'),
  'empty-object': () => raw('{}'),
  'wrong-type': ({ uid }) => raw(review({ uid, allowed: 'yes' })),
  'code-400': () => raw('bad', 400),
  'code-404': () => raw('nothing', 404),
  'code-500': () => raw('broken', 500),
  'code-503': () => raw('', 503),
  'code-500-status': () =>
    raw({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'broken inside', reason: 'InternalError', code: 500 }, 500),
  'too-slow': () => new Promise((resolve) => void setTimeout(() => resolve({}), 3000).unref()),
  shows: shown,
}

const mutating: Readonly<Record<string, Judge>> = {
  adds: patched({ op: 'add', path: '/data/b', value: '2' }),
  'adds-label': patched({ op: 'add', path: '/metadata/labels/b', value: 'c' }),
  nothing: patched(),
  'test-fails': patched({ op: 'test', path: '/data/a', value: '2' }),
  'no-path': patched({ op: 'remove', path: '/data/none' }),
  'no-parent': patched({ op: 'add', path: '/none/a', value: 'b' }),
  'unknown-op': patched({ op: 'merge', path: '/data', value: {} }),
  'unknown-field': patched({ op: 'add', path: '/none', value: 'b' }),
  'wrong-value': patched({ op: 'add', path: '/data/b', value: 2 }),
  'invalid-label': patched({ op: 'add', path: '/metadata/labels/b', value: 'c d' }),
  'changes-name': patched({ op: 'replace', path: '/metadata/name', value: 'other' }),
  'changes-kind': patched({ op: 'replace', path: '/kind', value: 'Secret' }),
  'patch-without-type': answered((uid) => ({ uid, allowed: true, patch: encoded('[]') })),
  'type-without-patch': answered((uid) => ({ uid, allowed: true, patchType: 'JSONPatch' })),
  'unknown-type': answered((uid) => ({ uid, allowed: true, patchType: 'Merge', patch: encoded('[]') })),
  'patch-no-json': answered((uid) => ({ uid, allowed: true, patchType: 'JSONPatch', patch: encoded('hello') })),
  'patch-no-list': answered((uid) => ({ uid, allowed: true, patchType: 'JSONPatch', patch: encoded('{"op":"add"}') })),
  'denies-and-patches': () => ({ allowed: false, patch: [{ op: 'add', path: '/data/b', value: '2' }], status: { message: 'no' } }),
  'mutating-no-uid': answered(() => ({ allowed: true })),
}

/** Those that have a configuration of their own. */
const special: Readonly<Record<string, Judge>> = {
  first: ({ object }) => ({
    patch: [{ op: 'add', path: '/data/first', value: String(Object.keys((object?.['data'] as object | undefined) ?? {}).length) }],
  }),
  second: patched({ op: 'add', path: '/data/second', value: 'x' }),
  refuses: denied({ message: 'asked' }),
  'old-version': ({ uid }) => raw(review({ uid, allowed: false, status: { message: 'old' } }, 'admission.k8s.io/v1beta1')),
  'old-version-untyped': () => raw({ response: { allowed: true } }),
  'patches-deletions': patched({ op: 'add', path: '/data/b', value: '2' }),
  'shows-deletion': shown,
  'shows-status': shown,
  last: denied(),
}
export const hooks: Readonly<Record<string, Judge>> = { ...validating, ...mutating, ...special }

const nowhere = { clientConfig: { url: 'https://127.0.0.1:1/none', caBundle: null } }
const when = (...expressions: string[]) => ({
  matchConditions: expressions.map((expression, i) => ({ name: `condition-${i}`, expression })),
})
const refusing = (name: string, more: object) =>
  configured(
    'validating',
    name,
    webhook('refuses', merged({ name: `${name}.upstream.example.com`, objectSelector: { matchLabels: { [label]: name } } }, more)),
  )
const timed = { 'too-slow': { timeoutSeconds: 1 } } as Readonly<Record<string, object>>
const ignored = ['denies', 'wrong-uid', 'code-500', 'no-json']
const both = (...names: string[]) =>
  names.map((name) => webhook(name, { objectSelector: { matchLabels: { [label]: 'both' } }, reinvocationPolicy: 'IfNeeded' }))

export const given: readonly Request[] = [
  ...Object.keys(validating).map((name) => configured('validating', name, webhook(name, timed[name]))),
  ...Object.keys(mutating).map((name) => configured('mutating', name, webhook(name))),
  ...ignored.map((name) =>
    configured(
      'validating',
      `${name}-ignored`,
      webhook(name, { failurePolicy: 'Ignore', objectSelector: { matchLabels: { [label]: `${name}-ignored` } } }),
    ),
  ),
  refusing('nowhere', nowhere),
  refusing('nowhere-ignored', { ...nowhere, failurePolicy: 'Ignore' }),
  refusing('no-authority', { clientConfig: { caBundle: null } }),
  refusing('no-service', { clientConfig: { url: null, service: { namespace: '$ns', name: 'none' } } }),
  refusing('unready-service', { clientConfig: { url: null, service: { namespace: '$ns', name: 'unready' } } }),
  refusing('other-port', { clientConfig: { url: null, service: { namespace: '$ns', name: 'unready', port: 8443 } } }),
  refusing('condition-true', when('object.metadata.name == "asked"')),
  refusing('condition-false', when('true', 'object.metadata.name != "asked"')),
  refusing('condition-fails', when('object.none == 1')),
  refusing('conditions-fail', when('object.none == 1', 'object.data.none == "a"')),
  refusing('condition-fails-ignored', { failurePolicy: 'Ignore', ...when('object.none == 1') }),
  refusing('condition-fails-and-false', when('object.none == 1', 'false')),
  refusing('side-effects', { sideEffects: 'NoneOnDryRun' }),
  configured('mutating', 'both', ...both('first', 'second')),
  configured(
    'validating',
    'old-version',
    webhook('old-version', { admissionReviewVersions: ['v1beta1', 'v1'] }),
    webhook('old-version-untyped', { admissionReviewVersions: ['v1beta1'] }),
  ),
  configured('mutating', 'patches-deletions', webhook('patches-deletions', { rules: [{ ...rule, operations: ['DELETE'] }] })),
  configured('validating', 'shows-deletion', webhook('shows-deletion', { rules: [{ ...rule, operations: ['DELETE'] }] })),
  configured('validating', 'shows-status', webhook('shows-status', { rules: [{ ...rule, resources: ['pods/status'] }] })),
  create(namespaced('v1', 'services'), { metadata: { name: 'unready' }, spec: { ports: [{ port: 443 }] } }),
  configured('validating', 'last', webhook('last')),
  { ...asking('last'), until: 400 },
]

const asked = (name: string): Case => ({ name, steps: [asking(name)] })
const of = (name: string) => `${configMaps}/${name}`

/** Nobody refuses to let it go any more. */
const unasked = patch('merge', of('asked'), { metadata: { labels: null } })

export const cases: readonly Case[] = [
  ...[...Object.keys(validating), ...Object.keys(mutating), ...ignored.map((name) => `${name}-ignored`)].map(asked),
  ...['nowhere', 'nowhere-ignored', 'no-authority', 'no-service', 'unready-service', 'other-port'].map(asked),
  ...[
    'condition-true',
    'condition-false',
    'condition-fails',
    'conditions-fail',
    'condition-fails-ignored',
    'condition-fails-and-false',
  ].map(asked),
  ...['both', 'old-version', 'old-version-untyped'].map(asked),
  { name: 'a dry run', steps: [create(`${configMaps}?dryRun=All`, { metadata: { name: 'asked', labels: { [label]: 'side-effects' } } })] },
  {
    name: 'a dry run is told',
    steps: [
      create(`${configMaps}?dryRun=All&fieldManager=me&fieldValidation=Strict`, {
        metadata: { name: 'asked', labels: { [label]: 'shows' } },
      }),
    ],
  },
  { name: 'a name to be made', steps: [create(configMaps, { metadata: { generateName: 'generated-', labels: { [label]: 'shows' } } })] },
  {
    name: 'an update is told',
    given: [asking('none')],
    steps: [patch('merge', of('asked'), { metadata: { labels: { [label]: 'shows' } } })],
  },
  {
    name: 'an apply is told',
    steps: [
      patch('apply', `${of('asked')}?fieldManager=me&force=true`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'asked', labels: { [label]: 'shows' } },
      }),
    ],
  },
  {
    name: 'a deletion is told',
    given: [asking('shows-deletion')],
    steps: [
      remove(of('asked')),
      remove(of('asked'), { gracePeriodSeconds: 5, propagationPolicy: 'Orphan' }),
      remove(`${configMaps}?labelSelector=asked%3Dshows-deletion`),
      unasked,
    ],
  },
  { name: 'a deletion that is patched', given: [asking('patches-deletions')], steps: [remove(of('asked')), unasked] },
  {
    name: 'a status is told',
    given: [
      create(namespaced('v1', 'pods'), {
        metadata: { name: 'asked', labels: { [label]: 'shows-status' } },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      }),
    ],
    steps: [patch('merge', `${namespaced('v1', 'pods')}/asked/status`, { status: { phase: 'Failed' } })],
  },
]
