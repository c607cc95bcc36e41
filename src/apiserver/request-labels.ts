import type { ApiRequest } from './contract.ts'
import type { Core } from './core.ts'
import { patchTypeOf } from './http/body.ts'
import type { RequestInfo } from './http/request-info.ts'
import type { RequestLabels } from './metrics.ts'

/** Only served resources get labels of their own: anybody can ask for any path. */
export function labelsOf(core: Core, { method, headers }: ApiRequest, info: RequestInfo): RequestLabels {
  if (info.type === 'path' || !core.registry.find(info.group, info.version, info.resource))
    return { ...otherLabels, verb: reportedVerbs[info.verb] ?? 'OTHER' }
  const { verb, group, version, resource, namespace, name, query } = info
  const subresource = info.subresource.length > 30 ? '' : info.subresource
  const isConnect = connecting.has(subresource)
  const isApply = verb === 'patch' && patchTypeOf(first(headers['content-type'])) === 'apply'
  return {
    verb: isConnect ? 'CONNECT' : isApply ? 'APPLY' : (reportedVerbs[verb] ?? reportedVerbs[method.toLowerCase()] ?? 'OTHER'),
    group,
    version,
    resource,
    subresource,
    scope: name !== '' || verb === 'create' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster',
    dryRun: query.text.includes('dryRun') ? dryRunOf(query.getAll('dryRun')) : '',
  }
}

const dryRunOf = (values: readonly string[]) => (values.length === 0 ? '' : values.every((value) => value === 'All') ? 'All' : 'invalid')
const connecting: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy'])
const otherLabels: RequestLabels = { verb: '', group: '', version: '', resource: '', subresource: '', scope: '', dryRun: '' }
/** Verbs as upstream's rules and dashboards name them. */
const reportedVerbs: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  post: 'POST',
  update: 'PUT',
  put: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
  head: 'HEAD',
  options: 'OPTIONS',
}

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
