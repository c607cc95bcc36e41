/** Pods: their status. */
import { after, podOf, podWith, pods } from '../pod-cases.ts'
import { type Case, patch, read } from '../upstream-case.ts'

const at = `${pods}/p/status`
const of = (pod: object, named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([name, status]) => after(name, pod, patch('merge', at, { status })))
const containers = (...list: object[]) => ({
  containerStatuses: list.map((one) => ({ name: 'c', image: 'x', imageID: 'y', ready: false, restartCount: 0, ...one })),
})
const ended = (exitCode: number) => ({ state: { terminated: { exitCode } } })
const running = { state: { running: {} } }
/** A container that ended, and then runs again. */
const revived = (exitCode: number, list = 'containerStatuses', name = 'c') => [
  patch('merge', at, { status: { [list]: [{ name, image: 'x', imageID: 'y', ready: false, restartCount: 0, ...ended(exitCode) }] } }),
  patch('merge', at, { status: { [list]: [{ name, image: 'x', imageID: 'y', ready: false, restartCount: 1, ...running }] } }),
]
const bound = podWith({ nodeName: 'n' })
const user = (linux: object) => containers({ user: { linux } })
const health = (...allocatedResourcesStatus: object[]) => containers({ allocatedResourcesStatus })
const claimed = podWith({ resourceClaims: [{ name: 'a', resourceClaimName: 'x' }] })
const restart = (restartPolicyRules: object[]) => podOf({ restartPolicy: 'Never', restartPolicyRules }, { restartPolicy: 'Never' })
const rule = (action: string, operator: string, values: number[]) => ({ action, exitCodes: { operator, values } })

