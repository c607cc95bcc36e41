/** Options of requests that contradict themselves or are none, and answers and bodies in forms that there are not. */
import { type Case, clusterWide, create, namespaced, patch, read, remove, replace, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const one = `${configMaps}/one`
const map = (metadata: object = {}) => ({ metadata: { name: 'one', ...metadata } })
const made = create(configMaps, map())
const asked = (name: string, ...steps: readonly Request[]): Case => ({ name, steps })
const long = 'm'.repeat(129)

const everyWrite = (name: string, query: string): Case[] => [
  asked(`${name}: create`, create(`${configMaps}?${query}`, map())),
  asked(`${name}: replace`, made, replace(`${one}?${query}`, map())),
  asked(`${name}: patch`, made, patch('merge', `${one}?${query}`, {})),
  asked(`${name}: apply`, patch('apply', `${one}?${query}`, { apiVersion: 'v1', kind: 'ConfigMap', ...map() })),
  asked(`${name}: delete`, made, remove(`${one}?${query}`)),
  asked(`${name}: delete many`, remove(`${configMaps}?labelSelector=none&${query}`)),
]
const deletes = (name: string, query: string, body?: object): Case[] => [
  asked(`delete: ${name}, by query`, made, remove(`${one}?${query}`)),
  ...(body
    ? [
        asked(`delete: ${name}, by body`, made, remove(one, body)),
        asked(`delete many: ${name}`, remove(`${configMaps}?labelSelector=none`, body)),
      ]
    : []),
]
const accepted = (name: string, accept: string, path = one): Case => asked(`accept: ${name}`, made, read(path, accept))
const typed = (name: string, contentType: string): Case[] => [
  asked(`type: ${name}, create`, { ...create(configMaps, map()), contentType }),
  asked(`type: ${name}, replace`, made, { ...replace(one, map()), contentType }),
  asked(`type: ${name}, patch`, made, { ...patch('merge', one, {}), contentType }),
  asked(`type: ${name}, patch of what is not there`, { ...patch('merge', one, {}), contentType }),
  asked(`type: ${name}, delete`, made, { ...remove(one, {}), contentType }),
]

export const cases: readonly Case[] = [
  ...everyWrite('dryRun of no such kind', 'dryRun=Some'),
  ...everyWrite('dryRun of two kinds', 'dryRun=All&dryRun=Some'),
  ...everyWrite('an empty dryRun', 'dryRun='),
  ...everyWrite('a long manager', `fieldManager=${long}`),
  ...everyWrite('an unprintable manager', 'fieldManager=a%07b'),
  ...everyWrite('force', 'force=true&fieldManager=m'),
  ...everyWrite('force that is none', 'force=maybe&fieldManager=m'),
  ...everyWrite('a validation that is none', 'fieldValidation=Some'),
  ...everyWrite('an unknown option', 'odd=1&fieldManager=m'),
  ...everyWrite('pretty that is none', 'pretty=maybe&fieldManager=m'),
  ...deletes('a policy that is none', 'propagationPolicy=Some', { propagationPolicy: 'Some' }),
  ...deletes('a policy and orphans', 'propagationPolicy=Orphan&orphanDependents=true', {
    propagationPolicy: 'Orphan',
    orphanDependents: true,
  }),
  ...deletes('orphans', 'orphanDependents=true', { orphanDependents: true }),
  ...deletes('orphans that are none', 'orphanDependents=maybe'),
  ...deletes('a grace that is none', 'gracePeriodSeconds=x'),
  ...deletes('a negative grace', 'gracePeriodSeconds=-1', { gracePeriodSeconds: -1 }),
  ...deletes('a grace with a fraction', 'gracePeriodSeconds=1.5', { gracePeriodSeconds: 1.5 }),
  ...deletes('a big grace', 'gracePeriodSeconds=99999999999999999999'),
  ...deletes('dryRun of no such kind', 'dryRun=x', { dryRun: ['x'] }),
  ...deletes('dryRun as a text', 'dryRun=All', { dryRun: 'All' }),
  ...deletes('several wrong ones', 'dryRun=x&propagationPolicy=y&gracePeriodSeconds=0', {
    dryRun: ['x'],
    propagationPolicy: 'y',
    orphanDependents: true,
  }),
  ...deletes('the old foreground', 'propagationPolicy=Foreground', { propagationPolicy: 'Foreground' }),
  ...deletes('ignoring what cannot be read', 'ignoreStoreReadErrorWithClusterBreakingPotential=true', {
    ignoreStoreReadErrorWithClusterBreakingPotential: true,
  }),
  ...deletes('a kind of another version', '', { apiVersion: 'apps/v1', kind: 'DeleteOptions' }),
  ...deletes('a kind of no version', '', { apiVersion: 'none/v1', kind: 'DeleteOptions' }),
  ...deletes('the kind of the group', '', { apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions' }),
  ...deletes('the old kind', '', { apiVersion: 'v1', kind: 'DeleteOptions' }),
  accepted('nothing that there is', 'text/plain'),
  accepted('any text', 'text/*'),
  accepted('anything', '*/*'),
  accepted('any application', 'application/*'),
  accepted('YAML or JSON', 'application/yaml;q=0.1,application/json'),
  accepted('JSON by no quality', 'application/json;q=0'),
  accepted('an odd quality', 'application/json;q=x'),
  accepted('a charset', 'application/json; charset=utf-8'),
  accepted('a stream', 'application/json;stream=watch'),
  accepted('an odd stream', 'application/json;stream=odd'),
  accepted('a server version', 'application/json;sv=v1'),
  accepted('CBOR', 'application/cbor'),
  accepted('CBOR or else JSON', 'application/cbor,application/json'),
  accepted('capitals', 'Application/JSON'),
  accepted('no slash', 'json'),
  accepted('commas', ',,application/json'),
  accepted('nothing that there is, of a list', 'text/plain', configMaps),
  accepted('nothing that there is, of a watch', 'text/plain', `${configMaps}?watch=1`),
  accepted('an odd stream, of a watch', 'application/json;stream=odd', `${configMaps}?watch=1&timeoutSeconds=1`),
  accepted('nothing that there is, of no resource', 'text/plain', '/api/v1/gadgets'),
  accepted('nothing that there is, of the groups', 'text/plain', '/apis'),
  accepted('nothing that there is, of a version', 'text/plain', '/apis/apps/v1'),
  accepted('nothing that there is, of the documents', 'text/plain', '/openapi/v2'),
  accepted('nothing that there is, of no path', 'text/plain', '/none'),
  accepted('a Table, of a group', 'application/json;as=Table;g=meta.k8s.io;v=v1', '/apis/apps'),
  accepted('a Table, of a scale', 'application/json;as=Table;g=meta.k8s.io;v=v1', `${namespaced('apps/v1', 'deployments')}/none/scale`),
  asked('accept: nothing that there is, of a create', { ...made, accept: 'text/plain' }),
  asked('accept: nothing that there is, of a delete', made, { ...remove(one), accept: 'text/plain' }),
  asked('accept: nothing that there is, of a review', {
    ...create(clusterWide('authorization.k8s.io/v1', 'selfsubjectaccessreviews'), { spec: {} }),
    accept: 'text/plain',
  }),
  asked('accept: a Table of a review', {
    ...create(clusterWide('authorization.k8s.io/v1', 'selfsubjectaccessreviews'), {
      spec: { nonResourceAttributes: { path: '/', verb: 'get' } },
    }),
    accept: 'application/json;as=Table;g=meta.k8s.io;v=v1',
  }),
  ...typed('text', 'text/plain'),
  ...typed('a word', 'json'),
  ...typed('JSON of another charset', 'application/json; charset=latin1'),
  ...typed('a patch', 'application/merge-patch+json'),
  ...typed('CBOR', 'application/cbor'),
  ...typed('an odd parameter', 'application/json; a'),
]
