import type { Binding, Pod } from '../kinds/generated/types/core-v1.ts'
import type { Scale } from '../kinds/generated/types/autoscaling-v1.ts'
import type { TokenRequest } from '../kinds/generated/types/authentication-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { Client, ResourceClient } from './contract.ts'
import { delegateResource } from './delegate-resource.ts'
import { type AttachOptions, attachToPod, type ExecOptions, type ExecResult, execInPod } from './exec.ts'
import { kindRefs } from './generated/kind-refs.ts'
import { forwardPort, type PortConnection } from './port-forward.ts'
import { resourcePath } from './resource-path.ts'
import { responseError } from './response-error.ts'
import type { Status } from './types.ts'

type Refs = typeof kindRefs
type ObjectOf<Ref> = Ref extends KindRef<infer T> ? T : never

type CallOptions = { readonly signal?: AbortSignal }

/** The verbs that single kinds have beyond those of every kind. */
type Extras = {
  pods: PodVerbs
  deployments: RunVerbs & ScaleVerbs
  replicaSets: ScaleVerbs
  statefulSets: ScaleVerbs
  replicationControllers: ScaleVerbs
  serviceAccounts: { createToken(name: string, request: TokenRequest, options?: CallOptions): Promise<TokenRequest> }
}

export type GroupClient<Group> = {
  readonly [Kind in keyof Group]: (
    namespace?: string,
  ) => ResourceClient<ObjectOf<Group[Kind]>> & (Kind extends keyof Extras ? Extras[Kind] : unknown)
}

/**
 * The API, typed, as in client-go: `clientset.coreV1().pods('default').create(pod)`. A namespaced kind without a namespace
 * means all of them (list, watch).
 */
export type Clientset = { readonly [Group in keyof Refs]: () => GroupClient<Refs[Group]> } & {
  /** Any kind that is not among the generated ones, a custom resource for instance. */
  resource<T extends KubeObject>(kind: KindRef<T>, namespace?: string): ResourceClient<T>
  readonly client: Client
}

export type RunActionOptions = { readonly gracePeriodSeconds?: number; readonly signal?: AbortSignal }

/** Keelson's own: what a pod or a workload is wanted to do. Misuse is a StatusError (409 Conflict). */
export type RunVerbs = {
  start(name: string, options?: RunActionOptions): Promise<KubeObject>
  /** Ends the containers gracefully; a pod keeps its object, node, address and volumes, a Deployment remembers its replicas. */
  stop(name: string, options?: RunActionOptions): Promise<KubeObject>
  restart(name: string, options?: RunActionOptions): Promise<KubeObject>
  pause(name: string, options?: RunActionOptions): Promise<KubeObject>
  resume(name: string, options?: RunActionOptions): Promise<KubeObject>
}

export type ScaleVerbs = {
  getScale(name: string, options?: CallOptions): Promise<Scale>
  /** Sets the number of replicas, whatever it is now. */
  scale(name: string, replicas: number, options?: CallOptions): Promise<Scale>
}

