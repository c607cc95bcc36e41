import type { KubeObject } from '../../../../src/machinery/object.ts'
import { merge, type Scenario, type ScenarioWorld } from '../scenario.ts'

const mapsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.coreV1().configMaps(namespace)

type Owner = { readonly of: KubeObject; readonly blocks?: boolean }

async function map(world: ScenarioWorld, name: string, owners: readonly Owner[] = [], finalizers: string[] = []): Promise<KubeObject> {
  const ownerReferences = owners.map(({ of: { metadata }, blocks }) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    ...(blocks === undefined ? {} : { blockOwnerDeletion: blocks }),
  }))
  return mapsOf(world).create({ metadata: { name, finalizers, ownerReferences } })
}

const gone = (world: ScenarioWorld, name: string) =>
  world.until(`${name} is gone`, async () => !(await mapsOf(world).list()).items.some(({ metadata }) => metadata.name === name))

/** What there was, before somebody lets go of it. */
async function tell(world: ScenarioWorld): Promise<void> {
  const { items } = await mapsOf(world).list()
  const states = items
    .filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
    .map(({ metadata: { name, finalizers = [], deletionTimestamp } }) => [name, deletionTimestamp ? 'ends' : 'is', ...finalizers].join(' '))
  await mapsOf(world).create({ metadata: { name: 'told' }, data: { states: states.join(', ') } })
}

/** Owners and what they own. */
export const garbageScenarios: Readonly<Record<string, Scenario>> = {
  'garbage-goes-behind': async (world) => {
    const owner = await map(world, 'owner')
    const child = await map(world, 'child', [{ of: owner }])
    await map(world, 'grandchild', [{ of: child, blocks: true }])
    await world.quiet()
    await mapsOf(world).delete('owner', { propagationPolicy: 'Background' })
    await gone(world, 'grandchild')
  },
  'garbage-goes-first': async (world) => {
    const owner = await map(world, 'owner')
    await map(world, 'blocks', [{ of: owner, blocks: true }])
    await map(world, 'blocks-and-is-held', [{ of: owner, blocks: true }], ['example.com/held'])
    await map(world, 'does-not-block', [{ of: owner, blocks: false }], ['example.com/held'])
    await world.quiet()
    await mapsOf(world).delete('owner', { propagationPolicy: 'Foreground' })
    await gone(world, 'blocks')
    await world.quiet()
    await tell(world)
    await mapsOf(world).patch('blocks-and-is-held', merge({ metadata: { finalizers: null } }))
    await gone(world, 'owner')
    await mapsOf(world).patch('does-not-block', merge({ metadata: { finalizers: null } }))
    await gone(world, 'does-not-block')
  },
  'garbage-is-orphaned': async (world) => {
    const owner = await map(world, 'owner')
    const other = await map(world, 'other')
    await map(world, 'of-one', [{ of: owner }])
    await map(world, 'of-two', [{ of: owner }, { of: other }])
    await world.quiet()
    await mapsOf(world).delete('owner', { propagationPolicy: 'Orphan' })
    await gone(world, 'owner')
  },
  'garbage-of-two-owners': async (world) => {
    const [first, second] = [await map(world, 'first'), await map(world, 'second')]
    await map(world, 'child', [{ of: first }, { of: second }])
    await world.quiet()
    await mapsOf(world).delete('first')
    await world.quiet()
  },
  'garbage-waits-for-one-of-two': async (world) => {
    const [first, second] = [await map(world, 'first'), await map(world, 'second')]
    await map(world, 'child', [
      { of: first, blocks: true },
      { of: second, blocks: true },
    ])
    await world.quiet()
    await mapsOf(world).delete('first', { propagationPolicy: 'Foreground' })
    await gone(world, 'first')
  },
  'garbage-of-an-owner-elsewhere': async (world) => {
    const elsewhere = await world.clientset.coreV1().configMaps('kube-system').get('kube-apiserver-legacy-service-account-token-tracking')
    await map(world, 'child', [{ of: elsewhere }])
    await gone(world, 'child')
  },
  'garbage-of-nobody': async (world) => {
    const absent = { metadata: { name: 'absent', uid: '11111111-1111-1111-1111-111111111111' } }
    const owner = await map(world, 'owner')
    await map(world, 'of-one', [{ of: absent }])
    await map(world, 'of-two', [{ of: absent }, { of: owner }])
    await gone(world, 'of-one')
  },
}
