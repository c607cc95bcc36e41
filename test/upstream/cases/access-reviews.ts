/** Reviews of authentication and authorization, and tokens of service accounts. */
import { type Case, clusterWide, create, creations, namespaced } from '../upstream-case.ts'

const access = clusterWide('authorization.k8s.io/v1', 'subjectaccessreviews')
const own = clusterWide('authorization.k8s.io/v1', 'selfsubjectaccessreviews')
const local = namespaced('authorization.k8s.io/v1', 'localsubjectaccessreviews')
const rulesOf = clusterWide('authorization.k8s.io/v1', 'selfsubjectrulesreviews')
const who = clusterWide('authentication.k8s.io/v1', 'selfsubjectreviews')
const tokens = clusterWide('authentication.k8s.io/v1', 'tokenreviews')

const question = { spec: { user: 'u', resourceAttributes: { verb: 'get', resource: 'pods', namespace: '$ns' } } }
const selector = (fieldSelector: object) => ({ spec: { resourceAttributes: { fieldSelector } } })
const labels = (labelSelector: object) => ({ spec: { resourceAttributes: { labelSelector } } })

const ofAccess: Case[] = [
  ...creations(access, question, {
    'a question': {},
    'of an administrator': { spec: { groups: ['system:masters'] } },
    'of nobody': { spec: { user: null } },
    'of groups alone': { spec: { user: null, groups: ['a'] } },
    'about a path': { spec: { resourceAttributes: null, nonResourceAttributes: { verb: 'get', path: '/healthz' } } },
    'about both': { spec: { nonResourceAttributes: { verb: 'get', path: '/healthz' } } },
    'about neither': { spec: { resourceAttributes: null } },
    'no spec': { spec: null },
    'with a name': { metadata: { name: 'n' } },
    'with labels': { metadata: { labels: { a: 'b' } } },
    'a raw field selector': selector({ rawSelector: 'a=b' }),
    'a field selector both ways': selector({ rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] }),
    'an empty field selector': selector({}),
    'bad requirements of fields': selector({
      requirements: [
        { key: '', operator: 'In' },
        { key: 'a', operator: 'X' },
        { key: 'a', operator: 'Exists', values: ['b'] },
      ],
    }),
    'a label selector both ways': labels({ rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] }),
    'an empty label selector': labels({}),
    'bad requirements of labels': labels({
      requirements: [
        { key: 'a b', operator: 'In' },
        { key: 'a', operator: 'X' },
        { key: 'a', operator: 'DoesNotExist', values: ['b'] },
      ],
    }),
    'a status given': { status: { allowed: true } },
    'extra and groups': { spec: { groups: ['g'], uid: 'x', extra: { k: ['v'] } } },
  }),
  ...creations(
    own,
    { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
    {
      'of oneself': {},
      'of oneself about nothing': { spec: { resourceAttributes: null } },
      'of oneself with a name': { metadata: { name: 'n' } },
    },
  ),
  ...creations(local, question, {
    'in a namespace': {},
    'in another namespace': { spec: { resourceAttributes: { namespace: 'default' } } },
    'in no namespace': { spec: { resourceAttributes: { namespace: null } } },
    'in a namespace about a path': { spec: { resourceAttributes: null, nonResourceAttributes: { verb: 'get', path: '/a' } } },
    'in a namespace with another': { metadata: { namespace: 'default' } },
    'in a namespace of nobody': { spec: { user: null } },
  }),
  {
    name: 'of another',
    steps: [{ ...create(own, { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }), as: 'core-nobody' }],
  },
  {
    name: 'asked by who may not',
    steps: [
      { ...create(access, question), as: 'core-nobody' },
      { ...create(tokens, { spec: { token: 'x' } }), as: 'core-nobody' },
    ],
  },
]

const account = create(namespaced('v1', 'serviceaccounts'), { metadata: { name: 'sa' } })
const token = namespaced('v1', 'serviceaccounts/sa/token')
const wish = (spec: object) => ({ ...create(token, { spec }) })
const issued = (spec: object): Case['steps'] => [create(token, { spec })]

const ofRules: Case[] = [
  ...creations(
    rulesOf,
    { spec: { namespace: '$ns' } },
    {
      'rules without a namespace': { spec: { namespace: null } },
      'rules without spec': { spec: null },
    },
  ),
  { name: 'rules of nobody', steps: [{ ...create(rulesOf, { spec: { namespace: '$ns' } }), as: 'core-nobody' }] },
  { name: 'who am I', steps: [create(who, {}), create(who, { metadata: { name: 'n' } }), { ...create(who, {}), as: 'core-nobody' }] },
  {
    name: 'a token of nobody',
    steps: [create(tokens, { spec: { token: 'x' } }), create(tokens, { spec: { token: 'x', audiences: ['a'] } })],
  },
  {
    name: 'no token',
    steps: [create(tokens, { spec: { token: '' } }), create(tokens, {}), create(tokens, { metadata: { name: 'n' }, spec: { token: 'x' } })],
  },
]

/** Of what is issued only refusals are compared: a token is never the same. */
const ofTokens: Case[] = [
  { name: 'a lifetime too short', given: [account], steps: issued({ expirationSeconds: 599 }) },
  { name: 'a lifetime too long', given: [account], steps: issued({ expirationSeconds: 4294967297 }) },
  { name: 'no lifetime', given: [account], steps: issued({ expirationSeconds: 0 }) },
  { name: 'a negative lifetime', given: [account], steps: issued({ expirationSeconds: -1 }) },
  {
    name: 'bound to an unknown kind',
    given: [account],
    steps: issued({ boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } }),
  },
  {
    name: 'bound to a kind of another version',
    given: [account],
    steps: issued({ boundObjectRef: { kind: 'Pod', apiVersion: 'apps/v1', name: 'x' } }),
  },
  {
    name: 'bound to a pod that is not there',
    given: [account],
    steps: issued({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'x' } }),
  },
  {
    name: 'bound to a secret that is not there',
    given: [account],
    steps: issued({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'x' } }),
  },
  {
    name: 'bound to a node that is not there',
    given: [account],
    steps: issued({ boundObjectRef: { kind: 'Node', apiVersion: 'v1', name: 'x' } }),
  },
  { name: 'bound to nothing', given: [account], steps: issued({ boundObjectRef: {} }) },
  {
    name: 'bound to a secret of another uid',
    given: [account, create(namespaced('v1', 'secrets'), { metadata: { name: 'x' } })],
    steps: issued({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'x', uid: '00000000-0000-0000-0000-000000000000' } }),
  },
  {
    name: 'bound to a pod of another account',
    given: [account, create(namespaced('v1', 'pods'), { metadata: { name: 'x' }, spec: { containers: [{ name: 'c', image: 'i' }] } })],
    steps: issued({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'x' } }),
  },
  { name: 'a token of an account that is not there', steps: [create(namespaced('v1', 'serviceaccounts/nothing/token'), { spec: {} })] },
  { name: 'a token of another name', given: [account], steps: [create(token, { metadata: { name: 'other' }, spec: {} })] },
  { name: 'a token of another namespace', given: [account], steps: [create(token, { metadata: { namespace: 'other' }, spec: {} })] },
  { name: 'a token by who may not', given: [account], steps: [{ ...wish({}), as: 'core-nobody' }] },
]

export const cases: readonly Case[] = [...ofAccess, ...ofRules, ...ofTokens]
