import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import type { DeviceTaint, DeviceToleration, ResourceClaim } from '../../../../src/kinds/generated/types/resource-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld } from '../scenario.ts'
import { node } from './nodes.ts'

const driver = 'devices.example.com'
const breaks = (key: string): DeviceTaint => ({ key, value: 'v', effect: 'NoExecute' })

/** A device on a node that nobody runs. */
async function device(world: ScenarioWorld): Promise<void> {
  const { clientset, namespace, also } = world
  await node(world)
  const pool = { name: namespace, generation: 1, resourceSliceCount: 1 }
  await clientset
    .resourceV1()
    .resourceSlices()
    .create({ metadata: { name: namespace }, spec: { driver, pool, nodeName: namespace, devices: [{ name: 'd' }] } })
  also(kindRefs.resourceV1.resourceSlices, namespace)
}

async function taints({ clientset, namespace }: ScenarioWorld, ...of: DeviceTaint[]): Promise<void> {
  await clientset
    .resourceV1()
    .resourceSlices()
    .patch(namespace, merge({ spec: { devices: [{ name: 'd', ...(of.length > 0 ? { taints: of } : {}) }] } }))
}

/** A pod on that node, with a claim of the device that has been allocated to it. */
async function user({ clientset, namespace }: ScenarioWorld, name: string, tolerations: DeviceToleration[] = []): Promise<void> {
  const claims = clientset.resourceV1().resourceClaims(namespace)
  const exactly = { deviceClassName: 'none-such', ...(tolerations.length > 0 ? { tolerations } : {}) }
  const claim: ResourceClaim = await claims.create({ metadata: { name }, spec: { devices: { requests: [{ name: 'r', exactly }] } } })
  const pod = await clientset
    .coreV1()
    .pods(namespace)
    .create({
      metadata: { name },
      spec: podSpec('i:1', {
        nodeName: namespace,
        tolerations: [{ operator: 'Exists' }],
        resourceClaims: [{ name: 'c', resourceClaimName: name }],
        containers: [{ name: 'c', image: 'i:1', resources: { claims: [{ name: 'c' }] } }],
      }),
    })
  const result = { request: 'r', driver, pool: namespace, device: 'd', ...(tolerations.length > 0 ? { tolerations } : {}) }
  await claims.updateStatus({
    ...claim,
    metadata: { name, namespace },
    status: { allocation: { devices: { results: [result] } }, reservedFor: [{ resource: 'pods', name, uid: pod.metadata.uid ?? '' }] },
  })
}

const ends = ({ clientset, namespace, until }: ScenarioWorld, name: string) =>
  until(`${name} ends`, async () => (await clientset.coreV1().pods(namespace).get(name)).metadata.deletionTimestamp !== undefined)

/** Devices that break: who uses them has to go. */
export const deviceScenarios: Readonly<Record<string, Scenario>> = {
  'device-breaks': async (world) => {
    await device(world)
    const bears = (more: object): DeviceToleration => ({ key: 'k', operator: 'Exists', effect: 'NoExecute', ...more }) as DeviceToleration
    await user(world, 'goes')
    await user(world, 'stays', [bears({})])
    await user(world, 'goes-later', [bears({ tolerationSeconds: 3 })])
    await user(world, 'shortest-counts', [bears({ tolerationSeconds: 3600 }), bears({ tolerationSeconds: 2 })])
    await user(world, 'any-effect-is-none', [{ key: 'k', operator: 'Exists' }])
    await user(world, 'another-value', [bears({ operator: 'Equal', value: 'w' })])
    await world.quiet()
    await taints(world, breaks('k'))
    for (const name of ['goes', 'goes-later', 'shortest-counts', 'any-effect-is-none', 'another-value']) await ends(world, name)
  },
  'device-is-mended': async (world) => {
    await device(world)
    await user(world, 'p', [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }])
    await world.quiet()
    await taints(world, breaks('k'))
    await world.quiet()
    await taints(world)
    await world.quiet()
  },
}
