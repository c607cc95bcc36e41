/** Claims for devices, their templates and classes of devices: what is filled in, and what they must say. */
import { type Case, clusterWide, create, creations, merged, namespaced, patch, read, titled, updates } from '../upstream-case.ts'

const claims = namespaced('resource.k8s.io/v1', 'resourceclaims')
const templates = namespaced('resource.k8s.io/v1', 'resourceclaimtemplates')
const classes = clusterWide('resource.k8s.io/v1', 'deviceclasses')

const exactly = { deviceClassName: 'gpus' }
const request = { name: 'gpu', exactly }
const claim = { metadata: { name: 'claim' }, spec: { devices: { requests: [request] } } }
const devices = (more: object) => ({ spec: { devices: more } })
const requests = (...all: object[]) => devices({ requests: all })
const one = (more: object) => requests({ name: 'gpu', exactly: { ...exactly, ...more } })
const selected = (...expressions: string[]) => one({ selectors: expressions.map((expression) => ({ cel: { expression } })) })
const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))
const constrained = (constraint: object) => devices({ constraints: [constraint] })
const configured = (config: object) => devices({ config: [config] })
const opaque = { driver: 'gpu.example.com', parameters: { a: 1 } }
const alternatives = (...firstAvailable: object[]) => requests({ name: 'gpu', firstAvailable })

const claimCases = creations(claims, claim, {
  'the least': {},
  'no spec': { spec: null },
  'no requests': devices({ requests: [] }),
  'a status': { status: { reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] } },
  'a request of nothing': requests({ name: 'a' }),
  'a request of both': requests({ ...request, firstAvailable: [{ name: 'a', deviceClassName: 'b' }] }),
  'names that are none': requests({ name: 'A', exactly }, { name: '', exactly }, { name: 'a.b', exactly }),
  'a name twice': requests(request, request),
  'too many requests': requests(...many(33, (i) => ({ name: `r${i}`, exactly }))),
  'no class': requests({ name: 'a', exactly: {} }),
  'a class that is none': requests({ name: 'a', exactly: { deviceClassName: 'A_b' } }),
  'all of them': one({ allocationMode: 'All' }),
  'all of them and a count': one({ allocationMode: 'All', count: 2 }),
  'a count': one({ count: 3 }),
  'a count below none': one({ count: -1 }),
  'a mode that is none': one({ allocationMode: 'Some' }),
  'admin access': one({ adminAccess: true }),
  'admin access and what is wrong besides': one({ adminAccess: true, count: -1, deviceClassName: 'A_b' }),
  'admin access and a name that is none': { ...one({ adminAccess: true }), metadata: { name: 'A_b' } },
  'no admin access': one({ adminAccess: false }),
  tolerations: one({
    tolerations: [
      { key: 'a', operator: 'Exists' },
      { key: 'b', value: 'c', effect: 'NoSchedule' },
      { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
    ],
  }),
  'tolerations that are none': one({
    tolerations: [
      { key: 'a b', operator: 'Exists', value: 'x' },
      { key: 'b', value: 'c d' },
      { key: 'c', operator: 'Like' },
      { key: 'd', operator: 'Exists', effect: 'Later' },
    ],
  }),
  'a capacity': one({ capacity: { requests: { memory: '1Gi' } } }),
  'a capacity that is none': one({ capacity: { requests: { 'a b': '1Gi' } } }),
  selector: selected('device.driver == "gpu.example.com"'),
  'selectors that are none': selected('', 'device.driver', 'device ==', 'none', 'device.attributes["a"].b > 1'),
  'a selector of nothing': one({ selectors: [{}] }),
  'a selector that is too long': selected(`"${'a'.repeat(10 * 1024)}" == device.driver`),
  'too many selectors': one({ selectors: many(33, () => ({ cel: { expression: 'true' } })) }),
  'a selector that costs too much': selected(
    'device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a + b + c + d != ""))))',
  ),
  alternatives: alternatives(
    { name: 'big', deviceClassName: 'gpus', count: 2 },
    { name: 'small', deviceClassName: 'gpus', allocationMode: 'All' },
  ),
  'alternatives that are none': alternatives({ name: 'A' }, { name: 'a', deviceClassName: 'gpus' }, { name: 'a', deviceClassName: 'gpus' }),
  'too many alternatives': alternatives(...many(9, (i) => ({ name: `a${i}`, deviceClassName: 'gpus' }))),
  'an attribute to match': constrained({ requests: ['gpu'], matchAttribute: 'example.com/numa' }),
  'an attribute to tell apart': constrained({ distinctAttribute: 'example.com/numa' }),
  'a constraint of nothing': constrained({}),
  'constraints that are none': devices({
    constraints: [
      { requests: ['none', 'gpu', 'gpu', 'a/b/c', 'A'], matchAttribute: 'numa' },
      { matchAttribute: '/numa' },
      { matchAttribute: 'example.com/' },
      { distinctAttribute: 'A_b.example.com/1a' },
      { matchAttribute: `example.com/${'a'.repeat(33)}` },
    ],
  }),
  'too many constraints': devices({ constraints: many(33, () => ({ matchAttribute: 'example.com/numa' })) }),
  configuration: configured({ requests: ['gpu'], opaque }),
  'configuration of an alternative': {
    spec: {
      devices: {
        requests: [{ name: 'gpu', firstAvailable: [{ name: 'a', deviceClassName: 'gpus' }] }],
        config: [{ requests: ['gpu/a', 'gpu', 'gpu/b'], opaque }],
      },
    },
  },
  'configuration of nothing': configured({}),
  'configuration of a driver that is none': configured({ opaque: { driver: 'A b', parameters: { a: 1 } } }),
  'configuration without parameters': configured({ opaque: { driver: 'gpu.example.com' } }),
  'configuration that is no object': configured({ opaque: { driver: 'Gpu.Example.com', parameters: [1] } }),
  'configuration that is too long': configured({ opaque: { driver: 'gpu.example.com', parameters: { a: 'b'.repeat(10 * 1024) } } }),
  'configuration without a driver': configured({ opaque: { parameters: { a: 1 } } }),
  'too much configuration': devices({ config: many(33, () => ({ opaque })) }),
})