export type PodVerbs = RunVerbs & {
  /** Why the pod is where it is, or why it is nowhere: the scheduler's last decision with its numbers. */
  explain(name: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>
  /** The log as it comes; ends when the log does, or with the signal under `follow`. */
  logs(name: string, options?: LogOptions): AsyncIterable<Uint8Array>
  bind(name: string, binding: Pick<Binding, 'target'>, options?: CallOptions): Promise<Status>
  /** Deletes if the disruption budgets allow it; 429 TooManyRequests otherwise. */
  evict(name: string, options?: CallOptions & { readonly gracePeriodSeconds?: number; readonly dryRun?: boolean }): Promise<Status>
  /** Runs a command in a container. Needs a client whose transport carries WebSockets. */
  exec(name: string, options: ExecOptions): Promise<ExecResult>
  /** Follows the container's own process: its output from now on, and its input where it has one. As `exec` otherwise. */
  attach(name: string, options?: AttachOptions): Promise<ExecResult>
  /** One connection to a port of the pod, 1 to 65535. Needs a client whose transport carries WebSockets. */
  portForward(name: string, port: number, options?: { readonly signal?: AbortSignal }): Promise<PortConnection>
}

export type LogOptions = {
  readonly container?: string
  readonly follow?: boolean
  readonly previous?: boolean
  readonly sinceSeconds?: number
  readonly sinceTime?: string
  readonly tailLines?: number
  readonly limitBytes?: number
  readonly timestamps?: boolean
  readonly signal?: AbortSignal
}

const runActions = ['start', 'stop', 'restart', 'pause', 'resume'] as const

/** Wraps any Client, in-process or remote. */
export function createClientset(client: Client): Clientset {
  const groups: Record<string, unknown> = {}
  for (const [groupName, refs] of Object.entries(kindRefs)) {
    const group: Record<string, unknown> = {}
    for (const [name, ref] of Object.entries(refs))
      group[name] = (namespace?: string) => resourceOf(client, ref as KindRef, name, namespace)
    groups[groupName] = () => group
  }
  // The loops above make exactly what the mapped types over the same constant describe.
  return { ...groups, client, resource: (kind: KindRef, namespace?: string) => client.resource(kind, namespace) } as unknown as Clientset
}

function resourceOf(client: Client, ref: KindRef, name: string, namespace: string | undefined): unknown {
  const resource = client.resource(ref, namespace)
  switch (name) {
    case 'pods':
      return Object.assign(
        delegateResource(resource),
        runVerbs(resource),
        podVerbs(client, ref as KindRef<Pod>, resource as ResourceClient<Pod>, namespace),
      )
    case 'deployments':
      return Object.assign(delegateResource(resource), runVerbs(resource), scaleVerbs(resource))
    case 'replicaSets':
    case 'statefulSets':
    case 'replicationControllers':
      return Object.assign(delegateResource(resource), scaleVerbs(resource))
    case 'serviceAccounts':
      return Object.assign(delegateResource(resource), {
        createToken: (account: string, request: TokenRequest, options?: CallOptions) =>
          resource.subresource(account, 'token', request, options),
      })
    default:
      return resource
  }
}

function runVerbs(resource: ResourceClient<KubeObject>): RunVerbs {
  const action = (verb: (typeof runActions)[number]) => (name: string, options?: RunActionOptions) => {
    const grace = options?.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }
    const body = { apiVersion: 'keelson.dev/v1', kind: 'RunAction', ...grace }
    return resource.subresource<typeof body, KubeObject>(name, verb, body, options?.signal ? { signal: options.signal } : {})
  }
  return Object.fromEntries(runActions.map((verb) => [verb, action(verb)])) as RunVerbs
}

function scaleVerbs(resource: ResourceClient<KubeObject>): ScaleVerbs {
  return {
    getScale: (name, options) => resource.subresource(name, 'scale', undefined, { method: 'GET', ...options }),
    scale: async (name, replicas, options) => {
      const body = { spec: { replicas } }
      // A patch of the subresource answers with the Scale, not with the object that is scaled.
      return (await resource.patch(name, { type: 'merge', body }, { subresource: 'scale', ...options })) as unknown as Scale
    },
  }
}

function podVerbs(
  client: Client,
  ref: KindRef<Pod>,
  resource: ResourceClient<Pod>,
  namespace: string | undefined,
): Omit<PodVerbs, keyof RunVerbs> {
  const inNamespace = namespace === undefined ? {} : { namespace }
  return {
    explain: (name, options) => resource.subresource(name, 'explain', undefined, { method: 'GET', ...options }),
    logs: (name, options) => podLog(client, () => resourcePath(ref, namespace, name, 'log'), options ?? {}),
    bind: (name, binding, options) =>
      resource.subresource(name, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name, ...inNamespace }, ...binding }, options),
    evict: (name, { gracePeriodSeconds, dryRun, ...options } = {}) => {
      const deleteOptions = { ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }), ...(dryRun ? { dryRun: ['All'] } : {}) }
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, ...inNamespace }, deleteOptions }
      return resource.subresource(name, 'eviction', body, options)
    },
    exec: async (name, options) => execInPod(client, resourcePath(ref, namespace, name, 'exec'), options),
    attach: async (name, options = {}) => attachToPod(client, resourcePath(ref, namespace, name, 'attach'), options),
    portForward: async (name, port, options = {}) =>
      forwardPort(client, resourcePath(ref, namespace, name, 'portforward'), { port, ...options }),
  }
}

async function* podLog(client: Client, path: () => string, options: LogOptions): AsyncGenerator<Uint8Array> {
  const { signal, ...parameters } = options
  const query = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]))
  const response = await client.raw({ method: 'GET', path: path(), query, ...(signal ? { signal } : {}) })
  if (response.code < 400) {
    yield* response.body
    return
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  const decoder = new TextDecoder()
  throw responseError(response.code, chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join(''))
}
