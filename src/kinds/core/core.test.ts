import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../machinery/object.ts'
import type { ConfigMap, Event, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Secret } from '../generated/types/core-v1.ts'
import type { KindDefinition } from '../kind.ts'
import { ago, created, createErrors, defaulted, frozen, header, row, updated, updateErrors } from '../kind-test-support.ts'
import { configMaps } from './config-map.ts'
import { endpoints } from './endpoints.ts'
import { events } from './event.ts'
import { limitRanges } from './limit-range.ts'
import { namespaces } from './namespace.ts'
import { nodes } from './node.ts'
import { persistentVolumeClaims } from './persistent-volume-claim.ts'
import { persistentVolumes } from './persistent-volume.ts'
import { resourceQuotas } from './resource-quota.ts'
import { secrets } from './secret.ts'

const metadata = { name: 'x', namespace: 'd', creationTimestamp: ago(60) }

function check<T extends KubeObject>(
  title: string,
  kind: KindDefinition<T>,
  object: Omit<T, 'metadata'> & { metadata?: T['metadata'] },
  ...expected: string[]
): void {
  test(`${kind.singular}: ${title}`, () => assert.deepEqual(createErrors(kind, { metadata, ...object } as unknown as T), expected))
}
function checkUpdate<T extends KubeObject>(
  title: string,
  kind: KindDefinition<T>,
  old: Omit<T, 'metadata'>,
  next: Omit<T, 'metadata'>,
  ...expected: string[]
): void {
  test(`${kind.singular}: ${title}`, () => {
    const errors = updateErrors(kind, { metadata, ...old } as unknown as T, { metadata, ...next } as unknown as T)
    assert.deepEqual(
      errors.map((e) => e.split('\n')[0]),
      expected,
    )
  })
}
const configKey =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
const mebibyte = 'a'.repeat(1024 * 1024 + 1)

check('keys are file names', configMaps, { data: { 'a b': '' } }, `data[a b]: Invalid value: "a b": ${configKey}`)
check(
  'keys are one set',
  configMaps,
  { data: { a: '' }, binaryData: { a: '' } },
  'data[a]: Invalid value: "a": duplicate of key present in binaryData',
)
check('a mebibyte is the most', configMaps, { data: { a: mebibyte } }, '[]: Too long: may not be more than 1048576 bytes')
checkUpdate(
  'what is immutable stays',
  configMaps,
  { immutable: true, data: { a: '1' } },
  { immutable: true, data: { a: '2' } },
  'data: Forbidden: field is immutable when `immutable` is set',
)
checkUpdate('and stays immutable', configMaps, { immutable: true }, {}, 'immutable: Forbidden: field is immutable when `immutable` is set')
checkUpdate('what is not may change', configMaps, { data: { a: '1' } }, { data: { a: '2' } })

check('a certificate has both parts', secrets, { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, 'data[tls.key]: Required value')
check(
  'basic authentication has one',
  secrets,
  { type: 'kubernetes.io/basic-auth' },
  'data[username]: Required value',
  'data[password]: Required value',
)
check(
  'a registry’s file is JSON',
  secrets,
  { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'eA==' } },
  `data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character 'x' looking for beginning of value`,
)
check(
  'a token names its account',
  secrets,
  { type: 'kubernetes.io/service-account-token' },
  'metadata.annotations[kubernetes.io/service-account.name]: Required value',
)
check('a mebibyte is the most', secrets, { stringData: { a: mebibyte } }, 'data: Too long: may not be more than 1048576 bytes')
checkUpdate('the type stays', secrets, { type: 'a/b' }, { type: 'a/c' }, 'type: Invalid value: "a/c": field is immutable')
test('secret: plain text is stored as base64', () => {
  const secret = defaulted(secrets, { metadata, stringData: { a: 'x' }, data: { a: 'old', b: 'Yg==' } } as Secret)
  assert.deepEqual(secret, { metadata, type: 'Opaque', data: { a: 'eA==', b: 'Yg==' } })
})

