import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Service, ServiceSpec } from '../generated/types/core-v1.ts'
import { ago, created, createErrors, defaulted, frozen, header, row, updated, updateErrors } from '../kind-test-support.ts'
import { services } from './service.ts'

const service = (spec: ServiceSpec): Service => ({ metadata: { name: 's', namespace: 'd', creationTimestamp: ago(60) }, spec })
const ports = [{ port: 80 }]

test('a plain service gets its defaults', () => {
  assert.deepEqual(created(services, service({ ports })), {
    ...service({
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
      internalTrafficPolicy: 'Cluster',
    }),
    status: { loadBalancer: {} },
  })
})

test('affinity lasts three hours, a balancer takes node ports', () => {
  const { spec } = defaulted(services, service({ ports, type: 'LoadBalancer', sessionAffinity: 'ClientIP' }))
  assert.equal(spec!.sessionAffinityConfig!.clientIP!.timeoutSeconds, 10800)
  assert.equal(spec!.externalTrafficPolicy, 'Cluster')
  assert.equal(spec!.allocateLoadBalancerNodePorts, true)
})

function check(title: string, spec: ServiceSpec, ...expected: string[]): void {
  test(title, () => assert.deepEqual(createErrors(services, service(spec)), expected))
}
check('a service has ports', {}, 'spec.ports: Required value')
check('unless it is headless', { clusterIP: 'None' })
check('or a name elsewhere', { type: 'ExternalName', externalName: 'example.com' })
check('which must be there', { type: 'ExternalName' }, 'spec.externalName: Required value')
check('several ports have names', { ports: [{ port: 80, name: 'a' }, { port: 81 }] }, 'spec.ports[1].name: Required value')
check(
  'that differ',
  {
    ports: [
      { port: 80, name: 'a' },
      { port: 81, name: 'a' },
    ],
  },
  'spec.ports[1].name: Duplicate value: "a"',
)
check(
  'a port is in range',
  { ports: [{ port: 0 }] },
  'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
  'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
)
check(
  'the type is known',
  { ports, type: 'x' as never },
  'spec.type: Unsupported value: "x": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
)
check(
  'a node port needs its type',
  { ports: [{ port: 80, nodePort: 30000 }] },
  "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
)
check(
  'an address is one',
  { ports, clusterIP: '10.96.0.300' },
  'spec.clusterIPs[0]: Invalid value: "10.96.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
)
check(
  'both fields agree',
  { ports, clusterIP: '10.96.0.3', clusterIPs: ['10.96.0.4'] },
  'spec.clusterIPs: Invalid value: ["10.96.0.4"]: first value must match `clusterIP`',
)
check(
  'affinity is within a day',
  { ports, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } } },
  'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400',
)
check(
  'an external address is an ordinary one',
  { ports, externalIPs: ['127.0.0.1'] },
  'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
)

const allocated: ServiceSpec = {
  ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }],
  type: 'NodePort',
  clusterIP: '10.96.0.9',
  clusterIPs: ['10.96.0.9'],
}
test('an update may leave out what was given', () => {
  const old = frozen(defaulted(services, service(allocated)))
  const { spec } = updated(services, old, service({ ports, type: 'NodePort' }))
  assert.deepEqual([spec!.clusterIP, spec!.clusterIPs, spec!.ports![0]!.nodePort], ['10.96.0.9', ['10.96.0.9'], 30080])
})

test('a type without node ports lets them go', () => {
  const old = frozen(defaulted(services, service(allocated)))
  const { spec } = updated(services, old, service({ ...allocated, ports: [{ ...allocated.ports![0]! }], type: 'ClusterIP' }))
  assert.equal(spec!.ports![0]!.nodePort, undefined)
  assert.equal(spec!.externalTrafficPolicy, undefined)
})

test('a name elsewhere lets the address go', () => {
  const old = frozen(defaulted(services, service({ ...allocated, type: 'ClusterIP', ports })))
  const { spec } = updated(
    services,
    old,
    service({ clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], type: 'ExternalName', externalName: 'x.y' }),
  )
  assert.deepEqual([spec!.clusterIP, spec!.clusterIPs], [undefined, undefined])
})

test('an address stays', () => {
  assert.deepEqual(updateErrors(services, service({ ports, clusterIP: '10.96.0.9' }), service({ ports, clusterIP: '10.96.0.10' })), [
    'spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set',
  ])
})

const columns: readonly (readonly [string, Service, string])[] = [
  [
    'a cluster address',
    { ...service({ clusterIPs: ['10.96.0.1'], type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }], selector: { b: '2', a: '1' } }) },
    's ; ClusterIP ; 10.96.0.1 ; <none> ; 80/TCP ; 60s | a=1,b=2',
  ],
  [
    'node ports',
    service({
      clusterIPs: ['10.96.0.1'],
      type: 'NodePort',
      ports: [
        { port: 80, nodePort: 30080, protocol: 'TCP' },
        { port: 53, protocol: 'UDP' },
      ],
    }),
    's ; NodePort ; 10.96.0.1 ; <none> ; 80:30080/TCP,53/UDP ; 60s | <none>',
  ],
  [
    'a balancer without an address',
    service({ clusterIPs: ['10.96.0.1'], type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP' }] }),
    's ; LoadBalancer ; 10.96.0.1 ; <pending> ; 80/TCP ; 60s | <none>',
  ],
  [
    'a balancer with two',
    {
      ...service({ clusterIPs: ['10.96.0.1'], type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP' }] }),
      status: { loadBalancer: { ingress: [{ hostname: 'lb' }, { ip: '1.2.3.4' }] } },
    },
    's ; LoadBalancer ; 10.96.0.1 ; 1.2.3.4,lb ; 80/TCP ; 60s | <none>',
  ],
  ['a name elsewhere', service({ type: 'ExternalName', externalName: 'x.y' }), 's ; ExternalName ; <none> ; x.y ; <none> ; 60s | <none>'],
  ['a headless one', service({ clusterIPs: ['None'], type: 'ClusterIP' }), 's ; ClusterIP ; None ; <none> ; <none> ; 60s | <none>'],
]
for (const [title, object, expected] of columns) test(`columns of ${title}`, () => assert.equal(row(services, object), expected))
test('columns are named', () => assert.equal(header(services), 'NAME ; TYPE ; CLUSTER-IP ; EXTERNAL-IP ; PORT(S) ; AGE | SELECTOR'))