const template = { metadata: { name: 'template' }, spec: { metadata: { labels: { a: 'b' } }, spec: claim.spec } }
const templateCases = creations(templates, template, {
  'the least': {},
  'no spec': { spec: null },
  'wrong labels': { spec: { metadata: { labels: { 'a b': 'c' }, annotations: { 'd e': 'f' } } } },
  'wrong requests': { spec: { spec: requests({ name: 'A' }).spec } },
  'admin access': { spec: { spec: one({ adminAccess: true }).spec } },
  'admin access and what is wrong besides': { spec: { spec: one({ adminAccess: true, count: -1 }).spec } },
})

const deviceClass = { metadata: { name: 'upstream-class' }, spec: {} }
const spec = (more: object) => ({ spec: more })
const classCases = creations(classes, deviceClass, {
  'the least': {},
  'no spec': { spec: null },
  'a name that is none': { metadata: { name: 'A_b' } },
  selectors: spec({ selectors: [{ cel: { expression: 'device.driver == "a"' } }] }),
  'selectors that are none': spec({ selectors: [{}, { cel: { expression: 'device.none' } }] }),
  'too many selectors': spec({ selectors: many(33, () => ({ cel: { expression: 'true' } })) }),
  configuration: spec({ config: [{ opaque }] }),
  'configuration that is none': spec({ config: [{}, { opaque: { driver: '' } }] }),
  'too much configuration': spec({ config: many(33, () => ({ opaque })) }),
  'an extended resource': spec({ extendedResourceName: 'example.com/gpu' }),
  'extended resources that are none': spec({ extendedResourceName: 'gpu' }),
  'a resource of Kubernetes': spec({ extendedResourceName: 'kubernetes.io/gpu' }),
  'a resource of quotas': spec({ extendedResourceName: 'requests.example.com/gpu' }),
})

const table = 'application/json;as=Table;g=meta.k8s.io;v=v1'
const tables = (path: string, object: { metadata: { name: string } }): Case => ({
  name: path.slice(path.lastIndexOf('/') + 1),
  given: [create(path, object)],
  steps: [read(`${path}/${object.metadata.name}`, table)],
})

export const cases: readonly Case[] = [
  ...titled('claim', claimCases),
  ...titled(
    'claim changed',
    updates(claims, claim, {
      labels: { metadata: { labels: { a: 'b' } } },
      requests: requests({ name: 'other', exactly }),
      constraints: constrained({ matchAttribute: 'a/b' }),
      'a status that is not its own': { status: { reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] } },
    }),
  ),
  ...titled('template', templateCases),
  ...titled(
    'template changed',
    updates(templates, template, {
      labels: { metadata: { labels: { a: 'b' } } },
      requests: { spec: { spec: requests({ name: 'A' }).spec } },
    }),
  ),
  ...titled('class', classCases),
  ...titled(
    'class changed',
    updates(classes, deviceClass, {
      selectors: spec({ selectors: [{ cel: { expression: 'true' } }] }),
      'selectors that are none': spec({ selectors: [{ cel: { expression: 'none' } }] }),
      labels: { metadata: { labels: { a: 'b' } } },
    }),
  ),
  ...titled('table', [tables(claims, claim), tables(templates, template), tables(classes, deviceClass)]),
  {
    name: 'admin access where it is allowed',
    given: [
      create('/api/v1/namespaces', {
        metadata: { name: 'upstream-devices-admin', labels: { 'resource.kubernetes.io/admin-access': 'true' } },
      }),
    ],
    steps: [create('/apis/resource.k8s.io/v1/namespaces/upstream-devices-admin/resourceclaims', merged(claim, one({ adminAccess: true })))],
  },
  { name: 'a claim that is not there', steps: [patch('merge', `${claims}/none/status`, {})] },
]
