/** What one of many clients does next to the few objects that all of them work on, and what it may be answered. */
import type { Random } from '../../src/base/random.ts'
import type { Client, DeleteOptions, ResourceClient } from '../../src/client/contract.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { CustomResourceDefinition } from '../../src/kinds/generated/types/apiextensions-v1.ts'
import type { KindRef } from '../../src/kinds/kind.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { StatusError } from '../../src/machinery/status-error.ts'
import { pick } from './object-maker.ts'

/** Reasons of an answer; `Stale`: the 409 of who comes from an older state than the present one. */
type Reason = string
export type Act = {
  readonly what: string
  /** Refusals that can be. */
  readonly may: readonly Reason[]
  readonly do: () => Promise<unknown>
}

export const reasonOf = (error: unknown): Reason =>
  !(error instanceof StatusError)
    ? String(error)
    : error.reason === 'Conflict' && error.message.includes('the object has been modified')
      ? 'Stale'
      : error.reason || String(error.code)

/** Those of namespaces that come and go. */
const passing = ['c-0', 'c-1'] as const
/** Stays; has a quota. */
export const quotaNamespace = 'c-quota'
/** Stays; only evictions take pods away. */
export const budgetNamespace = 'c-budget'
const namespaces = [...passing, 'c-all', 'c-all', 'c-all', quotaNamespace] as const
const names = ['a', 'a', 'b'] as const
export const quotaHard = { pods: '4', services: '3', 'services.nodeports': '2', 'count/configmaps': '5', 'count/secrets': '3' } as const

/** What a namespace that is not there, ends, or is full answers. */
const ofNamespace = ['NotFound', 'Forbidden'] as const

/** Of a kind that is on its way out, whose rules change, and that nothing says how to merge strategically. */
const ofCustom = ['MethodNotAllowed', 'Invalid', 'UnsupportedMediaType'] as const

const containers = [{ name: 'c', image: 'i', resources: { requests: { cpu: '1m' } } }]
const template = { metadata: { labels: { app: 'x' } }, spec: { containers } }
const { coreV1, appsV1, batchV1, policyV1, coordinationV1, apiextensionsV1 } = kindRefs
export const definitions = apiextensionsV1.customResourceDefinitions
/** Its definition comes and goes. */
export const things: KindRef = { group: 'contend.example.com', version: 'v1', kind: 'Thing', plural: 'things', scope: 'Namespaced' }
const definitionName = `${things.plural}.${things.group}`
type Maker = (random: Random) => object
/** The kinds that are fought over, and how their objects are made. */
export const contended: readonly { readonly kind: KindRef; readonly make: Maker }[] = [
  { kind: coreV1.configMaps, make: (random) => ({ data: { n: String(random.below(9)) } }) },
  { kind: coreV1.secrets, make: () => ({ stringData: { a: 'b' } }) },
  {
    kind: coreV1.services,
    make: (random) => ({
      spec: {
        selector: { app: 'x' },
        type: pick(random, ['ClusterIP', 'NodePort', 'NodePort', 'LoadBalancer']),
        ports: [{ port: 80, ...(random.below(3) === 0 ? { nodePort: 30_000 + random.below(2) } : {}) }],
        ...(random.below(4) === 0 ? { clusterIP: `10.96.0.${20 + random.below(2)}` } : {}),
      },
    }),
  },
  { kind: coreV1.pods, make: () => ({ metadata: { labels: { app: 'x' } }, spec: { containers, terminationGracePeriodSeconds: 1 } }) },
  { kind: coreV1.serviceAccounts, make: () => ({}) },
  {
    kind: coreV1.persistentVolumeClaims,
    make: () => ({ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } }),
  },
  {
    kind: appsV1.deployments,
    make: (random) => ({ spec: { replicas: random.below(3), selector: { matchLabels: { app: 'x' } }, template } }),
  },
  {
    kind: appsV1.replicaSets,
    make: (random) => ({ spec: { replicas: random.below(3), selector: { matchLabels: { app: 'x' } }, template } }),
  },
  {
    kind: appsV1.statefulSets,
    make: (random) => ({ spec: { serviceName: 'x', replicas: random.below(3), selector: { matchLabels: { app: 'x' } }, template } }),
  },
  { kind: batchV1.jobs, make: () => ({ spec: { template: { spec: { restartPolicy: 'Never', containers } } } }) },
  { kind: policyV1.podDisruptionBudgets, make: () => ({ spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'x' } } } }) },
  { kind: things, make: (random) => ({ spec: { size: random.below(9) } }) },
  { kind: coordinationV1.leases, make: (random) => ({ spec: { holderIdentity: String(random.below(5)) } }) },
]

