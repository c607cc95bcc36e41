import type { Scenario } from '../scenario.ts'
import { claim, storageClass, volume } from './volumes.ts'

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
}
