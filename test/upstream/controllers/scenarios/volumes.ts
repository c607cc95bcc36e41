import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import type { PersistentVolumeSpec } from '../../../../src/kinds/generated/types/core-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, untilReady } from '../scenario.ts'

const onNode = {
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In' as const, values: ['node-2'] }] }] },
}

export async function storageClass({ clientset, namespace, also }: ScenarioWorld, more: object): Promise<void> {
  await clientset
    .storageV1()
    .storageClasses()
    .create({ metadata: { name: namespace }, provisioner: 'kubernetes.io/no-provisioner', ...more })
  also(kindRefs.storageV1.storageClasses, namespace)
}

/** A volume that claims can be bound to by then. */
export async function volume({ clientset, namespace, also, quiet }: ScenarioWorld, spec: Partial<PersistentVolumeSpec>): Promise<void> {
  await clientset
    .coreV1()
    .persistentVolumes()
    .create({
      metadata: { name: namespace },
      spec: { capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: namespace, ...spec },
    })
  also(kindRefs.coreV1.persistentVolumes, namespace)
  await quiet()
}

export async function claim({ clientset, namespace }: ScenarioWorld, more: object = {}): Promise<void> {
  const spec = {
    accessModes: ['ReadWriteOnce' as const],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: namespace,
    ...more,
  }
  await clientset
    .coreV1()
    .persistentVolumeClaims(namespace)
    .create({ metadata: { name: 'c' }, spec })
}

export const mounting = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }

export async function bound({ clientset, namespace, until }: ScenarioWorld): Promise<void> {
  await until('bound', async () => (await clientset.coreV1().persistentVolumeClaims(namespace).get('c')).status?.phase === 'Bound')
}

const ephemeral = (more: object) => ({
  volumes: [
    {
      name: 'v',
      ephemeral: {
        volumeClaimTemplate: {
          metadata: { labels: { a: 'b' }, annotations: { q: 'r' } },
          spec: {
            accessModes: ['ReadWriteOnce' as const],
            storageClassName: 'none-such',
            resources: { requests: { storage: '1Gi' } },
            ...more,
          },
        },
      },
    },
  ],
})

/** Claims, volumes and what is made of them. */
export const volumeScenarios: Readonly<Record<string, Scenario>> = {
  'volume-local-waits': async (world) => {
    await storageClass(world, { volumeBindingMode: 'WaitForFirstConsumer' })
    await volume(world, { local: { path: '/x' }, nodeAffinity: onNode })
    await claim(world)
    await world.quiet()
    await world.clientset
      .coreV1()
      .pods(world.namespace)
      .create({ metadata: { name: 'p', labels: { app: 'p' } }, spec: podSpec('i:1', mounting) })
    await untilReady(world, 'app=p', 1)
  },
  'volume-released': async (world) => {
    await storageClass(world, {})
    await volume(world, { hostPath: { path: '/x' } })
    await claim(world)
    await bound(world)
    await world.clientset.coreV1().persistentVolumeClaims(world.namespace).delete('c')
  },
  'volume-lost': async (world) => {
    await storageClass(world, {})
    await volume(world, { hostPath: { path: '/x' } })
    await claim(world)
    await bound(world)
    await world.clientset.coreV1().persistentVolumes().delete(world.namespace)
    await world.clientset
      .coreV1()
      .persistentVolumes()
      .patch(world.namespace, merge({ metadata: { finalizers: null } }))
  },
  'volume-used-is-protected': async (world) => {
    await storageClass(world, {})
    await volume(world, { hostPath: { path: '/x' } })
    await claim(world)
    await bound(world)
    await world.clientset
      .coreV1()
      .pods(world.namespace)
      .create({ metadata: { name: 'p', labels: { app: 'p' } }, spec: podSpec('i:1', mounting) })
    await untilReady(world, 'app=p', 1)
    await world.clientset.coreV1().persistentVolumeClaims(world.namespace).delete('c')
    await world.clientset.coreV1().persistentVolumes().delete(world.namespace)
  },
  'volume-grows-elsewhere': async (world) => {
    await storageClass(world, { provisioner: 'example.com/p', allowVolumeExpansion: true })
    await volume(world, { csi: { driver: 'example.com', volumeHandle: 'h' } })
    await claim(world)
    await bound(world)
    await world.clientset
      .coreV1()
      .persistentVolumeClaims(world.namespace)
      .patch('c', merge({ spec: { resources: { requests: { storage: '5Gi' } } } }))
  },
  'volume-cannot-grow': async (world) => {
    await storageClass(world, { allowVolumeExpansion: true })
    await volume(world, { hostPath: { path: '/x' } })
    await claim(world)
    await bound(world)
    await world.clientset
      .coreV1()
      .persistentVolumeClaims(world.namespace)
      .patch('c', merge({ spec: { resources: { requests: { storage: '5Gi' } } } }))
  },
  'volume-named-too-small': async (world) => {
    await storageClass(world, {})
    await volume(world, { hostPath: { path: '/x' } })
    await claim(world, { volumeName: world.namespace, resources: { requests: { storage: '9Gi' } } })
  },
  'volume-external-provisioner': async (world) => {
    await storageClass(world, { provisioner: 'example.com/p' })
    await claim(world)
  },
  'volume-ephemeral': async ({ clientset, namespace }) => {
    await clientset
      .coreV1()
      .pods(namespace)
      .create({ metadata: { name: 'p' }, spec: podSpec('i:1', ephemeral({})) })
  },
  'volume-ephemeral-taken': async ({ clientset, namespace }) => {
    const spec = { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } }, storageClassName: 'none-such' }
    await clientset
      .coreV1()
      .persistentVolumeClaims(namespace)
      .create({ metadata: { name: 'p-v' }, spec })
    await clientset
      .coreV1()
      .pods(namespace)
      .create({ metadata: { name: 'p' }, spec: podSpec('i:1', ephemeral({})) })
  },
}
