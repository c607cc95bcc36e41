/** Addresses that are none, and verbs that an address does not have. */
import { type Case, clusterWide, create, namespaced, patch, read, remove, replace, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const one = `${configMaps}/one`
const map = (metadata: object = {}) => ({ metadata: { name: 'one', ...metadata } })
const made = create(configMaps, map())
const asked = (name: string, ...steps: readonly Request[]): Case => ({ name, steps })
const everyVerb = (name: string, path: string): Case[] => [
  asked(`${name}: GET`, read(path)),
  asked(`${name}: POST`, create(path, {})),
  asked(`${name}: PUT`, replace(path, {})),
  asked(`${name}: PATCH`, patch('merge', path, {})),
  asked(`${name}: DELETE`, remove(path)),
]
const reviews = clusterWide('authentication.k8s.io/v1', 'tokenreviews')
const pods = namespaced('v1', 'pods')

export const cases: readonly Case[] = [
  ...everyVerb('no resource', namespaced('v1', 'gadgets')),
  ...everyVerb('an object of no resource', `${namespaced('v1', 'gadgets')}/one`),
  ...everyVerb('no version', '/api/v9/configmaps'),
  ...everyVerb('no group', '/apis/none.example.com/v1/things'),
  ...everyVerb('a group alone', '/apis/apps'),
  ...everyVerb('a version alone', '/apis/apps/v1').slice(1),
  ...everyVerb('the core version', '/api/v1').slice(1),
  ...everyVerb('no path', '/none'),
  ...everyVerb('the version of the server', '/version').slice(1),
  ...everyVerb('health', '/healthz'),
  ...everyVerb('an unknown group alone', '/apis/none.example.com'),
  ...everyVerb('an unknown version of a group', '/apis/apps/v9'),
  ...everyVerb('a subresource that is none', `${one}/none`),
  ...everyVerb('a subresource that the kind does not have', `${one}/status`),
  ...everyVerb('more than a subresource', `${one}/status/more`),
  ...everyVerb('a collection', configMaps).filter(({ name }) => /PUT|PATCH/.test(name)),
  ...everyVerb('the collection of all namespaces', '/api/v1/configmaps').filter(({ name }) => !name.endsWith('GET')),
  ...everyVerb('an object', one).filter(({ name }) => name.endsWith('POST')),
  ...everyVerb('an object without its namespace', '/api/v1/configmaps/one'),
  ...everyVerb('a node in a namespace', namespaced('v1', 'nodes')),
  ...everyVerb('a review', `${reviews}/one`),
  ...everyVerb('reviews', reviews).filter(({ name }) => !name.endsWith('POST')),
  ...everyVerb('a namespace', '/api/v1/namespaces/upstream-none'),
  ...everyVerb('the status of a namespace', '/api/v1/namespaces/upstream-none/status'),
  ...everyVerb('namespaces', '/api/v1/namespaces').filter(({ name }) => /PUT|PATCH|DELETE/.test(name)),
  ...everyVerb('a binding', `${pods}/none/binding`),
  ...everyVerb('an eviction', `${pods}/none/eviction`),
  ...everyVerb('the log of nobody', `${pods}/none/log`),
  ...everyVerb('exec', `${pods}/none/exec`),
  ...everyVerb('attach', `${pods}/none/attach`),
  ...everyVerb('portforward', `${pods}/none/portforward`),
  ...everyVerb('the proxy of nobody', `${pods}/none/proxy`),
  ...everyVerb('the scale of nobody', `${namespaced('apps/v1', 'deployments')}/none/scale`),
  ...everyVerb('the status of nobody', `${namespaced('apps/v1', 'deployments')}/none/status`),
  ...everyVerb('the ephemeral containers of nobody', `${pods}/none/ephemeralcontainers`),
  ...everyVerb('the size of nobody', `${pods}/none/resize`),
  ...everyVerb('a token of nobody', `${namespaced('v1', 'serviceaccounts')}/none/token`),
  ...everyVerb('the approval of nobody', `${clusterWide('certificates.k8s.io/v1', 'certificatesigningrequests')}/none/approval`),
  ...everyVerb('an old watch', `/api/v1/watch/namespaces/$ns/configmaps?timeoutSeconds=0`).filter(({ name }) => !name.endsWith('GET')),
  ...everyVerb('the old watch alone', '/api/v1/watch').map((one) => ({
    ...one,
    differs: 'upstream answers 500 to what is the fault of the client',
  })),
  ...everyVerb('component statuses', '/api/v1/componentstatuses/none'),
  asked('an empty name', read(`${configMaps}/`)),
  asked('an odd name', read(`${configMaps}/A%20B`)),
  asked('a name with a slash', read(`${configMaps}/a%2Fb`)),
  asked('a name in the namespace of nobody', read('/api/v1/namespaces/upstream-none/configmaps/one')),
  asked('a list in the namespace of nobody', read('/api/v1/namespaces/upstream-none/configmaps')),
  asked('a double slash', read('/api/v1//namespaces')),
  asked('a trailing slash', read('/api/v1/namespaces/$ns/')),
  asked('a name that is not there', read(one)),
  asked('a status of what is not there', patch('merge', `${namespaced('v1', 'services')}/none/status`, {})),
  asked('a patch of what is not there', patch('merge', one, {})),
  asked('a strategic patch of what is not there', patch('strategic', one, {})),
  asked('a JSON patch of what is not there', patch('json', one, [])),
  asked('a delete of what is not there', remove(one)),
  asked('a patch of another name', made, patch('merge', one, { metadata: { name: 'two' } })),
  asked('a patch of another namespace', made, patch('merge', one, { metadata: { namespace: 'other' } })),
  asked('a patch of another kind', made, patch('merge', one, { kind: 'Secret' })),
  asked('a patch of another version', made, patch('merge', one, { apiVersion: 'v2' })),
  asked('a patch of another uid', made, patch('merge', one, { metadata: { uid: 'other' } })),
  asked('a patch of an old version', made, patch('merge', one, { metadata: { resourceVersion: '1' } })),
  asked('a delete of another uid', made, remove(one, { preconditions: { uid: 'other' } })),
  asked('a delete of another version', made, remove(one, { preconditions: { resourceVersion: '1' } })),
  asked(
    'an apply of another name',
    patch('apply', `${one}?fieldManager=m`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'two' } }),
  ),
  asked(
    'an apply in another namespace',
    patch('apply', `${one}?fieldManager=m`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'x' } }),
  ),
  asked('an apply without a manager', patch('apply', one, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' } })),
  asked(
    'an apply of another kind',
    patch('apply', `${one}?fieldManager=m`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one' } }),
  ),
  asked('an apply without a kind', patch('apply', `${one}?fieldManager=m`, { metadata: { name: 'one' } })),
  asked(
    'a kind of another version of the group',
    create(namespaced('autoscaling/v1', 'horizontalpodautoscalers'), {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'one' },
    }),
  ),
]
