/** ConfigMap, Secret, ServiceAccount and Namespace. */
import { type Case, clusterWide, create, creations, namespaced, patch, read, remove, replace, updates } from '../upstream-case.ts'

const maps = namespaced('v1', 'configmaps')
const map = { metadata: { name: 'm' }, data: { a: 'b' } }
const keys = (...list: string[]) => Object.fromEntries(list.map((key) => [key, 'v']))

const ofMaps: Case[] = [
  ...creations(maps, map, {
    'a map': {},
    'an empty map': { data: null },
    'a bad key': { data: keys('a/b') },
    'one dot': { data: keys('.') },
    'two dots': { data: keys('..') },
    'two dots before a name': { data: keys('..a') },
    'an empty key': { data: keys('') },
    'a key too long': { data: keys('k'.repeat(254)) },
    'a key in both parts': { binaryData: { a: 'AAAA' } },
    'a bad key of bytes': { binaryData: { 'a b': 'AAAA' } },
    'bytes that are none': { binaryData: { b: '@@' } },
    immutable: { immutable: true },
    'not immutable': { immutable: false },
    'too much': { data: { a: 'x'.repeat(1024 * 1024 + 1) } },
    'a name with capitals': { metadata: { name: 'A_b' } },
  }),
  ...updates(maps, map, {
    'other data': { data: { a: 'c', d: 'e' } },
    'immutable later': { immutable: true },
    'a bad key later': { data: keys('a b') },
  }),
  ...updates(maps, { ...map, immutable: true, binaryData: { c: 'AAAA' } } as typeof map, {
    'a label of what is immutable': { metadata: { labels: { a: 'b' } } },
    'other data of what is immutable': { data: { a: 'c' } },
    'other bytes of what is immutable': { binaryData: { c: 'AAAB' } },
    'no longer immutable': { immutable: false },
    'immutable no more': { immutable: null, data: { x: 'y' }, binaryData: null },
    'a bad key of what is immutable': { data: keys('a b') },
  }),
]

const secrets = namespaced('v1', 'secrets')
const secret = { metadata: { name: 's' }, data: { a: 'Yg==' } }
const base64 = (text: string) => Buffer.from(text).toString('base64')

const ofSecrets: Case[] = [
  ...creations(secrets, secret, {
    'a secret': {},
    'an empty secret': { data: null },
    'a bad key of a secret': { data: { 'a b': 'Yg==' } },
    text: { stringData: { a: 'c', d: 'e' } },
    'text alone': { data: null, stringData: { a: 'c' } },
    'text under a bad key': { stringData: { 'a b': 'c' } },
    'too much of a secret': { data: { a: base64('x'.repeat(1024 * 1024 + 1)) } },
    'bytes of a secret that are none': { data: { a: '@@' } },
    'a type of its own': { type: 'example.com/a' },
    'a type with spaces': { type: 'a b' },
    'a token without an account': { type: 'kubernetes.io/service-account-token' },
    'a token of an account': {
      type: 'kubernetes.io/service-account-token',
      metadata: { annotations: { 'kubernetes.io/service-account.name': 'default' } },
    },
    'an old registry file': { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': base64('{}') } },
    'an old registry file that is missing': { type: 'kubernetes.io/dockercfg' },
    'a registry file': { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('{"auths":{}}') } },
    'a registry file that is missing': { type: 'kubernetes.io/dockerconfigjson' },
    'a registry file that is no object': { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('[]') } },
    'a registry file that is no JSON': { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('x') } },
    'a registry file that breaks off': { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('{"a":') } },
    'an empty registry file': { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': '' } },
    'a user without name and password': { type: 'kubernetes.io/basic-auth' },
    'a user without a password': { type: 'kubernetes.io/basic-auth', data: { username: '' } },
    'a key of a shell that is missing': { type: 'kubernetes.io/ssh-auth' },
    'a key of a shell that is empty': { type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': '' } },
    'a certificate that is missing': { type: 'kubernetes.io/tls' },
    'a certificate that is empty': { type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } },
    'a bootstrap token': { type: 'bootstrap.kubernetes.io/token' },
  }),
  ...updates(secrets, secret, {
    'another type': { type: 'example.com/b' },
    'no type': { type: null },
    'text later': { stringData: { c: 'd' } },
    'a bad key of a secret later': { data: { 'a b': '' } },
  }),
  ...updates(secrets, { ...secret, immutable: true } as typeof secret, {
    'other data of an immutable secret': { data: { a: 'YQ==' } },
    'a secret no longer immutable': { immutable: false },
    'text of an immutable secret': { stringData: { a: 'x' } },
    'another type of an immutable secret': { type: 'example.com/b', immutable: null },
  }),
]

