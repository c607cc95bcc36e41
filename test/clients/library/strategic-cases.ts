import type { Random } from '../../../src/base/random.ts'

type JsonObject = Record<string, unknown>
type Make = (random: Random) => unknown
/** A field of a struct: what it holds, and by which key its items merge. */
type Field = { readonly of?: Shape; readonly make?: Make; readonly list?: true; readonly key?: string; readonly keys?: readonly unknown[] }
type Shape = Readonly<Record<string, Field>>

const letters = ['a', 'b', 'c', 'd']
const oneOf = <T>(random: Random, all: readonly T[]): T => all[random.below(all.length)]!
const text: Field = { make: (random) => oneOf(random, letters) }
const number: Field = { make: (random) => random.below(4) }
const flag: Field = { make: (random) => random.below(2) === 0 }
const texts: Field = { list: true, make: (random) => oneOf(random, letters) }
const map: Field = { of: { a: text, b: text, c: text } }
const keyed = (key: string, keys: readonly unknown[], of: Shape): Field => ({ list: true, key, keys, of })

const meta: Field = {
  of: {
    labels: map,
    annotations: map,
    finalizers: texts,
    ownerReferences: keyed('uid', letters, { name: text, kind: text }),
    generateName: text,
  },
}
const container: Shape = {
  image: text,
  args: texts,
  ports: keyed('containerPort', [1, 2, 3], { name: text, protocol: text, hostPort: number }),
  env: keyed('name', letters, { value: text, valueFrom: { of: { fieldRef: { of: { fieldPath: text } } } } }),
  volumeMounts: keyed('mountPath', letters, { name: text, readOnly: flag }),
  resources: { of: { limits: map } },
  securityContext: { of: { runAsUser: number, capabilities: { of: { add: texts } } } },
}
const podSpec: Shape = {
  containers: keyed('name', letters, container),
  initContainers: keyed('name', letters, container),
  volumes: keyed('name', letters, {
    emptyDir: { of: { medium: text } },
    hostPath: { of: { path: text } },
    configMap: { of: { name: text, items: { list: true, of: { key: text, path: text } } } },
  }),
  tolerations: { list: true, of: { key: text, value: text } },
  imagePullSecrets: keyed('name', letters, {}),
  hostAliases: keyed('ip', letters, { hostnames: texts }),
  nodeSelector: map,
  hostNetwork: flag,
  terminationGracePeriodSeconds: number,
  affinity: {
    of: {
      nodeAffinity: {
        of: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            of: { nodeSelectorTerms: { list: true, of: { matchFields: { list: true, of: { key: text } } } } },
          },
        },
      },
    },
  },
}

export const structs: Readonly<Record<string, { readonly schema: string; readonly shape: Shape }>> = {
  Pod: {
    schema: 'io.k8s.api.core.v1.Pod',
    shape: {
      metadata: meta,
      spec: { of: podSpec },
      status: { of: { phase: text, conditions: keyed('type', letters, { status: text }), podIPs: keyed('ip', letters, {}) } },
    },
  },
  Deployment: {
    schema: 'io.k8s.api.apps.v1.Deployment',
    shape: {
      metadata: meta,
      spec: {
        of: {
          replicas: number,
          strategy: { of: { type: text, rollingUpdate: { of: { maxSurge: number, maxUnavailable: text } } } },
          template: { of: { metadata: meta, spec: { of: podSpec } } },
          selector: { of: { matchLabels: map, matchExpressions: { list: true, of: { key: text, values: texts } } } },
        },
      },
      status: { of: { conditions: keyed('type', letters, { status: text }) } },
    },
  },
  Service: {
    schema: 'io.k8s.api.core.v1.Service',
    shape: {
      metadata: meta,
      spec: {
        of: {
          ports: keyed('port', [1, 2, 3], { name: text, protocol: text, targetPort: number }),
          selector: map,
          externalIPs: texts,
          type: text,
        },
      },
      status: {
        of: { loadBalancer: { of: { ingress: { list: true, of: { ip: text } } } }, conditions: keyed('type', letters, { status: text }) },
      },
    },
  },
  Node: {
    schema: 'io.k8s.api.core.v1.Node',
    shape: {
      metadata: meta,
      spec: { of: { podCIDRs: texts, taints: { list: true, of: { key: text, effect: text } }, unschedulable: flag } },
      status: { of: { addresses: keyed('type', letters, { address: text }), conditions: keyed('type', letters, { status: text }) } },
    },
  },
  ServiceAccount: {
    schema: 'io.k8s.api.core.v1.ServiceAccount',
    shape: { metadata: meta, secrets: keyed('name', letters, { namespace: text }), imagePullSecrets: keyed('name', letters, {}) },
  },
}

/** How often of a thousand a thing that is wrong, or odd, is put in. */
export type Oddity = { readonly nulls: number; readonly directives: number; readonly faults: number }

/** An object as it is stored: right types, keys given once, no nulls. */
export function randomOriginal(random: Random, shape: Shape): JsonObject {
  const made: JsonObject = {}
  for (const [name, field] of Object.entries(shape)) if (random.below(10) < 6) made[name] = originalField(random, field)
  return made
}

