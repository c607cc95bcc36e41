/** Pods: resources of containers and of the whole pod, claims, resize policies and overhead. */
import { containers, plainContainer, podOf, pods, specs } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

const limits = (list: object) => ({ resources: { limits: list } })
const requests = (list: object) => ({ resources: { requests: list } })
const both = (list: object, most: object) => ({ resources: { requests: list, limits: most } })
const resize = (...resizePolicy: object[]) => ({ resizePolicy })
const claims = (...list: object[]) => ({ resources: { claims: list } })
const whole = (resources: object, container: object = {}) => ({ resources, containers: [{ ...plainContainer, ...container }] })
const claimed = (resourceClaims: object[], container: object = {}) => ({
  resourceClaims,
  containers: [{ ...plainContainer, ...container }],
})

export const cases: readonly Case[] = [
  ...containers({
    'limits below requests': both({ cpu: '2' }, { cpu: '1' }),
    'memory limits below requests': both({ memory: '2Gi' }, { memory: '1Gi' }),
    'a negative request': requests({ cpu: '-1' }),
    'a request that is no quantity': requests({ cpu: 'much' }),
    'a request of thousandths of a byte': requests({ memory: '100m' }),
    'a resource without a domain': requests({ gpu: '1' }),
    'a standard resource that is none of containers': requests({ pods: '1' }),
    storage: limits({ storage: '1Gi' }),
    'a bad name of a resource': limits({ 'a b': '1' }),
    'a name of a resource with an empty domain': limits({ '/a': '1' }),
    'a resource of the platform’s own domain': limits({ 'kubernetes.io/x': '1' }),
    'a resource named like a request': limits({ 'requests.example.com/x': '1' }),
    'an extended resource': limits({ 'example.com/gpu': '1' }),
    'an extended resource requested without a limit': requests({ 'example.com/gpu': '1' }),
    'an extended resource with another limit': both({ 'example.com/gpu': '1' }, { 'example.com/gpu': '2' }),
    'half an extended resource': limits({ 'example.com/gpu': '500m' }),
    'a negative extended resource': limits({ 'example.com/gpu': '-1' }),
    'huge pages alone': limits({ 'hugepages-2Mi': '4Mi' }),
    'huge pages that do not fit': both({ cpu: '1', 'hugepages-2Mi': '3Mi' }, { 'hugepages-2Mi': '3Mi' }),
    'huge pages of no size': { resources: { limits: { 'hugepages-x': '4Mi', cpu: '1' } } },
    'huge pages with another limit': both({ cpu: '1', 'hugepages-2Mi': '2Mi' }, { 'hugepages-2Mi': '4Mi' }),
    'huge pages without a limit': requests({ cpu: '1', 'hugepages-2Mi': '2Mi' }),
    'requests in odd forms': both({ cpu: '0.5', memory: '1024Ki' }, { cpu: 1, memory: '1e9' }),
    'ephemeral storage': both({ 'ephemeral-storage': '2Gi' }, { 'ephemeral-storage': '1Gi' }),
    'a resize policy twice': resize(
      { resourceName: 'cpu', restartPolicy: 'NotRequired' },
      { resourceName: 'cpu', restartPolicy: 'NotRequired' },
    ),
    'a resize policy of another resource': resize({ resourceName: 'storage', restartPolicy: 'NotRequired' }),
    'an unknown resize policy': resize({ resourceName: 'cpu', restartPolicy: 'Sometimes' }),
    'an empty resize policy': resize({}),
    'resize policies': resize({ resourceName: 'memory', restartPolicy: 'RestartContainer' }),
    'resize policies by default': both({ cpu: '1' }, { cpu: '1', memory: '1Gi' }),
    'a claim of a device that the pod does not have': claims({ name: 'a' }),
    'a claim of a device without a name': claims({}),
  }),
  ...specs({
    'a resize policy in a pod that never restarts': {
      restartPolicy: 'Never',
      containers: [{ ...plainContainer, ...resize({ resourceName: 'cpu', restartPolicy: 'RestartContainer' }) }],
    },
    'a claim without a source': claimed([{ name: 'a' }]),
    'a claim with two sources': claimed([{ name: 'a', resourceClaimName: 'x', resourceClaimTemplateName: 'y' }]),
    'a claim without a name': claimed([{ resourceClaimName: 'x' }]),
    'a claim with a bad name': claimed([{ name: 'A', resourceClaimName: 'X', resourceClaimTemplateName: 'Y' }]),
    'a claim twice': claimed([
      { name: 'a', resourceClaimName: 'x' },
      { name: 'a', resourceClaimName: 'y' },
    ]),
    'a claim': claimed([{ name: 'a', resourceClaimName: 'x' }], claims({ name: 'a' })),
    'a claim named twice': claimed([{ name: 'a', resourceClaimName: 'x' }], claims({ name: 'a' }, { name: 'a' })),
    'a claim and one of its requests': claimed([{ name: 'a', resourceClaimName: 'x' }], claims({ name: 'a', request: 'r' }, { name: 'a' })),
    'a request of a claim twice': claimed(
      [{ name: 'a', resourceClaimName: 'x' }],
      claims({ name: 'a', request: 'r' }, { name: 'a', request: 'r' }),
    ),
    'a request of a claim with a bad name': claimed([{ name: 'a', resourceClaimName: 'x' }], claims({ name: 'a', request: 'R' })),
    'a claim that is not one of the pod’s': claimed(
      [
        { name: 'a', resourceClaimName: 'x' },
        { name: 'b', resourceClaimName: 'y' },
      ],
      claims({ name: 'z' }),
    ),
    'resources of the pod': whole({ requests: { cpu: '1' }, limits: { cpu: '2', memory: '1Gi' } }),
    'resources of the pod below those of its container': whole({ requests: { cpu: '1' } }, requests({ cpu: '2' })),
    'limits of the pod below those of its container': whole({ limits: { cpu: '1' } }, limits({ cpu: '2' })),
    'limits of the pod below its requests': whole({ requests: { memory: '2Gi' }, limits: { memory: '1Gi' } }),
    'storage of the pod': whole({ limits: { 'ephemeral-storage': '1Gi' } }),
    'an extended resource of the pod': whole({ limits: { 'example.com/gpu': '1' } }),
    'an unknown resource of the pod': whole({ limits: { gpu: '1' } }),
    'a negative resource of the pod': whole({ limits: { cpu: '-1' } }),
    'claims of the pod': whole({ claims: [{ name: 'a' }] }),
    'huge pages of the pod alone': whole({ limits: { 'hugepages-2Mi': '2Mi' } }),
    'huge pages of the pod below those of its container': whole(
      { limits: { cpu: '1', 'hugepages-2Mi': '2Mi' } },
      limits({ cpu: '1', 'hugepages-2Mi': '4Mi' }),
    ),
    'resources of a pod on Windows': { ...whole({ limits: { cpu: '1' } }), os: { name: 'windows' } },
    'empty resources of the pod': whole({}),
    'resources of the pod with init containers': {
      ...whole({ limits: { cpu: '4' } }, requests({ cpu: '1' })),
      initContainers: [
        { name: 'i', image: 'x', ...requests({ cpu: '3' }) },
        { name: 's', image: 'x', restartPolicy: 'Always', ...requests({ cpu: '500m' }) },
      ],
    },
    overhead: { overhead: { cpu: '1' } },
  }),
  {
    name: 'resources of a container beyond the pod’s',
    steps: [create(pods, podOf(limits({ memory: '2Gi' }), { resources: { limits: { memory: '1Gi' } } }))],
  },
]
