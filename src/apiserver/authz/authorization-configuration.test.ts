import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuthorizerEntry, parseAuthorizationConfiguration } from './authorization-configuration.ts'

const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n'
const parse = (list: string) =>
  parseAuthorizationConfiguration(head + list, (path) => (path === '/hook' ? undefined : 'error loading file: no'))
const webhook = (more = '', base = 'timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: Deny') =>
  `- {type: Webhook, name: hook, webhook: {${base}, connectionInfo: {type: KubeConfigFile, kubeConfigFile: /hook}${more === '' ? '' : `, ${more}`}}}\n`

test('authorizers keep their order; a webhook has its defaults', () => {
  const [rbac, hook, all] = parse(`- {type: RBAC, name: rbac}\n${webhook()}- {type: AlwaysAllow, name: all}\n`)
  assert.deepEqual(
    [rbac, all],
    [
      { type: 'RBAC', name: 'rbac' },
      { type: 'AlwaysAllow', name: 'all' },
    ],
  )
  assert.deepEqual((hook as AuthorizerEntry & { type: 'Webhook' }).rules, {
    version: 'v1',
    authorizedTtlMs: 300_000,
    unauthorizedTtlMs: 30_000,
    timeoutMs: 3000,
    failurePolicy: 'Deny',
    matchConditions: [],
  })
})
test('answers need not be kept', () => {
  const [hook] = parse(webhook('cacheAuthorizedRequests: false, unauthorizedTTL: 1m'))
  const { authorizedTtlMs, unauthorizedTtlMs } = (hook as AuthorizerEntry & { type: 'Webhook' }).rules
  assert.deepEqual([authorizedTtlMs, unauthorizedTtlMs], [0, 60_000])
})

const condition = (expression: string) =>
  `matchConditionSubjectAccessReviewVersion: v1, matchConditions: [{expression: ${JSON.stringify(expression)}}]`
const faults: readonly (readonly [list: string, message: string])[] = [
  ['  []', 'authorizers: Required value: at least one authorization mode must be defined'],
  ['- {name: a}', 'authorizers[0].type: Required value'],
  [
    '- {type: Magic, name: a}',
    'authorizers[0].type: Unsupported value: "Magic": supported values: "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"',
  ],
  ['- {type: RBAC, name: a}\n- {type: RBAC, name: b}', 'authorizers[1].type: Duplicate value: "RBAC"'],
  ['- {type: RBAC, name: a}\n- {type: Node, name: a}', 'authorizers[1].name: Duplicate value: "a"'],
  ['- {type: RBAC, name: ""}', 'authorizers[0].name: Required value'],
  ['- {type: RBAC, name: a, webhook: {}}', 'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook'],
  ['- {type: Webhook, name: a}', 'authorizers[0].webhook: Required value: required when type=Webhook'],
  ['- {type: RBAC, name: a, color: red}', 'strict decoding error: unknown field "authorizers[0].color"'],
  [
    webhook('', 'timeout: 31s, subjectAccessReviewVersion: v1, failurePolicy: Deny'),
    'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s',
  ],
  [
    webhook('', 'timeout: 3s, subjectAccessReviewVersion: v2, failurePolicy: Deny'),
    'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
  ],
  [webhook('', 'timeout: 3s, subjectAccessReviewVersion: v1'), 'authorizers[0].failurePolicy: Required value'],
  [
    webhook('matchConditions: [{expression: "true"}]'),
    'authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified',
  ],
  [
    webhook(condition('request.user')),
    'authorizers[0].matchConditions[0].expression: Invalid value: "request.user": must evaluate to bool but got string',
  ],
  [webhook().replace('/hook', '/gone'), 'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "/gone": error loading file: no'],
  [webhook().replace('/hook', 'hook'), 'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "hook": must be an absolute path'],
]
for (const [list, message] of faults) test(`refused: ${message}`, () => assert.throws(() => parse(list), { message }))

test('an expression that does not compile says where', () => {
  assert.throws(() => parse(webhook(condition('request.colour == 1'))), /compilation failed: ERROR: <input>:1:8: undefined field 'colour'/)
})
test('another kind is refused', () => {
  assert.throws(
    () => parseAuthorizationConfiguration('kind: Pod\napiVersion: v1', () => undefined),
    /no kind "Pod" is registered for version "v1"/,
  )
})