function originalField(random: Random, { of, make, list, key, keys = [] }: Field): unknown {
  const one = () => (of ? randomOriginal(random, of) : make!(random))
  if (!list) return one()
  if (key === undefined) return Array.from({ length: random.below(4) }, one)
  return shuffled(random, keys)
    .slice(0, random.below(keys.length + 1))
    .map((value) => ({ [key]: value, ...(one() as JsonObject) }))
}

export function randomPatch(random: Random, shape: Shape, odd: Oddity): JsonObject {
  const made: JsonObject = {}
  const happens = (perMille: number) => random.below(1000) < perMille
  for (const [name, field] of Object.entries(shape)) {
    if (random.below(10) < 4) made[name] = patchField(random, field, odd)
    if (!field.list) continue
    if (happens(odd.directives * 2)) made[`$setElementOrder/${name}`] = randomOrder(random, field, made[name], odd)
    if (happens(field.of ? odd.directives / 5 : odd.directives * 2)) {
      made[`$deleteFromPrimitiveList/${name}`] = happens(odd.faults) ? anything(random) : field.of ? ['a'] : list(random, field.make!)
    }
  }
  if (happens(odd.directives))
    made.$patch = happens(odd.faults * 3) ? anything(random) : oneOf(random, ['replace', 'replace', 'delete', 'merge'])
  if (happens(odd.directives)) {
    const names = [...Object.keys(made).filter((name) => !name.startsWith('$')), ...Object.keys(shape).filter(() => random.below(3) === 0)]
    made.$retainKeys = happens(odd.faults) ? anything(random) : shuffled(random, names).slice(happens(odd.faults) ? 1 : 0)
  }
  if (happens(odd.faults / 3))
    made[
      oneOf(random, [
        '$setElementOrder',
        '$deleteFromPrimitiveList',
        '$setElementOrderx/a',
        '$other',
        'unknown',
        '$setElementOrder/',
        '$deleteFromPrimitiveList/a/b',
        '$setElementOrder/unknown',
      ])
    ] = anything(random)
  return Object.fromEntries(shuffled(random, Object.entries(made)))
}

function patchField(random: Random, field: Field, odd: Oddity): unknown {
  const { of, make, list: isList, key, keys = [] } = field
  if (random.below(1000) < odd.nulls) return null
  if (random.below(1000) < odd.faults) return anything(random)
  const one = () => (of ? randomPatch(random, of, odd) : make!(random))
  if (!isList) return one()
  if (key === undefined)
    return Array.from({ length: random.below(4) }, () => (random.below(1000) < odd.faults / 2 ? anything(random) : one()))
  const items: unknown[] = Array.from({ length: random.below(4) }, () => {
    if (random.below(1000) < odd.faults / 2) return anything(random)
    const item = { [key]: oneOf(random, keys), ...(one() as JsonObject) }
    if (random.below(1000) < odd.faults) delete item[key]
    if (random.below(1000) < odd.directives)
      return { [key]: oneOf(random, keys), $patch: oneOf(random, ['delete', 'delete', 'replace', 'merge']) }
    return item
  })
  if (random.below(1000) < odd.directives / 3)
    items.splice(random.below(items.length + 1), 0, { $patch: oneOf(random, ['replace', 'delete']) })
  return items
}

/** The order that a client states: mostly that of its items, with others of the list between them. */
function randomOrder(random: Random, { of, make, key, keys = [] }: Field, patch: unknown, odd: Oddity): unknown {
  if (random.below(1000) < odd.faults) return anything(random)
  if (!of) {
    const stated = Array.isArray(patch) ? patch : []
    return random.below(8) === 0 ? list(random, make!) : woven(random, stated, shuffled(random, letters))
  }
  if (key === undefined) return random.below(2) === 0 ? [{ key: 'a' }] : []
  const stated = Array.isArray(patch)
    ? patch
        .filter((item) => typeof item === 'object' && item !== null && !('$patch' in item))
        .map((item) => ({ [key]: (item as JsonObject)[key] }))
    : []
  const others = shuffled(random, keys).map((value) => ({ [key]: value }))
  return random.below(8) === 0 ? others.slice(random.below(others.length)) : woven(random, stated, others)
}

function woven(random: Random, stated: readonly unknown[], others: readonly unknown[]): unknown[] {
  const all: unknown[] = [...stated]
  for (const other of others)
    if (random.below(2) === 0 && !all.some((item) => JSON.stringify(item) === JSON.stringify(other)))
      all.splice(random.below(all.length + 1), 0, other)
  return all
}

const list = (random: Random, make: Make) => Array.from({ length: random.below(4) }, () => make(random))

const anything = (random: Random): unknown =>
  structuredClone(
    oneOf(random, [
      null,
      1,
      1.5,
      'x',
      true,
      {},
      [],
      [1],
      ['a', 'b'],
      [null],
      [{}],
      [[]],
      [['a']],
      { a: 1 },
      { $patch: 'delete' },
      { $patch: 'replace', a: 'b' },
      [{ $patch: 'delete' }],
      { $retainKeys: ['a'] },
      [{ name: 'a' }],
      [{ name: null }],
      [{ name: { a: 1 } }],
      { '$setElementOrder/x': ['a'] },
    ]),
  )

function shuffled<T>(random: Random, all: readonly T[]): T[] {
  const left = [...all]
  return all.map(() => left.splice(random.below(left.length), 1)[0]!)
}