export type Told = (answered: {
  readonly kind: KindRef
  readonly what: string
  readonly answer: unknown
  readonly type: 'put' | 'delete'
}) => void
type Target = {
  readonly resource: ResourceClient<KubeObject>
  readonly kind: KindRef
  readonly name: string
  readonly make: Maker
  readonly at: string
}

/** Fought over at a time: so few that clients meet. */
const kindsAtOnce = 3

/** The next act of a client. `era` is the same for all of them: what they fight over now. */
export function nextAct(client: Client, { random, era, told }: { random: Random; era: number; told: Told }): Act {
  const draw = random.below(100)
  if (draw < 4) return namespaceAct(client, random, told)
  if (draw < 10) return evictionOfGuarded(client, random)
  if (draw < 13) return definitionAct(client, random, told)
  const { kind, make } = contended[(era * kindsAtOnce + random.below(kindsAtOnce)) % contended.length]!
  const namespace = pick(random, namespaces)
  const name = pick(random, names)
  const target = { resource: client.resource(kind, namespace), kind, name, make, at: `${kind.plural} ${namespace}/${name}` }
  const act = (draw < 40 ? specialAct(target, random, told) : undefined) ?? plainAct(target, random, told)
  return kind === things ? { ...act, may: [...act.may, ...ofCustom] } : act
}

const marks = (random: Random) => ({ [pick(random, ['x', 'y', 'z'])]: String(random.below(6)) })

function plainAct({ resource, kind, name, make, at }: Target, random: Random, told: Told): Act {
  const put = async (what: string, answer: Promise<unknown>) => told({ kind, what, answer: await answer, type: 'put' })
  const end = async (what: string, answer: Promise<unknown>) => told({ kind, what, answer: await answer, type: 'delete' })
  const made = (): KubeObject => {
    const { metadata, ...rest } = make(random) as Partial<KubeObject>
    return { ...rest, metadata: { ...metadata, name } } as KubeObject
  }
  const act = (verb: string, may: readonly Reason[], run: (what: string) => Promise<unknown>): Act => {
    const what = `${verb} ${at}`
    return { what, may, do: () => run(what) }
  }
  switch (random.below(18)) {
    case 15:
    case 16:
    case 17:
    case 0:
    case 1:
      return act('create', ['AlreadyExists', 'Invalid', ...ofNamespace], (what) => put(what, resource.create(made())))
    case 2: {
      const { metadata, ...rest } = made()
      const { name: _, ...others } = metadata
      const object = {
        ...rest,
        metadata: { ...others, generateName: 'g-', labels: { ...metadata.labels, generated: 'yes' } },
      } as KubeObject
      return act('generate', ['Invalid', ...ofNamespace], (what) => put(what, resource.create(object)))
    }
    case 3:
      return act('update', ['Stale', 'Conflict', ...ofNamespace], async (what) => {
        const found = await resource.get(name)
        await put(
          what,
          resource.update({ ...found, metadata: { ...found.metadata, labels: { ...found.metadata.labels, ...marks(random) } } }),
        )
      })
    case 4:
      // Without a version: the last one wins, and nobody is told of the others.
      return act('replace', ['Invalid', 'Conflict', ...ofNamespace], async (what) => {
        const found = await resource.get(name)
        const { resourceVersion: _, ...metadata } = found.metadata
        await put(what, resource.update({ ...found, metadata: { ...metadata, annotations: marks(random) } }))
      })
    case 5:
      return act('merge', ofNamespace, (what) =>
        put(what, resource.patch(name, { type: 'merge', body: { metadata: { labels: marks(random) } } })),
      )
    case 6:
      return act('strategic', ofNamespace, (what) =>
        put(what, resource.patch(name, { type: 'strategic', body: { metadata: { annotations: marks(random) } } })),
      )
    case 7:
      return act('json', ['Invalid', ...ofNamespace], (what) =>
        put(what, resource.patch(name, { type: 'json', body: [{ op: 'replace', path: '/metadata/labels', value: marks(random) }] })),
      )
    case 8:
      return act('apply', ['Invalid', ...ofNamespace], (what) => {
        const object = {
          metadata: { name, annotations: marks(random) },
          ...(random.below(2) ? {} : omitMetadata(make(random))),
        } as KubeObject
        return put(what, resource.apply(object, { fieldManager: pick(random, ['m', 'n', 'o']), force: true }))
      })
    case 9:
      return act('hold', ['Invalid', ...ofNamespace], (what) =>
        put(what, resource.patch(name, { type: 'merge', body: { metadata: { finalizers: ['example.com/held'] } } })),
      )
    case 10:
    case 11:
      return act('release', ['Invalid', ...ofNamespace], (what) =>
        put(what, resource.patch(name, { type: 'merge', body: { metadata: { finalizers: null } } })),
      )
    case 12:
      return act('delete', ofNamespace, (what) => end(what, resource.delete(name, deletion(random))))
    case 13:
      return act('delete precisely', ['Conflict', ...ofNamespace], async (what) => {
        const { metadata } = await resource.get(name)
        const preconditions = random.below(2) ? { uid: metadata.uid! } : { resourceVersion: metadata.resourceVersion! }
        await end(what, resource.delete(name, { preconditions }))
      })
    default:
      return random.below(3) > 0
        ? act('list', ofNamespace, () => resource.list({ limit: 1 + random.below(3) }))
        : act('delete all', ofNamespace, () => resource.deleteCollection({ labelSelector: 'generated=yes', ...deletion(random) }))
  }
}