test('namespace: it is active, named by its label, and emptied before it goes', () => {
  const namespace: Namespace = created(namespaces, { metadata: { name: 'team' } })
  assert.deepEqual(namespace, {
    metadata: { name: 'team', labels: { 'kubernetes.io/metadata.name': 'team' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  })
  const old = frozen(namespace)
  assert.deepEqual(updated(namespaces, old, { metadata: { name: 'team' }, spec: { finalizers: [] } }).spec, { finalizers: ['kubernetes'] })
  const next: Namespace = { metadata: { name: 'team' }, spec: { finalizers: [] } }
  namespaces.subresourceUpdates!.finalize!.prepare(next, old, { now: '', user: '' })
  assert.deepEqual([next.spec, next.status], [{ finalizers: [] }, { phase: 'Active' }])
})

const node = (extra: Partial<Node> = {}): Node => ({
  metadata: { ...metadata, labels: { 'node-role.kubernetes.io/control-plane': '' } },
  ...extra,
})
check(
  'taints are unique',
  nodes,
  {
    spec: {
      taints: [
        { key: 'a', effect: 'NoSchedule' },
        { key: 'a', effect: 'NoSchedule', value: 'x' },
      ],
    },
  },
  'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"x","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
)
check(
  'an effect is known',
  nodes,
  { spec: { taints: [{ key: 'a', effect: 'Maybe' as never }] } },
  'metadata.taints[0].effect: Unsupported value: "Maybe": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
)
checkUpdate(
  'a range stays',
  nodes,
  { spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] } },
  { spec: { podCIDR: '10.0.1.0/24', podCIDRs: ['10.0.1.0/24'] } },
  'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
)
test('node: columns', () => {
  assert.equal(
    header(nodes),
    'NAME ; STATUS ; ROLES ; AGE ; VERSION | INTERNAL-IP ; EXTERNAL-IP ; OS-IMAGE ; KERNEL-VERSION ; CONTAINER-RUNTIME',
  )
  const ready = node({
    spec: { unschedulable: true },
    status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '10.1.1.1' }] },
  })
  assert.equal(
    row(nodes, ready),
    'x ; Ready,SchedulingDisabled ; control-plane ; 60s ;  | 10.1.1.1 ; <none> ; <unknown> ; <unknown> ; <unknown>',
  )
  assert.equal(row(nodes, node()).split(' ; ')[1], 'Unknown')
  assert.equal(row(nodes, node({ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })).split(' ; ')[1], 'NotReady')
})
test('node: one range fills both fields', () => {
  assert.deepEqual(defaulted(nodes, node({ spec: { podCIDR: '10.244.1.0/24' } })).spec, {
    podCIDR: '10.244.1.0/24',
    podCIDRs: ['10.244.1.0/24'],
  })
})
test('node: allocatable is the capacity unless said', () => {
  assert.deepEqual(defaulted(nodes, node({ status: { capacity: { cpu: '2000m' } } })).status, {
    capacity: { cpu: '2' },
    allocatable: { cpu: '2' },
  })
})

const claim = (spec: object): Omit<PersistentVolumeClaim, 'metadata'> => ({
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})
check(
  'a claim says how',
  persistentVolumeClaims,
  claim({ accessModes: [] }),
  'spec.accessModes: Required value: at least 1 access mode is required',
)
check('and how much', persistentVolumeClaims, claim({ resources: {} }), 'spec.resources[storage]: Required value')
check(
  'a mode is known',
  persistentVolumeClaims,
  claim({ accessModes: ['Often'] }),
  'spec.accessModes: Unsupported value: "Often": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
)
checkUpdate('a volume is given once', persistentVolumeClaims, claim({}), claim({ volumeName: 'pv' }))
checkUpdate(
  'what is asked stays',
  persistentVolumeClaims,
  claim({}),
  claim({ accessModes: ['ReadOnlyMany'] }),
  'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
)
test('claim: columns', () => {
  assert.equal(
    header(persistentVolumeClaims),
    'NAME ; STATUS ; VOLUME ; CAPACITY ; ACCESS MODES ; STORAGECLASS ; VOLUMEATTRIBUTESCLASS ; AGE | VOLUMEMODE',
  )
  const bound: PersistentVolumeClaim = {
    metadata,
    ...claim({ volumeName: 'pv', storageClassName: 'fast', volumeMode: 'Block' }),
    status: { phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] },
  }
  assert.equal(row(persistentVolumeClaims, bound), 'x ; Bound ; pv ; 2Gi ; RWO,ROX ; fast ; <unset> ; 60s | Block')
})

const volume = (spec: object): Omit<PersistentVolume, 'metadata'> => ({
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/a' }, ...spec },
})
check('the least is fine', persistentVolumes, volume({}))
check('bytes are somewhere', persistentVolumes, volume({ hostPath: undefined }), 'spec: Required value: must specify a volume type')
check(
  'in one place',
  persistentVolumes,
  volume({ nfs: { server: 's', path: '/' } }),
  'spec.nfs: Forbidden: may not specify more than 1 volume type',
)
check(
  'a local one is on its node',
  persistentVolumes,
  volume({ hostPath: undefined, local: { path: '/a' } }),
  'spec.nodeAffinity: Required value: Local volume requires node affinity',
)
checkUpdate(
  'bytes stay where they are',
  persistentVolumes,
  volume({}),
  volume({ hostPath: { path: '/b' } }),
  'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
)

