/** Pods: what is changed by way of `resize` and `ephemeralcontainers`. */
import { after, plainContainer, podWith, pods } from '../pod-cases.ts'
import { type Case, patch, read } from '../upstream-case.ts'

const resources = (requests: object, limits: object = {}) => ({ requests, limits })
const small = podWith({
  containers: [{ ...plainContainer, resources: resources({ cpu: '100m', memory: '64Mi' }, { cpu: '200m', memory: '64Mi' }) }],
})
const guaranteed = podWith({ containers: [{ ...plainContainer, resources: { limits: { cpu: '1', memory: '1Gi' } } }] })
const resize = `${pods}/p/resize`
const to = (pod: object, named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([name, spec]) => after(name, pod, patch('strategic', resize, { spec })))
const container = (change: object, name = 'c') => ({ containers: [{ name, ...change }] })
const whole = podWith({ resources: { requests: { cpu: '1' }, limits: { cpu: '2' } } })
const withInit = podWith({
  containers: [{ ...plainContainer, resources: resources({ cpu: '1' }) }],
  initContainers: [
    { name: 'i', image: 'x', resources: resources({ cpu: '1' }) },
    { name: 's', image: 'x', restartPolicy: 'Always', resources: resources({ cpu: '1' }) },
  ],
})
const ephemeral = `${pods}/p/ephemeralcontainers`
const join = (...ephemeralContainers: object[]) => patch('strategic', ephemeral, { spec: { ephemeralContainers } })
const debug = { name: 'd', image: 'busybox' }

export const cases: readonly Case[] = [
  ...to(small, {
    'more cpu': container({ resources: resources({ cpu: '150m' }) }),
    'less memory': container({ resources: resources({ memory: '32Mi' }, { memory: '32Mi' }) }),
    'no request': container({ resources: { requests: { cpu: null } } }),
    'no limit': container({ resources: { limits: { cpu: null } } }),
    'a request above its limit': container({ resources: resources({ cpu: '300m' }) }),
    'another resource': container({ resources: resources({ 'ephemeral-storage': '1Gi' }) }),
    'another class': container({ resources: resources({ cpu: '200m' }) }),
    'an image beside': container({ image: 'other', resources: resources({ cpu: '150m' }) }),
    'a resize policy': container({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }),
    'a container more': { containers: [{ name: 'z', image: 'x' }] },
    nothing: {},
    'resources of the pod from now on': { resources: { limits: { cpu: '1' } } },
  }),
  after(
    'containers in another order',
    podWith({ containers: [plainContainer, { name: 'd', image: 'x' }] }),
    patch('merge', resize, { spec: { containers: [{ name: 'd', image: 'x' }, plainContainer] } }),
  ),
  after(
    'a container less',
    podWith({ containers: [plainContainer, { name: 'd', image: 'x' }] }),
    patch('merge', resize, { spec: { containers: [plainContainer] } }),
  ),
  after('no init containers any more', withInit, patch('merge', resize, { spec: { initContainers: null } })),
  ...to(guaranteed, { 'more of what is guaranteed': container({ resources: resources({ cpu: '2' }, { cpu: '2' }) }) }),
  ...to(podWith({}), { 'resources where there were none': container({ resources: resources({ cpu: '1' }) }) }),
  ...to(withInit, {
    'an init container': { initContainers: [{ name: 'i', resources: resources({ cpu: '2' }) }] },
    'a sidecar': { initContainers: [{ name: 's', resources: resources({ cpu: '2' }) }] },
    'another resource of a sidecar': { initContainers: [{ name: 's', resources: resources({ 'ephemeral-storage': '1Gi' }) }] },
  }),
  ...to(whole, {
    'the whole pod': { resources: resources({ cpu: '1500m' }) },
    'no request of the whole pod': { resources: { requests: { cpu: null } } },
    'no resources of the whole pod': { resources: null },
    'another resource of the whole pod': { resources: { limits: { 'hugepages-2Mi': '2Mi' } } },
  }),
  ...to(podWith({ os: { name: 'windows' } }), { 'a pod on Windows': container({ resources: resources({ cpu: '1' }) }) }),
  ...to(podWith({ nodeName: 'n' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), {
    'a mirror': container({ resources: resources({ cpu: '1' }) }),
  }),
  after(
    'a pod on a node that cannot',
    small,
    patch('merge', `${pods}/p/status`, {
      status: { containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: 0, state: { running: {} } }] },
    }),
    patch('strategic', resize, { spec: container({ resources: resources({ cpu: '150m' }) }) }),
  ),
  after('metadata by way of resize', small, patch('strategic', resize, { metadata: { labels: { a: 'b' } } })),
  after('resize read', small, read(resize)),
  after('a container joins', podWith({}), join(debug), read(`${pods}/p`)),
  after('a container joins with a target', podWith({}), join({ ...debug, targetContainerName: 'c' })),
  after('a container joins with a target that is not there', podWith({}), join({ ...debug, targetContainerName: 'z' })),
  after('a container joins with the name of another', podWith({}), join({ ...debug, name: 'c' })),
  after(
    'a container joins with what it may not have',
    podWith({}),
    join({ ...debug, image: ' x', ports: [{ containerPort: 1 }], livenessProbe: {}, resources: { limits: { cpu: '1' } } }),
  ),
  after('a container that joined is changed', podWith({}), join(debug), join({ ...debug, image: 'other' })),
  after('a container that joined leaves', podWith({}), join(debug), patch('merge', ephemeral, { spec: { ephemeralContainers: null } })),
  after(
    'an image beside a container that joins',
    podWith({}),
    patch('strategic', ephemeral, {
      metadata: { labels: { a: 'b' } },
      spec: { ephemeralContainers: [debug], containers: [{ name: 'c', image: 'x' }] },
    }),
  ),
  after('a container joins a mirror', podWith({ nodeName: 'n' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), join(debug)),
  after('ephemeral containers read', podWith({}), read(ephemeral)),
]