const accounts = namespaced('v1', 'serviceaccounts')
const account = { metadata: { name: 'sa' } }

const ofAccounts: Case[] = [
  ...creations(accounts, account, {
    'an account': {},
    'an account with secrets': { secrets: [{ name: 'a' }], imagePullSecrets: [{ name: 'b' }], automountServiceAccountToken: false },
    'an account with capitals': { metadata: { name: 'A_b' } },
    'an account that mounts its own secrets only': { metadata: { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } },
  }),
  ...updates(accounts, account, {
    'secrets of an account': { secrets: [{ name: 'c' }] },
    'a mount rule later': { metadata: { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'false' } } },
  }),
]

const spaces = clusterWide('v1', 'namespaces')
const space = { metadata: { name: 'core-space' } }

const ofSpaces: Case[] = [
  ...creations(spaces, space, {
    'a namespace': {},
    'a namespace with dots': { metadata: { name: 'a.b' } },
    'a namespace with capitals': { metadata: { name: 'A' } },
    'a namespace too long': { metadata: { name: 'a'.repeat(64) } },
    'finalizers of a namespace': { spec: { finalizers: ['example.com/a'] } },
    'a bad finalizer of a namespace': { spec: { finalizers: ['a', 'a b', ''] } },
    'a status of a namespace': { status: { phase: 'Terminating' } },
    'labels of pod security': {
      metadata: {
        labels: {
          'pod-security.kubernetes.io/enforce': 'x',
          'pod-security.kubernetes.io/audit-version': 'v2',
          'pod-security.kubernetes.io/warn': 'baseline',
        },
      },
    },
    'another name in its label': { metadata: { labels: { 'kubernetes.io/metadata.name': 'other' } } },
  }),
  ...updates(spaces, space, {
    'a label of a namespace': { metadata: { labels: { a: 'b' } } },
    'finalizers of a namespace past their door': { spec: { finalizers: [] } },
    'no name in its label': { metadata: { labels: { 'kubernetes.io/metadata.name': null } } },
    'another name in its label later': { metadata: { labels: { 'kubernetes.io/metadata.name': 'other' } } },
    'a bad level of pod security later': { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'x' } } },
  }),
  ...updates(
    spaces,
    space,
    {
      'a phase of a namespace': { status: { phase: 'Terminating' } },
      'an unknown phase of a namespace': { status: { phase: 'Gone' } },
      'conditions of a namespace': {
        status: {
          conditions: [
            {
              type: 'NamespaceDeletionContentFailure',
              status: 'True',
              reason: 'R',
              message: 'm',
              lastTransitionTime: '2026-01-01T00:00:00Z',
            },
          ],
        },
      },
      'a label by the status of a namespace': { metadata: { labels: { a: 'b' } } },
    },
    'status',
  ),
  {
    name: 'finalizers by their door',
    given: [create(spaces, space)],
    steps: [
      replace(`${spaces}/core-space/finalize`, { metadata: { name: 'core-space' }, spec: { finalizers: ['kubernetes', 'example.com/a'] } }),
      replace(`${spaces}/core-space/finalize`, { metadata: { name: 'core-space' }, spec: { finalizers: ['a b'] } }),
      replace(`${spaces}/core-space/finalize`, { metadata: { name: 'other' }, spec: { finalizers: [] } }),
      remove(`${spaces}/core-space`),
      create('/api/v1/namespaces/core-space/configmaps', map),
      replace(`${spaces}/core-space/finalize`, { metadata: { name: 'core-space' }, spec: {} }),
      read(`${spaces}/core-space`),
    ],
  },
  {
    name: 'the default namespace deleted',
    steps: [remove(`${spaces}/default`), remove(`${spaces}/kube-system`), remove(`${spaces}/kube-public`)],
  },
  { name: 'all namespaces deleted at once', steps: [{ method: 'DELETE', path: spaces }] },
  {
    name: 'an object in a namespace that is not there',
    steps: [
      create('/api/v1/namespaces/core-nowhere/configmaps', map),
      patch('apply', '/api/v1/namespaces/core-nowhere/configmaps/m?fieldManager=f', { apiVersion: 'v1', kind: 'ConfigMap', ...map }),
    ],
  },
]

export const cases: readonly Case[] = [...ofMaps, ...ofSecrets, ...ofAccounts, ...ofSpaces]
