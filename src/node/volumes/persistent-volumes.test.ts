import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createTestApi } from '../../apiserver/test-api.ts'
import { createClientset } from '../../client/clientset.ts'
import type { PersistentVolumeSpec, Pod, Volume } from '../../kinds/generated/types/core-v1.ts'
import { localVolumeDriver, localVolumeFinalizer } from '../../kinds/storage/volume-binding.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { HostError } from '../pod/pod-host.ts'
import { PersistentVolumes } from './persistent-volumes.ts'

const root = mkdtempSync(join(tmpdir(), 'keelson-persistent-'))
after(() => rmSync(root, { recursive: true, force: true }))

const random = seededRandom(1)
const { api, client } = await createTestApi({
  clock: systemClock,
  random,
  // No controller takes the protection away here.
  withoutAdmission: ['ServiceAccount', 'StorageObjectInUseProtection'],
})
const clientset = createClientset(client)
after(() => api.close())

const volume: Volume = { name: 'data', persistentVolumeClaim: { claimName: 'c' } }
const pod: Pod = { metadata: { name: 'p', namespace: 'default', uid: 'u' }, spec: { containers: [], volumes: [volume] } }

/** A bound pair: the claim `name`, the volume `pv-name`. */
async function bound(name: string, spec: PersistentVolumeSpec): Promise<Volume> {
  const claims = clientset.coreV1().persistentVolumeClaims('default')
  const volumes = clientset.coreV1().persistentVolumes()
  const claim = await claims.create({
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeName: `pv-${name}` },
  })
  await claims.updateStatus({ ...claim, status: { phase: 'Bound' } })
  await volumes.create({
    metadata: { name: `pv-${name}` },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      claimRef: { namespace: 'default', name, uid: claim.metadata.uid ?? '' },
      ...spec,
    },
  })
  return { name: 'data', persistentVolumeClaim: { claimName: name } }
}

const local = (handle: string, more: PersistentVolumeSpec = {}): PersistentVolumeSpec => ({
  csi: { driver: localVolumeDriver, volumeHandle: handle },
  persistentVolumeReclaimPolicy: 'Delete',
  ...more,
})

function agentVolumes(name: string) {
  const node = { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } } }
  return new PersistentVolumes({ client, clock: systemClock, random, log: silentLog, directory: join(root, name), node: () => node })
}

const refused: [string, PersistentVolumeSpec | undefined, RegExp][] = [
  ['missing', undefined, /persistentvolumeclaims "missing" not found/],
  [
    'foreign',
    { csi: { driver: 'x.example.com', volumeHandle: 'h' } },
    /driver name x.example.com not found in the list of registered CSI drivers/,
  ],
  ['climbing', local('../etc'), /is no name of a directory/],
  ['absent', { local: { path: join(root, 'nowhere') }, nodeAffinity: hostAffinity('n1') }, /does not exist/],
  ['elsewhere', local('h', { nodeAffinity: hostAffinity('n2') }), /is on another node/],
]
for (const [name, spec, message] of refused)
  test(`a volume that is ${name} is refused, and says why`, async () => {
    if (spec) await bound(name, spec)
    const volumes = agentVolumes('refused')
    const setUp = volumes.setUp(pod, { name: 'data', persistentVolumeClaim: { claimName: name } }, join(root, 'link'))
    await assert.rejects(setUp, (error) => error instanceof HostError && error.reason === 'FailedMount' && message.test(error.message))
    await volumes.close()
  })

function hostAffinity(host: string): NonNullable<PersistentVolumeSpec['nodeAffinity']> {
  return { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [host] }] }] } }
}

for (const [policy, stays] of [
  ['Delete', false],
  ['Retain', true],
] as const)
  test(`a local volume keeps its files from pod to pod, and under ${policy} ${stays ? 'leaves' : 'takes'} them when it goes`, async () => {
    const name = policy.toLowerCase()
    const claimed = await bound(name, local(`pv-${name}`, { persistentVolumeReclaimPolicy: policy }))
    const link = join(root, name, 'pods', 'u', 'data')
    const first = agentVolumes(name)
    await first.start()
    await first.setUp(pod, claimed, link)
    await first.setUp(pod, claimed, link)
    writeFileSync(join(link, 'file'), 'kept')
    rmSync(link)
    await first.close()
    const second = agentVolumes(name)
    await second.start()
    await second.setUp(pod, claimed, link)
    assert.equal(readFileSync(join(link, 'file'), 'utf8'), 'kept')
    const volumes = clientset.coreV1().persistentVolumes()
    assert.deepEqual((await volumes.get(`pv-${name}`)).metadata.finalizers, [localVolumeFinalizer])
    const gone = (async () => {
      const watch = volumes.watch({
        signal: AbortSignal.timeout(5_000),
        fieldSelector: `metadata.name=pv-${name}`,
        sendInitialEvents: true,
        allowWatchBookmarks: true,
      })
      for await (const event of watch) if (event.type === 'DELETED') return true
      return false
    })()
    await volumes.delete(`pv-${name}`)
    assert.equal(await gone, true)
    assert.equal(existsSync(join(root, name, `pv-${name}`, 'file')), stays)
    await second.close()
  })
