/** Webhook configurations: what they must say, and what is filled in. */
import { clusterWide, type Case, creations, titled, updates } from '../upstream-case.ts'

const group = 'admissionregistration.k8s.io/v1'
const validating = clusterWide(group, 'validatingwebhookconfigurations')
const mutating = clusterWide(group, 'mutatingwebhookconfigurations')
const rule = { operations: ['CREATE'], apiGroups: ['none.upstream.example.com'], apiVersions: ['v1'], resources: ['things'] }
const hook = {
  name: 'a.upstream.example.com',
  clientConfig: { url: 'https://localhost:1/x' },
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  rules: [rule],
}
const base = { metadata: { name: 'upstream-hooks' }, webhooks: [hook] }
const hooks = (...all: object[]) => ({ webhooks: all })
const one = (more: object) => hooks({ ...hook, ...more })
const ruled = (more: object) => one({ rules: [{ ...rule, ...more }] })
const config = (clientConfig: object) => one({ clientConfig })
const service = { name: 's', namespace: 'n' }

const changes = {
  'the least': {},
  'no webhooks': hooks(),
  'no name': one({ name: '' }),
  'a name without dots': one({ name: 'a.b' }),
  'a name that is none': one({ name: 'A_b.c.d' }),
  'a name twice': hooks(hook, hook),
  'no review versions': one({ admissionReviewVersions: [] }),
  'review versions that are not known': one({ admissionReviewVersions: ['v2', 'V_', 'v2'] }),
  'no side effects': one({ sideEffects: undefined }),
  'side effects that are none': one({ sideEffects: 'Many' }),
  'side effects that are not known any more': one({ sideEffects: 'Unknown' }),
  'a failure policy that is none': one({ failurePolicy: 'Maybe' }),
  'a match policy that is none': one({ matchPolicy: 'Near' }),
  'a timeout of nothing': one({ timeoutSeconds: 0 }),
  'a timeout that is too long': one({ timeoutSeconds: 31 }),
  'a selector that is none': one({
    namespaceSelector: { matchLabels: { 'a b': '-' } },
    objectSelector: { matchExpressions: [{ key: 'a', operator: 'X' }] },
  }),
  'no client': config({}),
  'two clients': config({ url: 'https://a.b', service }),
  'a client by http': config({ url: 'http://a.b' }),
  'a client with a query': config({ url: 'https://u:p@a.b/c?d=e#f' }),
  'a client that is no address': config({ url: ':' }),
  'a client without a host': config({ url: 'https:///a' }),
  'a service': config({ service }),
  'a service without names': config({ service: { name: '', namespace: '' } }),
  'a service with a path that is none': config({ service: { ...service, path: 'x//y', port: 70000 } }),
  'a bundle that is none': config({ service, caBundle: 'YQ==' }),
  'a rule of nothing': one({ rules: [{}] }),
  'operations that are none': ruled({ operations: ['MAKE', '*', 'CREATE'] }),
  'all and one': ruled({ apiGroups: ['*', 'a'], apiVersions: ['*', 'v1'], resources: ['*', 'pods'] }),
  'empty words': ruled({ apiVersions: [''], resources: [''] }),
  'subresources that overlap': ruled({ resources: ['*/*', 'pods', 'pods/status', '*/status'] }),
  'resources that are none': ruled({ resources: ['pods/', 'a/b/c', '*/status', 'pods/*', 'pods/log'] }),
  'a scope that is none': ruled({ scope: 'Galaxy' }),
  conditions: one({ matchConditions: [{ name: 'a', expression: 'object.metadata.name == "a"' }] }),
  'conditions that are none': one({
    matchConditions: [
      { name: '', expression: '' },
      { name: 'a b', expression: 'true' },
      { name: 'b', expression: 'object.x ==' },
      { name: 'b', expression: '1' },
      { name: 'c', expression: 'unknown.x' },
    ],
  }),
  'too many conditions': one({ matchConditions: Array.from({ length: 65 }, (_, i) => ({ name: `c${i}`, expression: 'true' })) }),
}

export const cases: readonly Case[] = [
  ...titled('validating', creations(validating, base, changes)),
  ...titled(
    'mutating',
    creations(mutating, base, {
      'the least': {},
      reinvoked: one({ reinvocationPolicy: 'IfNeeded' }),
      'reinvoked in a way that is none': one({ reinvocationPolicy: 'Always' }),
      'several things wrong': one({ sideEffects: 'Some', failurePolicy: 'x', timeoutSeconds: 99, admissionReviewVersions: ['v3'] }),
    }),
  ),
  ...titled(
    'changed',
    updates(validating, base, {
      'another rule': ruled({ operations: ['*'] }),
      'a wrong rule': ruled({ operations: [] }),
      'the same': {},
      'a label': { metadata: { labels: { a: 'b' } } },
    }),
  ),
]
