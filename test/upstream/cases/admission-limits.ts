/** LimitRanger: pods of several containers, pods that state their own sums, claims, and what grows later. */
import { podWith, pods } from '../pod-cases.ts'
import { type Case, clusterWide, create, merged, namespaced, patch, type Request, titled } from '../upstream-case.ts'

const ranges = namespaced('v1', 'limitranges')
const claims = namespaced('v1', 'persistentvolumeclaims')
const range = (item: object, name = 'l') => create(ranges, { metadata: { name }, spec: { limits: [item] } })
const container = (name: string, requests: object, limits: object = {}, more: object = {}) => ({
  name,
  image: 'i',
  resources: { requests, limits },
  ...more,
})
/** Tried without writing until it is refused: the server learns of a range a moment later. */
const learnt = ({ path, ...request }: Request): Request => ({ ...request, path: `${path}?dryRun=All`, until: 403 })
const judged = (name: string, item: object, spec: object): Case => {
  const made = create(pods, podWith(spec))
  return { name, given: [range(item), learnt(made)], steps: [made] }
}

const ofPod = (bounds: object) => ({ type: 'Pod', ...bounds })
const ofContainer = (bounds: object) => ({ type: 'Container', ...bounds })
const small = { cpu: '100m' }
const big = { cpu: '600m' }
const sidecar = { restartPolicy: 'Always' }

const podCases: Case[] = [
  judged('two containers above it together', ofPod({ max: { cpu: '1' } }), {
    containers: [container('a', big, big), container('b', big, big)],
  }),
  judged('an init container above it', ofPod({ max: { cpu: '1' } }), {
    initContainers: [container('i', { cpu: '2' }, { cpu: '2' })],
    containers: [container('a', small, small)],
  }),
  judged('a container beside all others above it', ofPod({ max: { cpu: '1' } }), {
    initContainers: [container('s', big, big, sidecar)],
    containers: [container('a', big, big)],
  }),
  judged('an init container after one beside it above it', ofPod({ max: { cpu: '1' } }), {
    initContainers: [container('s', big, big, sidecar), container('i', big, big)],
    containers: [container('a', small, small)],
  }),
  judged('a sum of its own above it', ofPod({ max: { cpu: '1' } }), {
    resources: { requests: { cpu: '2' }, limits: { cpu: '2' } },
    containers: [container('a', small, small)],
  }),
  judged('a sum of its own below it', ofPod({ min: { memory: '1Gi' } }), {
    resources: { requests: { memory: '1Mi' } },
    containers: [container('a', { memory: '512Ki' })],
  }),
  judged('no limit of the pod', ofPod({ max: { memory: '1Gi' } }), { containers: [container('a', { memory: '1Mi' })] }),
  judged('a ratio of the pod', ofPod({ maxLimitRequestRatio: { memory: '1.5' } }), {
    containers: [container('a', { memory: '1Gi' }, { memory: '2Gi' })],
  }),
  judged('a ratio without a request', ofPod({ maxLimitRequestRatio: { cpu: '3' } }), { containers: [container('a', {}, {})] }),
  judged('a ratio with thirds', ofContainer({ maxLimitRequestRatio: { cpu: '2' } }), {
    containers: [container('a', { cpu: '300m' }, { cpu: '1' })],
  }),
  judged('a ratio of great numbers', ofContainer({ maxLimitRequestRatio: { 'ephemeral-storage': '2' } }), {
    containers: [container('a', { 'ephemeral-storage': '1Pi' }, { 'ephemeral-storage': '3Pi' })],
  }),
  judged('the same of two containers', ofContainer({ max: { cpu: '1' } }), {
    containers: [container('a', {}, { cpu: '2' }), container('b', {}, { cpu: '2' })],
  }),
  judged('two containers, each otherwise', ofContainer({ max: { cpu: '1' } }), {
    containers: [container('a', {}, { cpu: '2' }), container('b', {}, { cpu: '3' })],
  }),
  judged('an init container and a container', ofContainer({ min: { cpu: '200m' } }), {
    initContainers: [container('i', { cpu: '50m' })],
    containers: [container('a', small)],
  }),
  judged('an own resource', ofContainer({ max: { 'example.com/x': '1' } }), {
    containers: [container('a', { 'example.com/x': '2' }, { 'example.com/x': '2' })],
  }),
  judged('huge pages', ofContainer({ max: { 'hugepages-2Mi': '2Mi' } }), {
    containers: [container('a', { 'hugepages-2Mi': '4Mi', cpu: '1' }, { 'hugepages-2Mi': '4Mi' })],
  }),
]

