/** Requests that hardly anybody sends: parameters, selectors, forms, paths and bodies that are odd, over the kinds of all groups. */
import { type Case, clusterWide, namespaced, read, type Request } from '../upstream-case.ts'

const collections = [
  namespaced('v1', 'pods'),
  namespaced('v1', 'secrets'),
  namespaced('v1', 'events'),
  namespaced('apps/v1', 'replicasets'),
  namespaced('batch/v1', 'jobs'),
  namespaced('events.k8s.io/v1', 'events'),
  namespaced('networking.k8s.io/v1', 'ingresses'),
  namespaced('policy/v1', 'poddisruptionbudgets'),
  namespaced('resource.k8s.io/v1', 'resourceclaims'),
  namespaced('coordination.k8s.io/v1', 'leases'),
  namespaced('discovery.k8s.io/v1', 'endpointslices'),
  namespaced('rbac.authorization.k8s.io/v1', 'roles'),
  namespaced('autoscaling/v1', 'horizontalpodautoscalers'),
  namespaced('storage.k8s.io/v1', 'csistoragecapacities'),
  namespaced('v1', 'replicationcontrollers'),
  namespaced('v1', 'podtemplates'),
  clusterWide('certificates.k8s.io/v1', 'certificatesigningrequests'),
  clusterWide('scheduling.k8s.io/v1', 'priorityclasses'),
  clusterWide('node.k8s.io/v1', 'runtimeclasses'),
  clusterWide('apiextensions.k8s.io/v1', 'customresourcedefinitions'),
]
const asked = (name: string, ...steps: readonly Request[]): Case => ({ name, steps })
const enc = encodeURIComponent

/** One for each, and each over another collection. */
const spread = (what: string, queries: readonly string[]): Case[] =>
  queries.map((query, i) => asked(`${what} ${query}`, read(`${collections[(i * 7 + what.length) % collections.length]}?${query}`)))

const fields = [
  'metadata.name=',
  'metadata.name!=x,metadata.name=y',
  'metadata.name==nobody-has-it',
  'nothing=x',
  '=',
  'metadata.name',
  'metadata.name=a\\,b',
  'metadata.name=a\\',
  'metadata.name=a=b',
  'metadata.namespace=other',
  'status.phase=Running',
  'spec.nodeName=',
  'type=Opaque',
  'involvedObject.kind=Pod',
  'reason=x',
  'status.successful=0',
  'status.replicas=0',
  'spec.signerName=x',
  ',',
  'metadata.name=a,,metadata.name=a',
  ' metadata.name = a ',
  'METADATA.NAME=a',
  'metadata.labels.a=b',
  'spec.unschedulable=true',
  'regarding.kind=Pod',
]
const labels = [
  'a in (b,c)',
  'a notin ()',
  'a in ()',
  '!a',
  '!',
  'a>1',
  'a>x',
  'a<-1',
  'a in b',
  'a,,b',
  'A_B/C=1',
  '-a=b',
  'a=-b',
  ' a = b ',
  'a==b==c',
  'a in (b,c),d notin (e),!f,g',
  `${'x'.repeat(64)}=1`,
  `a=${'x'.repeat(64)}`,
  'a/b/c=1',
  '/a=1',
  'a/=1',
  'a in (b',
  'a in (b c)',
  'a exists',
  'a!b',
  'a=b c',
  'a in (,b)',
  '(a)',
  '==',
  'a=,b=',
]
const paging = [
  'limit=-1',
  'limit=0',
  'limit=1.5',
  'limit=99999999999999999999',
  'limit=+1',
  'limit=1&limit=x',
  'continue=xyz',
  'continue=',
  'continue=xyz&resourceVersion=5',
  'continue=xyz&resourceVersionMatch=Exact',
  'resourceVersionMatch=Exact',
  'resourceVersionMatch=NotOlderThan',
  'resourceVersionMatch=Other',
  'resourceVersionMatch=Other&resourceVersion=1',
  'resourceVersion=abc',
  'resourceVersion=-1',
  'resourceVersion=01',
  'resourceVersion=1.0',
  'resourceVersion=0&resourceVersionMatch=Exact',
  'resourceVersion=0&resourceVersionMatch=NotOlderThan',
  'resourceVersion=0&limit=1',
  'sendInitialEvents=true',
  'sendInitialEvents=false',
  'sendInitialEvents=abc',
  'timeoutSeconds=-1',
  'timeoutSeconds=abc',
  'allowWatchBookmarks=abc',
  'watch=0',
  'watch=false',
  'pretty=abc',
  'unknown=1',
  'dryRun=All',
  'fieldManager=x',
  'shardSelector=x',
  'includeObject=Other',
]
const watches = [
  'sendInitialEvents=true',
  'sendInitialEvents=false',
  'sendInitialEvents=true&resourceVersionMatch=Exact',
  'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=abc',
  'resourceVersionMatch=NotOlderThan',
  'resourceVersionMatch=Exact&resourceVersion=1',
  'resourceVersion=abc',
  'continue=x',
  'limit=x',
  'fieldSelector=nothing%3Dx',
  'labelSelector=a+in+b',
  'fieldSelector=metadata.name%3Da%2Cmetadata.name%3Db&labelSelector=%21',
]

/** Upstream answers 500 to a version that is none. */
const serverFault = /&resourceVersion=abc$/
const differs = 'upstream answers 500 to what is the fault of the client'

const all: readonly Case[] = [
  ...spread(
    'fields',
    fields.map((selector) => `fieldSelector=${enc(selector)}`),
  ),
  ...spread(
    'labels',
    labels.map((selector) => `labelSelector=${enc(selector)}`),
  ),
  ...spread('a list with', paging),
  ...spread(
    'a refused watch with',
    watches.map((query) => `watch=1&timeoutSeconds=1&${query}`),
  ).filter(({ name }) => !/timeoutSeconds=1&(?:continue=x|sendInitialEvents=false)$/.test(name)),
]

export const cases: readonly Case[] = all.map((one) =>
  one.name.startsWith('a refused watch') && serverFault.test(one.name) ? { ...one, differs } : one,
)
