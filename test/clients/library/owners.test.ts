/** Who owns what where fields are written empty, held beside the field manager that upstream's server has. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import definitions from '../../../src/kinds/generated/schemas.json' with { type: 'json' }
import omittedZeros from '../../../src/kinds/generated/omitted-zeros.json' with { type: 'json' }
import zeroValues from '../../../src/kinds/generated/zero-values.json' with { type: 'json' }
import { applyServerSide } from '../../../src/machinery/apply/apply-server-side.ts'
import { updateManagedFields } from '../../../src/machinery/apply/update-managed-fields.ts'
import type { KubeObject } from '../../../src/machinery/object.ts'
import type { Schema } from '../../../src/machinery/schema/schema-node.ts'
import { loadSchemas } from '../../../src/machinery/schema/schema-set.ts'
import { askLibrary, missing } from './library.ts'

const schemas = loadSchemas(definitions as unknown as Record<string, Schema>, zeroValues, omittedZeros)
const now = '2026-01-01T00:00:00Z'

type Write = { readonly manager: string; readonly subresource?: string; readonly applies?: boolean; readonly content: object }

const sets = (manager: string, content: object): Write => ({ manager, content })
const applies = (manager: string, content: object): Write => ({ manager, applies: true, content })
const status = (write: Write): Write => ({ ...write, subresource: 'status' })

/** `type`: the group's version and the kind, `apps/v1/Deployment`. */
function check(title: string, type: string, schema: string, ...writes: readonly Write[]): void {
  test(`owners of empty fields are upstream's: ${title}`, { skip: missing }, () => {
    const at = type.lastIndexOf('/')
    const [apiVersion, kind] = [type.slice(0, at), type.slice(at + 1)]
    const sent = writes.map(
      ({ content, ...write }): Sent => ({ ...write, object: { kind, apiVersion, metadata: { name: 'x' }, ...content } }),
    )
    const [answer] = askLibrary([{ ask: 'owners', type, a: JSON.stringify(sent) }])
    const text = answer![0]!.text
    assert.ok(text !== undefined, answer![0]!.error ?? '')
    assert.deepEqual(untimed(ownAfter(sent, schema)), untimed(JSON.parse(text)))
  })
}

type Sent = Omit<Write, 'content'> & { readonly object: KubeObject }

function ownAfter(writes: readonly Sent[], schema: string): KubeObject {
  let live: KubeObject | undefined
  for (const { manager, subresource = '', applies: isApplied = false, object } of writes) {
    const operation = { schema: schemas.lookup(schema), apiVersion: object.apiVersion ?? '', manager, subresource, now, force: true }
    const next = isApplied ? structuredClone(applyServerSide(live, object, operation)) : structuredClone(object)
    schemas.decode(schema, next)
    schemas.fillZeroValues(schema, next)
    if (!isApplied) next.metadata.managedFields = updateManagedFields(live, next, operation)!
    live = next
  }
  return live!
}

/** Lists of owners have their order from the times. */
function untimed(object: KubeObject): unknown {
  const owners = (object.metadata.managedFields ?? []).map(({ time: _, ...owner }) => owner)
  const id = (owner: (typeof owners)[number]) => `${owner.manager} ${owner.operation} ${owner.subresource ?? ''}`
  const { creationTimestamp: _, ...metadata } = object.metadata
  return { ...object, metadata: { ...metadata, managedFields: owners.sort((a, b) => (id(a) < id(b) ? -1 : 1)) } }
}

const pod = { spec: { containers: [{ name: 'c', image: 'i' }] } }
const condition = (more: object = {}) => ({ ...pod, status: { conditions: [{ type: 'Ready', status: 'True', ...more }] } })
check('a condition without times', 'v1/Pod', 'io.k8s.api.core.v1.Pod', sets('a', pod), status(sets('b', condition())))
check(
  'a condition that is given a time by another, and loses it to a third',
  ...(['v1/Pod', 'io.k8s.api.core.v1.Pod'] as const),
  sets('a', pod),
  status(sets('b', condition())),
  status(sets('c', condition({ lastProbeTime: now }))),
  status(sets('d', condition())),
)
check(
  'a condition that is applied without times, and written by another',
  ...(['v1/Pod', 'io.k8s.api.core.v1.Pod'] as const),
  sets('a', pod),
  status(applies('b', { status: { conditions: [{ type: 'Ready', status: 'True' }] } })),
  status(sets('c', condition({ message: 'm' }))),
  status(applies('b', { status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: now }] } })),
  status(applies('b', { status: { conditions: [{ type: 'Ready', status: 'False' }] } })),
)
check(
  'a time that is applied as null',
  ...(['v1/Pod', 'io.k8s.api.core.v1.Pod'] as const),
  sets('a', pod),
  status(applies('b', { status: { conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null }] } })),
)
check(
  'an ended container',
  ...(['v1/Pod', 'io.k8s.api.core.v1.Pod'] as const),
  sets('a', pod),
  status(sets('b', { ...pod, status: { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 1 } } }] } })),
)
const labels = { metadata: { name: 'x', labels: { a: 'b' } } }
const role = { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] }
check(
  'a role that gets rules, and loses them',
  ...(['rbac.authorization.k8s.io/v1/Role', 'io.k8s.api.rbac.v1.Role'] as const),
  sets('a', labels),
  sets('b', { ...labels, ...role }),
  sets('c', labels),
)
check(
  'a role of which the rules are applied, and given up',
  ...(['rbac.authorization.k8s.io/v1/Role', 'io.k8s.api.rbac.v1.Role'] as const),
  applies('a', {}),
  applies('b', role),
  applies('b', {}),
)
const slice = { addressType: 'IPv4' }
const filled = { ...slice, endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ name: 'p', port: 1 }] }
check(
  'a slice that is filled, and emptied',
  ...(['discovery.k8s.io/v1/EndpointSlice', 'io.k8s.api.discovery.v1.EndpointSlice'] as const),
  sets('a', slice),
  sets('b', filled),
  sets('c', slice),
)
const claim = (dataSource: object) => ({ spec: { accessModes: ['ReadWriteOnce'], dataSource } })
check(
  'a reference without a group',
  ...(['v1/PersistentVolumeClaim', 'io.k8s.api.core.v1.PersistentVolumeClaim'] as const),
  sets('a', claim({ kind: 'PersistentVolumeClaim', name: 'c' })),
  sets('b', claim({ kind: 'PersistentVolumeClaim', name: 'c', apiGroup: 'g' })),
)
check(
  'an autoscaler without metrics',
  ...(['autoscaling/v2/HorizontalPodAutoscaler', 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler'] as const),
  sets('a', { spec: { maxReplicas: 1, scaleTargetRef: { kind: 'Deployment', name: 'd' } } }),
  status(sets('b', { spec: { maxReplicas: 1, scaleTargetRef: { kind: 'Deployment', name: 'd' } }, status: { currentReplicas: 1 } })),
)
check(
  'an event without times',
  ...(['v1/Event', 'io.k8s.api.core.v1.Event'] as const),
  sets('a', { involvedObject: { name: 'x' } }),
  sets('b', { involvedObject: { name: 'x' }, firstTimestamp: now, series: { count: 2 } }),
)