const filled = (name: string, item: object, spec: object): Case => ({
  name,
  given: [range(item), learnt(create(pods, podWith({ containers: [container('x', { cpu: '9' }, { cpu: '9' })] }, { name: 'probe' })))],
  steps: [create(pods, podWith(spec))],
})
const bounded = (more: object) => ofContainer({ max: { cpu: '8' }, ...more })
const filledCases: Case[] = [
  filled('of init containers, too', bounded({ default: { cpu: '2', memory: '1Gi' }, defaultRequest: { cpu: '1' } }), {
    initContainers: [container('i', {}, {})],
    containers: [container('a', { cpu: '1' }), container('b', {}, { memory: '2Gi' })],
  }),
  filled('from the maximum alone', bounded({}), { containers: [{ name: 'c', image: 'i' }] }),
  filled('from the minimum alone', bounded({ min: { cpu: '10m' } }), { containers: [{ name: 'c', image: 'i' }] }),
  filled('a limit below what is requested', bounded({ default: { cpu: '1' } }), { containers: [container('a', { cpu: '2' })] }),
  filled('a request above the limit', bounded({ defaultRequest: { cpu: '2' } }), { containers: [container('a', {}, { cpu: '1' })] }),
]

const claim = (storage: string, more: object = {}) =>
  merged({ metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } }, more)
const ofClaim = (bounds: object) => ({ type: 'PersistentVolumeClaim', ...bounds })
const classes = clusterWide('storage.k8s.io/v1', 'storageclasses')
const grows = { metadata: { name: 'upstream-limits-grows' }, provisioner: 'p', allowVolumeExpansion: true }
const claimCases: Case[] = [
  {
    name: 'too small',
    given: [range(ofClaim({ min: { storage: '1Gi' } })), learnt(create(claims, claim('1Mi')))],
    steps: [create(claims, claim('1Mi'))],
  },
  {
    name: 'too big',
    given: [range(ofClaim({ max: { storage: '1Gi' } })), learnt(create(claims, claim('1025Mi')))],
    steps: [create(claims, claim('1025Mi'))],
  },
  {
    name: 'without a size',
    given: [range(ofClaim({ max: { storage: '1Gi' } }))],
    steps: [create(claims, claim('1Gi', { spec: { resources: null } }))],
  },
  {
    name: 'a ratio that is not for claims',
    given: [range(ofClaim({ max: { storage: '1Gi' }, maxLimitRequestRatio: { storage: '1' } }))],
    steps: [create(claims, claim('1Mi'))],
  },
  {
    name: 'growing beyond',
    given: [
      range(ofClaim({ max: { storage: '2Gi' } })),
      create(classes, grows),
      create(claims, claim('1Gi', { spec: { storageClassName: grows.metadata.name, volumeName: 'v' } })),
      patch('merge', `${claims}/c/status`, { status: { phase: 'Bound', capacity: { storage: '1Gi' } } }),
    ],
    steps: [{ ...patch('merge', `${claims}/c`, { spec: { resources: { requests: { storage: '3Gi' } } } }), until: 403 }],
  },
]

const growing: Case[] = [
  {
    name: 'a container that grows beyond',
    given: [create(pods, podWith({ containers: [container('a', small, small)] })), range(ofContainer({ max: { cpu: '1' } }))],
    steps: [
      {
        ...patch('strategic', `${pods}/p/resize`, {
          spec: { containers: [{ name: 'a', resources: { requests: { cpu: '2' }, limits: { cpu: '2' } } }] },
        }),
        until: 403,
      },
      patch('merge', `${pods}/p`, { metadata: { labels: { a: 'b' } } }),
    ],
  },
  {
    name: 'a pod that is too great since the range came',
    given: [create(pods, podWith({ containers: [container('a', { cpu: '2' }, { cpu: '2' })] })), range(ofContainer({ max: { cpu: '1' } }))],
    steps: [
      { ...create(`${pods}?dryRun=All`, podWith({ containers: [container('a', { cpu: '2' }, { cpu: '2' })] }, { name: 'q' })), until: 403 },
      patch('merge', `${pods}/p/status`, { status: { phase: 'Running' } }),
    ],
  },
]

export const cases: readonly Case[] = [
  ...titled('a pod', podCases),
  ...titled('filled in', filledCases),
  ...titled('a claim', claimCases),
  ...titled('later', growing),
]
