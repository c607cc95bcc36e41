import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simCluster } from '../sim-cluster.ts'
import { attributesClassProtectionController } from './controllers.ts'

test('a class of volume attributes stays while a claim has it or is on its way to it', async () => {
  const cluster = await simCluster({ definitions: [attributesClassProtectionController], nodes: false })
  const { clientset, clock, until } = cluster
  const classes = clientset.storageV1().volumeAttributesClasses()
  const claims = clientset.coreV1().persistentVolumeClaims('default')
  const finalizersOf = async (name: string) =>
    (await classes.list()).items.find(({ metadata }) => metadata.name === name)?.metadata.finalizers
  try {
    for (const name of ['gold', 'silver']) await classes.create({ metadata: { name }, driverName: 'd.example.com', parameters: { a: 'b' } })
    await until('protected', async () => (await finalizersOf('gold'))?.[0] === 'kubernetes.io/vac-protection')
    await claims.create({
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeAttributesClassName: 'gold' },
    })
    const claim = await claims.get('data')
    const modifyVolumeStatus = { status: 'InProgress' as const, targetVolumeAttributesClassName: 'silver' }
    await claims.updateStatus({ ...claim, status: { ...claim.status, modifyVolumeStatus } })
    await classes.delete('gold')
    await classes.delete('silver')
    await clock.advance(60_000)
    assert.deepEqual((await classes.list()).items.length, 2)
    await claims.updateStatus({ ...(await claims.get('data')), status: { currentVolumeAttributesClassName: 'gold' } })
    await until('the one that is not used any more goes', async () => (await finalizersOf('silver')) === undefined)
    assert.ok(await finalizersOf('gold'))
    await claims.delete('data')
    await until('the other goes with its claim', async () => (await finalizersOf('gold')) === undefined)
  } finally {
    await cluster.stop()
  }
})