function omitMetadata(object: object): object {
  const { metadata: _, ...rest } = object as Partial<KubeObject>
  return rest
}

function deletion(random: Random): DeleteOptions {
  const propagationPolicy = pick(random, [undefined, 'Background', 'Foreground', 'Orphan'] as const)
  return { ...(propagationPolicy ? { propagationPolicy } : {}), ...(random.below(3) === 0 ? { gracePeriodSeconds: random.below(2) } : {}) }
}

function specialAct({ resource, kind, name, at }: Target, random: Random, told: Told): Act | undefined {
  const tell = (verb: string, answer: unknown) => told({ kind, what: `${verb} ${at}`, answer, type: 'put' })
  const act = (verb: string, may: readonly Reason[], run: () => Promise<unknown>): Act => ({
    what: `${verb} ${at}`,
    may: [...may, ...ofNamespace],
    do: run,
  })
  const post = (subresource: string, body: object) => resource.subresource<object, KubeObject>(name, subresource, body)
  const run = () => {
    const verb = pick(
      random,
      kind.plural === 'pods' ? ['start', 'stop', 'pause', 'resume', 'restart'] : ['start', 'stop', 'pause', 'resume'],
    )
    return act(verb, ['Conflict'], async () => tell(verb, await post(verb, {})))
  }
  const isScaled = ['deployments', 'replicasets', 'statefulsets'].includes(kind.plural)
  if (isScaled && random.below(2)) {
    const body = { metadata: { name }, spec: { replicas: random.below(3) } }
    if (random.below(2)) return act('scale', [], () => resource.patch(name, { type: 'merge', body }, { subresource: 'scale' }))
    return act('scale by put', ['Stale'], async () => {
      const scale = await resource.subresource<object, KubeObject>(name, 'scale', {}, { method: 'GET' })
      await resource.subresource(name, 'scale', { ...scale, spec: body.spec }, { method: 'PUT' })
    })
  }
  switch (kind.plural) {
    case 'deployments':
      return run()
    case 'serviceaccounts':
      return act('token', [], () => post('token', { spec: { audiences: ['x'] } }))
    case 'pods':
      return podAct({ act, post, run, tell, resource, name }, random)
    case 'services':
      return act('type', ['Invalid'], async () => {
        const type = pick(random, ['ClusterIP', 'NodePort', 'LoadBalancer'])
        tell('type', await resource.patch(name, { type: 'merge', body: { spec: { type } } }))
      })
    default:
      return act('status', ['Invalid'], async () => {
        const body = { metadata: { annotations: { s: String(random.below(4)) } } }
        tell('status', await resource.patch(name, { type: 'merge', body }, { subresource: 'status' }))
      })
  }
}

type PodTools = {
  readonly act: (verb: string, may: readonly Reason[], run: () => Promise<unknown>) => Act
  readonly post: (subresource: string, body: object) => Promise<KubeObject>
  readonly run: () => Act
  readonly resource: ResourceClient<KubeObject>
  readonly name: string
  readonly tell: (verb: string, answer: unknown) => void
}