export const cases: readonly Case[] = [
  ...of(podWith({}), {
    'a phase': { phase: 'Running' },
    'an unknown phase': { phase: 'Odd' },
    'no QoS class': { qosClass: null },
    'another QoS class': { qosClass: 'Guaranteed' },
    'a condition': { conditions: [{ type: 'Ready', status: 'True' }] },
    'a condition with a bad name': { conditions: [{ type: 'a b', status: 'True' }] },
    'a condition without a name': { conditions: [{ status: 'True' }] },
    'a condition of a negative generation': { conditions: [{ type: 'Ready', status: 'True', observedGeneration: -1 }] },
    'a negative generation': { observedGeneration: -1 },
    'a generation': { observedGeneration: 1 },
    'a nominated node': { nominatedNodeName: 'n' },
    'a bad nominated node': { nominatedNodeName: 'A_b' },
    'an address': { podIP: '10.0.0.1' },
    addresses: { podIPs: [{ ip: '10.0.0.1' }, { ip: '2001:db8::1' }] },
    'an address and other addresses': { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.2' }] },
    'two addresses of one family': { podIPs: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] },
    'three addresses': { podIPs: [{ ip: '10.0.0.1' }, { ip: '2001:db8::1' }, { ip: '10.0.0.2' }] },
    'addresses that are none': { podIPs: [{ ip: 'x' }] },
    'an address that is not canonical': { podIPs: [{ ip: '2001:DB8::1' }] },
    'an address of the host': { hostIP: '10.0.0.1' },
    'addresses of the host': { hostIPs: [{ ip: '10.0.0.1' }] },
    'addresses of the host in another order': { hostIP: '10.0.0.1', hostIPs: [{ ip: '2001:db8::1' }, { ip: '10.0.0.1' }] },
    'two addresses of the host of one family': { hostIP: '10.0.0.1', hostIPs: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] },
    'addresses of the host that are none': { hostIP: 'x', hostIPs: [{ ip: 'x' }] },
    'the user of a container': user({ uid: 1, gid: 2, supplementalGroups: [3] }),
    'a bad user of a container': user({ uid: -1, gid: -2, supplementalGroups: [1, -3] }),
    'health of what is not asked for': health({ name: 'example.com/gpu', resources: [{ resourceID: 'a', health: 'Healthy' }] }),
    'health of a claim that is not there': health({ name: 'claim:a/b' }),
    'health that is odd and twice': health({
      name: 'cpu',
      resources: [
        { resourceID: 'a', health: 'Odd' },
        { resourceID: 'a', health: 'Healthy', message: '' },
      ],
    }),
    'health of an ephemeral container': {
      ephemeralContainerStatuses: [
        { name: 'e', image: '', imageID: '', ready: false, restartCount: 0, allocatedResourcesStatus: [{ name: 'x' }] },
      ],
    },
    'claims that are not there': { resourceClaimStatuses: [{ name: 'a' }, { name: 'a', resourceClaimName: 'A_b' }] },
    'extended claims without anything': { extendedResourceClaimStatus: { requestMappings: [], resourceClaimName: '' } },
    'extended claims of nothing': {
      extendedResourceClaimStatus: {
        requestMappings: [
          { containerName: 'z', resourceName: 'x', requestName: 'R' },
          { containerName: 'c', resourceName: 'x', requestName: 'r' },
          { containerName: 'c', resourceName: 'x', requestName: 'r' },
        ],
        resourceClaimName: 'A_b',
      },
    },
    'a volume without an image': containers({ volumeMounts: [{ name: 'v', mountPath: '/a', volumeStatus: { image: { imageRef: '' } } }] }),
    'a negative restart count': containers({ restartCount: -1 }),
    'a container that is not there': containers({ name: 'z' }),
    'resources of the pod': { allocatedResources: { cpu: '1000m' }, resources: { requests: { cpu: '1' } }, resize: 'InProgress' },
  }),
  ...of(bound, { 'a nominated node of a pod that has one': { nominatedNodeName: 'm' } }),
  ...of(claimed, {
    'the claim of a pod': { resourceClaimStatuses: [{ name: 'a', resourceClaimName: 'x' }] },
  }),
  after('a container that ended runs again in a pod that never restarts', podWith({ restartPolicy: 'Never' }), ...revived(0)),
  after('a container that failed runs again in a pod that restarts then', podWith({ restartPolicy: 'OnFailure' }), ...revived(1)),
  after('a container that succeeded runs again in a pod that restarts on failure', podWith({ restartPolicy: 'OnFailure' }), ...revived(0)),
  after('a container that ended runs again in a pod that always restarts', podWith({}), ...revived(0)),
  after('a container that restarts for itself', podOf({ restartPolicy: 'Always' }, { restartPolicy: 'Never' }), ...revived(0)),
  after('a container whose rule lets it restart', restart([rule('Restart', 'In', [42])]), ...revived(42)),
  after('a container whose rule does not let it restart', restart([rule('Restart', 'NotIn', [42])]), ...revived(42)),
  after('a container whose rule lets all restart', restart([rule('RestartAllContainers', 'In', [42])]), ...revived(1)),
  after(
    'an init container that ended runs again',
    podWith({ restartPolicy: 'Never', initContainers: [{ name: 'i', image: 'x' }] }),
    ...revived(0, 'initContainerStatuses', 'i'),
  ),
  after(
    'a sidecar that ended runs again',
    podWith({ restartPolicy: 'Never', initContainers: [{ name: 'i', image: 'x', restartPolicy: 'Always' }] }),
    ...revived(0, 'initContainerStatuses', 'i'),
  ),
  after('an ephemeral container that ended runs again', podWith({}), ...revived(0, 'ephemeralContainerStatuses', 'e')),
  after(
    'generations that were observed are kept',
    podWith({}),
    patch('merge', at, { status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] } }),
    patch('merge', at, { status: { observedGeneration: null, conditions: [{ type: 'Ready', status: 'False' }] } }),
  ),
  after(
    'metadata by way of the status',
    podWith({}),
    patch('merge', at, {
      metadata: {
        labels: { a: 'b' },
        annotations: { c: 'd' },
        finalizers: ['a/b'],
        ownerReferences: [{ apiVersion: 'v1', kind: 'A', name: 'x', uid: '1' }],
      },
      spec: { nodeName: 'n' },
    }),
  ),
  after('the status read', podWith({}), read(at)),
]
