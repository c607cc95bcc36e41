import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import { merge, podSpec, type Scenario, untilReady } from '../scenario.ts'
import { bound, claim, mounting, storageClass, volume } from './volumes.ts'

const hostPath = { hostPath: { path: '/x' } }

/** Claims and volumes that do not fit, or that somebody chose. */
export const moreVolumeScenarios: Readonly<Record<string, Scenario>> = {
  'volume-of-another-claim': async (world) => {
    await storageClass(world, {})
    await volume(world, { ...hostPath, claimRef: { namespace: world.namespace, name: 'other' } })
    await claim(world, { volumeName: world.namespace })
  },
  'volume-with-other-modes': async (world) => {
    await storageClass(world, {})
    await volume(world, hostPath)
    await claim(world, { volumeName: world.namespace, accessModes: ['ReadWriteMany'] })
  },
  'volume-of-another-class': async (world) => {
    await storageClass(world, {})
    await volume(world, { ...hostPath, storageClassName: 'another' })
    await claim(world, { volumeName: world.namespace })
  },
  'volume-for-a-block': async (world) => {
    await storageClass(world, {})
    await volume(world, hostPath)
    await claim(world, { volumeName: world.namespace, volumeMode: 'Block' })
  },
  'volume-waits-for-its-claim': async (world) => {
    await storageClass(world, {})
    await volume(world, { ...hostPath, claimRef: { namespace: world.namespace, name: 'c' } })
    await claim(world)
    await bound(world)
  },
  'volume-that-waits-has-other-modes': async (world) => {
    await storageClass(world, {})
    await volume(world, { ...hostPath, claimRef: { namespace: world.namespace, name: 'c' } })
    await claim(world, { accessModes: ['ReadWriteMany'] })
    await world.quiet()
  },
  'volume-waits-for-pods-to-be-placed': async (world) => {
    await storageClass(world, { volumeBindingMode: 'WaitForFirstConsumer' })
    await claim(world)
    await world.quiet()
    const pods = world.clientset.coreV1().pods(world.namespace)
    const spec = podSpec('i:1', { schedulingGates: [{ name: 'example.com/wait' }], ...mounting })
    for (const name of ['one', 'two']) {
      await pods.create({ metadata: { name }, spec })
      await world.quiet()
      await world.quiet()
    }
    await pods.delete('one')
    await world.quiet()
  },
  'volume-reserved-anew-while-bound': async (world) => {
    await storageClass(world, {})
    await volume(world, hostPath)
    await claim(world)
    await bound(world)
    const volumes = world.clientset.coreV1().persistentVolumes()
    await volumes.patch(world.namespace, merge({ spec: { claimRef: { uid: null } } }))
    await world.quiet()
  },
  'volume-smaller-than-asked': async (world) => {
    await storageClass(world, { allowVolumeExpansion: true })
    await claim(world, { volumeName: world.namespace, resources: { requests: { storage: '3Gi' } } })
    await volume(world, { csi: { driver: 'example.com', volumeHandle: 'h' }, claimRef: { namespace: world.namespace, name: 'c' } })
    await bound(world)
  },
  'volume-chosen-by-labels': async (world) => {
    await storageClass(world, {})
    await volume(world, hostPath)
    await claim(world, { selector: { matchLabels: { disk: 'fast' } } })
    await world.quiet()
    await world.clientset
      .coreV1()
      .persistentVolumes()
      .patch(world.namespace, merge({ metadata: { labels: { disk: 'fast' } } }))
    await bound(world)
  },
  'volume-cannot-be-deleted': async (world) => {
    await storageClass(world, {})
    await volume(world, { ...hostPath, persistentVolumeReclaimPolicy: 'Delete' })
    await claim(world)
    await bound(world)
    await world.clientset.coreV1().persistentVolumeClaims(world.namespace).delete('c')
    await world.until('it says so', async () => {
      const { phase } = (await world.clientset.coreV1().persistentVolumes().get(world.namespace)).status ?? {}
      return phase === 'Failed' || phase === 'Released'
    })
  },
  'volume-deleted-elsewhere': async (world) => {
    await storageClass(world, {})
    await volume(world, { csi: { driver: 'example.com', volumeHandle: 'h' }, persistentVolumeReclaimPolicy: 'Delete' })
    await claim(world)
    await bound(world)
    await world.clientset.coreV1().persistentVolumeClaims(world.namespace).delete('c')
  },
  'volume-recycled': async (world) => {
    await storageClass(world, {})
    await volume(world, { csi: { driver: 'example.com', volumeHandle: 'h' } })
    await world.clientset
      .coreV1()
      .persistentVolumes()
      .patch(
        world.namespace,
        merge({ spec: { claimRef: { namespace: world.namespace, name: 'c', uid: '11111111-1111-1111-1111-111111111111' } } }),
      )
  },
  'volume-without-a-class': async (world) => claim(world, { storageClassName: '' }),
  'volume-of-no-class': async (world) => claim(world),
  'volume-with-nobody-to-make-it': async (world) => {
    await storageClass(world, {})
    await claim(world)
  },
  'volume-waits-for-a-pod': async (world) => {
    await storageClass(world, { provisioner: 'example.com/p', volumeBindingMode: 'WaitForFirstConsumer' })
    await claim(world)
    await world.quiet()
    await world.clientset
      .coreV1()
      .pods(world.namespace)
      .create({ metadata: { name: 'p' }, spec: podSpec('i:1', mounting) })
  },
  'volume-attributes-are-protected': async (world) => {
    const { clientset, namespace, also } = world
    const classes = clientset.storageV1().volumeAttributesClasses()
    await classes.create({ metadata: { name: namespace }, driverName: 'example.com', parameters: { a: 'b' } })
    also(kindRefs.storageV1.volumeAttributesClasses, namespace)
    await claim(world, { storageClassName: 'none-such', volumeAttributesClassName: namespace })
    await world.quiet()
    await classes.delete(namespace)
    await world.quiet()
    const { metadata } = await classes.get(namespace)
    await clientset
      .coreV1()
      .configMaps(namespace)
      .create({ metadata: { name: 'told' }, data: { finalizers: (metadata.finalizers ?? []).join() } })
    await clientset.coreV1().persistentVolumeClaims(namespace).delete('c')
    await world.until('it is gone', async () => !(await classes.list()).items.some((one) => one.metadata.name === namespace))
  },
  'volume-claimed-twice': async (world) => {
    await storageClass(world, {})
    await volume(world, hostPath)
    await claim(world)
    await bound(world)
    const spec = { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } }, storageClassName: world.namespace }
    await world.clientset
      .coreV1()
      .persistentVolumeClaims(world.namespace)
      .create({ metadata: { name: 'd' }, spec: { ...spec, volumeName: world.namespace } })
  },
  'volume-pod-has-ended': async (world) => {
    await storageClass(world, {})
    await volume(world, hostPath)
    await claim(world)
    await bound(world)
    const pods = world.clientset.coreV1().pods(world.namespace)
    await pods.create({ metadata: { name: 'p', labels: { app: 'p' } }, spec: podSpec('i:1', { ...mounting, restartPolicy: 'Never' }) })
    await untilReady(world, 'app=p', 1)
    await world.clientset.coreV1().persistentVolumeClaims(world.namespace).delete('c')
    await world.quiet()
    await pods.delete('p')
  },
}
