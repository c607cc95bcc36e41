import type { KubeObject } from '../../machinery/object.ts'
import type { Core, RequestContext } from '../core.ts'
import { flag, type ResourceRequest } from '../http/request-info.ts'
import { admissionRequest } from './request.ts'

type Connection = Pick<ResourceRequest, 'group' | 'version' | 'resource' | 'subresource' | 'namespace' | 'name' | 'query' | 'rest'>

/** Admission of a connection to a pod, a service or a node: webhooks and policies see its options. Throws StatusError. */
export async function admitConnect(core: Core, context: RequestContext, info: Connection): Promise<void> {
  const { group, version, subresource, namespace, name } = info
  const resource = core.registry.find(group, version, info.resource)
  if (!resource) return
  const admission = admissionRequest(context, {
    operation: 'CONNECT',
    resource,
    subresource,
    namespace: resource.kind.scope === 'Namespaced' ? namespace : '',
    name,
    object: optionsOf(info),
    old: undefined,
    dryRun: false,
    options: {},
  })
  await core.admission.admit(admission)
  await core.admission.validate(admission)
}

const proxyKinds: Readonly<Record<string, string>> = { pods: 'PodProxyOptions', services: 'ServiceProxyOptions', nodes: 'NodeProxyOptions' }

/** The query as the options object that it stands for. */
function optionsOf({ resource, subresource, query, rest }: Connection): KubeObject {
  const options = (kind: string, fields: object) => ({ kind, apiVersion: 'v1', ...fields }) as unknown as KubeObject
  const container = query.get('container')
  const streams = {
    stdin: flag(query, 'stdin'),
    stdout: flag(query, 'stdout'),
    stderr: flag(query, 'stderr'),
    tty: flag(query, 'tty'),
    ...(container ? { container } : {}),
  }
  if (subresource === 'exec') return options('PodExecOptions', { ...streams, command: [...query.getAll('command')] })
  if (subresource === 'attach') return options('PodAttachOptions', streams)
  if (subresource === 'portforward') return options('PodPortForwardOptions', { ports: query.getAll('ports').map(Number) })
  return options(proxyKinds[resource] ?? 'PodProxyOptions', { path: rest || '/' })
}