function podAct({ act, post, run, tell, resource, name }: PodTools, random: Random): Act {
  switch (random.below(7)) {
    case 0:
      return act('bind', ['Conflict'], () => post('binding', { metadata: { name }, target: { kind: 'Node', name: 'node-1' } }))
    case 1:
      return act('evict', ['TooManyRequests', '500', 'Conflict'], () => post('eviction', { metadata: { name } }))
    case 2:
      return act('resize', ['Invalid'], async () => {
        const body = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: `${1 + random.below(4)}m` } } }] } }
        tell('resize', await resource.patch(name, { type: 'strategic', body }, { subresource: 'resize' }))
      })
    case 3:
      return act('debug', ['Invalid'], async () => {
        const body = { spec: { ephemeralContainers: [{ name: `e${random.below(3)}`, image: 'i' }] } }
        tell('debug', await resource.patch(name, { type: 'strategic', body }, { subresource: 'ephemeralcontainers' }))
      })
    case 4:
      return act('pod status', ['Invalid'], async () => {
        const body = { status: { conditions: [{ type: 'example.com/x', status: pick(random, ['True', 'False']) }] } }
        tell('pod status', await resource.patch(name, { type: 'strategic', body }, { subresource: 'status' }))
      })
    default:
      return run()
  }
}

function namespaceAct(client: Client, random: Random, told: Told): Act {
  const resource = client.resource<KubeObject>(coreV1.namespaces)
  const name = pick(random, passing)
  const put = async (what: string, answer: Promise<unknown>) => told({ kind: coreV1.namespaces, what, answer: await answer, type: 'put' })
  const act = (verb: string, may: readonly Reason[], run: (what: string) => Promise<unknown>): Act => {
    const what = `${verb} namespace ${name}`
    return { what, may, do: () => run(what) }
  }
  switch (random.below(5)) {
    case 0:
    case 1:
      return act('create', ['AlreadyExists'], (what) => put(what, resource.create({ metadata: { name } })))
    case 2:
      return act('label', ['NotFound'], (what) =>
        put(what, resource.patch(name, { type: 'merge', body: { metadata: { labels: marks(random) } } })),
      )
    case 3:
      return act('finalize', ['NotFound', 'Stale', 'Conflict'], async () => {
        const found = await resource.get(name)
        await resource.subresource(name, 'finalize', found, { method: 'PUT' })
      })
    default:
      return act('delete', ['NotFound', 'Conflict'], async (what) =>
        told({ kind: coreV1.namespaces, what, answer: await resource.delete(name), type: 'delete' }),
      )
  }
}

function definitionAct(client: Client, random: Random, told: Told): Act {
  const resource = client.resource(definitions)
  const act = (verb: string, may: readonly Reason[], run: () => Promise<unknown>, type: 'put' | 'delete' = 'put'): Act => {
    const what = `${verb} definition`
    return { what, may, do: async () => told({ kind: definitions, what, answer: await run(), type }) }
  }
  switch (random.below(6)) {
    case 0:
    case 1:
    case 2:
      return act('create', ['AlreadyExists'], () =>
        resource.create({ metadata: { name: definitionName }, spec: definitionSpec(random.below(20)) }),
      )
    case 3:
      return act('delete', ['NotFound'], () => resource.delete(definitionName), 'delete')
    default:
      return act('change', ['NotFound'], () =>
        resource.patch(definitionName, { type: 'merge', body: { spec: { versions: definitionSpec(random.below(20)).versions } } }),
      )
  }
}

function definitionSpec(sizeMax: number): CustomResourceDefinition['spec'] {
  const properties = { spec: { type: 'object', properties: { size: { type: 'integer', maximum: sizeMax } } }, status: { type: 'object' } }
  const schema = { openAPIV3Schema: { type: 'object', properties } }
  const { group, plural, kind, version } = things
  return {
    group,
    scope: 'Namespaced',
    names: { plural, kind, singular: 'thing', listKind: 'ThingList' },
    versions: [{ name: version, served: true, storage: true, subresources: { status: {} }, schema }],
  }
}

/** One of the pods that a budget guards. */
function evictionOfGuarded(client: Client, random: Random): Act {
  const pods = client.resource<KubeObject>(coreV1.pods, budgetNamespace)
  return {
    what: 'evict a guarded pod',
    may: ['TooManyRequests', 'NotFound', 'Conflict'],
    do: async () => {
      const { items } = await pods.list()
      if (items.length === 0) return
      const { name = '' } = pick(random, items).metadata
      await pods.subresource(name, 'eviction', { metadata: { name } })
    },
  }
}