check(
  'names are known',
  resourceQuotas,
  { spec: { hard: { speed: '1' } } },
  'spec.hard[speed]: Invalid value: "speed": must be a standard resource type or fully qualified',
  'spec.hard[speed]: Invalid value: "speed": must be a standard resource for quota',
)
check(
  'pods are whole',
  resourceQuotas,
  { spec: { hard: { pods: '1500m' } } },
  'spec.hard[pods]: Invalid value: "1500m": must be an integer',
)
check(
  'scopes do not contradict',
  resourceQuotas,
  { spec: { scopes: ['BestEffort', 'NotBestEffort'] } },
  'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
)
test('quota: columns', () => {
  const quota = {
    metadata,
    status: { hard: { pods: '10', 'limits.cpu': '4', 'requests.cpu': '2' }, used: { pods: '1', 'requests.cpu': '500m' } },
  }
  assert.equal(row(resourceQuotas, quota), 'x ; pods: 1/10, requests.cpu: 500m/2 ; limits.cpu: 0/4 ; 60s')
})

check(
  'bounds are in order',
  limitRanges,
  { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } },
  'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
  'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
  'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
)
test('limit range: a container’s defaults follow its bounds', () => {
  const range = defaulted(limitRanges, { metadata, spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' } }] } })
  assert.deepEqual(range.spec!.limits![0], {
    type: 'Container',
    max: { cpu: '2' },
    min: { memory: '1Mi' },
    default: { cpu: '2' },
    defaultRequest: { cpu: '2', memory: '1Mi' },
  })
})

check(
  'a subset has addresses',
  endpoints,
  { subsets: [{ ports: [{ port: 1 }] }] },
  'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`',
)
check(
  'that are addresses',
  endpoints,
  { subsets: [{ addresses: [{ ip: 'x' }] }] },
  'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address',
)
test('endpoints: columns', () => {
  const addresses = ['1', '2', '3', '4'].map((i) => ({ ip: `10.0.0.${i}` }))
  assert.equal(
    row(endpoints, { metadata, subsets: [{ addresses, ports: [{ port: 80 }] }] }),
    'x ; 10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more... ; 60s',
  )
  assert.equal(row(endpoints, { metadata }), 'x ; <none> ; 60s')
})

const event = (extra: Partial<Event>): Event => ({
  metadata: { ...metadata },
  involvedObject: { kind: 'Pod', name: 'web', namespace: 'd', fieldPath: 'spec' },
  ...extra,
})
test('event: it stays with what it is about', () => {
  assert.deepEqual(createErrors(events, event({})), [])
  assert.deepEqual(createErrors(events, event({ involvedObject: { namespace: 'other' } })), [
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ])
})
test('event: one with a time of its own says who reports it', () => {
  const errors = createErrors(events, event({ eventTime: ago(1), reason: 'r'.repeat(129) }))
  assert.deepEqual(errors, [
    'reportingComponent: Required value',
    'reportingComponent: Invalid value: "": name part must be non-empty',
    `reportingComponent: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    'reportingInstance: Required value',
    'action: Required value',
    'reason: Invalid value: "": can have at most 128 characters',
  ])
})
test('event: columns', () => {
  assert.equal(header(events), 'LAST SEEN ; TYPE ; REASON ; OBJECT ; MESSAGE | SUBOBJECT ; SOURCE ; FIRST SEEN ; COUNT ; NAME')
  const old = event({
    type: 'Normal',
    reason: 'Pulled',
    message: 'got it ',
    source: { component: 'kubelet', host: 'n1' },
    firstTimestamp: ago(300),
    lastTimestamp: ago(5),
    count: 3,
  })
  assert.equal(row(events, old), '5s ; Normal ; Pulled ; pod/web ; got it | spec ; kubelet, n1 ; 5m ; 3 ; x')
  const half = event({ source: { component: 'kubelet' }, reportingInstance: 'n2', series: { count: 2 } as never })
  assert.equal(row(events, half), '<unknown> ;  ;  ; pod/web ;  | spec ; kubelet, n2 ; <unknown> ; 2 ; x')
  const young = event({ eventTime: ago(30), reportingComponent: 'scheduler', series: { count: 4, lastObservedTime: ago(2) } })
  assert.equal(row(events, young), '2s ;  ;  ; pod/web ;  | spec ; scheduler ; 30s ; 4 ; x')
})
test('config map: columns', () =>
  assert.equal(row(configMaps, { metadata, data: { a: '1' }, binaryData: { b: '' } } as ConfigMap), 'x ; 2 ; 60s'))
